using System.Security.Cryptography;
using Npgsql;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using static ZfRepl.Core.History.Postgres.PostgresSession;

namespace ZfRepl.Core.History.Postgres;

/// <summary>
/// Writes the books of streams within a transaction that its caller holds: which sequence numbers were received, which were lost, which
/// blocks are applied. Every entry may be written again without effect. Not thread-safe.
/// </summary>
internal sealed class PostgresLedger(PostgresSession session)
{
    /// <summary>The number of a stream's row, made or brought up to date now.</summary>
    public async Task<int> TouchAsync(StreamFacts facts)
    {
        if (await FindRowAsync(facts.Id, CancellationToken.None) is null)
        {
            await AdoptAsync(facts.Id);
        }

        var id = await session.ValueAsync(
            """
            INSERT INTO stream AS s(tag, low, node, mailbox, highest) VALUES($1, $2, $3, $4, $5)
            ON CONFLICT(tag, low) DO UPDATE SET
              node = CASE excluded.node WHEN '' THEN s.node ELSE excluded.node END,
              mailbox = CASE excluded.mailbox WHEN '' THEN s.mailbox ELSE excluded.mailbox END,
              highest = greatest(s.highest, excluded.highest)
            RETURNING id
            """,
            CancellationToken.None,
            Parameter(unchecked((long)facts.Id.High)),
            Parameter(unchecked((long)facts.Id.Low)),
            Parameter(PostgresValue.Printable(facts.Node)),
            Parameter(PostgresValue.Printable(facts.Mailbox)),
            Parameter(checked((long)facts.HighestSequence)));
        return (int)id!;
    }

    /// <summary>The number of a stream's row, or null.</summary>
    public async Task<int?> FindRowAsync(StreamId stream, CancellationToken cancellation) => (int?)await session.ValueAsync(
        "SELECT id FROM stream WHERE tag = $1 AND low = $2",
        cancellation,
        Parameter(unchecked((long)stream.High)),
        Parameter(unchecked((long)stream.Low)));

    /// <summary>Adds sequence numbers to the received ones, and melts what touches into one range.</summary>
    public async Task AddReceivedAsync(int streamId, SequenceRange range)
    {
        var merged = new SequenceSet();
        merged.Add(range);
        await using (var below = session.Command(
            "SELECT first, last FROM received WHERE stream_id = $1 AND first <= $2 ORDER BY first DESC",
            Parameter(streamId),
            Parameter(range.Last == long.MaxValue ? long.MaxValue : (long)range.Last + 1)))
        {
            await using var row = await below.ExecuteReaderAsync();
            while (await row.ReadAsync() && unchecked((ulong)row.GetInt64(1)) + 1 >= range.First)
            {
                merged.Add(new SequenceRange(unchecked((ulong)row.GetInt64(0)), unchecked((ulong)row.GetInt64(1))));
            }
        }

        var result = merged.Ranges.Single();
        await session.ExecuteAsync(
            "DELETE FROM received WHERE stream_id = $1 AND first BETWEEN $2 AND $3",
            Parameter(streamId),
            Parameter(checked((long)result.First)),
            Parameter(checked((long)result.Last)));
        await session.ExecuteAsync(
            "INSERT INTO received(stream_id, first, last) VALUES($1, $2, $3)",
            Parameter(streamId),
            Parameter(checked((long)result.First)),
            Parameter(checked((long)result.Last)));
    }

    /// <summary>Enters a loss, unless it is there.</summary>
    public Task AddLossAsync(int streamId, LossEntry entry)
    {
        var record = entry.Record;
        return session.ExecuteAsync(
            """
            INSERT INTO loss(stream_id, origin, at_sequence, digest, occurrence, reason, first, last, count, is_exact, from_ns, to_ns,
              recorded_ns, source, detail)
            VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING
            """,
            Parameter(streamId),
            Parameter((short)entry.Origin),
            Parameter(unchecked((long)entry.AtSequence)),
            Parameter(Digest(entry)),
            Parameter(entry.Occurrence),
            Parameter((short)record.Reason),
            Parameter(unchecked((long)record.FirstSequence)),
            Parameter(unchecked((long)record.LastSequence)),
            Parameter(unchecked((long)record.Count)),
            Parameter(record.IsExact),
            Parameter(record.FromNs),
            Parameter(record.ToNs),
            Parameter(record.RecordedNs),
            Parameter(PostgresValue.Printable(record.Source)),
            Parameter(PostgresValue.Printable(record.Detail)));
    }

    /// <summary>Enters a block. One that is there keeps what it has reached: complete stays complete, delivered stays delivered.</summary>
    public async Task<AppliedBlock> PutAppliedAsync(int streamId, AppliedBlock applied)
    {
        var counts = applied.Counts;
        await session.ExecuteAsync(
            """
            INSERT INTO applied AS a(stream_id, block_index, hash, first_sequence, next_sequence, events, inserted, replays, repeats, conflicts,
              applied_ns, is_complete, is_delivered)
            VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT(stream_id, block_index, hash) DO UPDATE SET
              first_sequence = excluded.first_sequence, next_sequence = excluded.next_sequence, events = excluded.events,
              inserted = excluded.inserted, replays = excluded.replays, repeats = excluded.repeats, conflicts = excluded.conflicts,
              applied_ns = excluded.applied_ns, is_complete = a.is_complete OR excluded.is_complete,
              is_delivered = CASE WHEN a.events < excluded.events THEN excluded.is_delivered ELSE a.is_delivered OR excluded.is_delivered END
            """,
            Parameter(streamId),
            Parameter(unchecked((long)applied.Block.Index)),
            Parameter(applied.Block.Hash.Bytes.ToArray()),
            Parameter(unchecked((long)applied.FirstSequence)),
            Parameter(unchecked((long)applied.NextSequence)),
            Parameter(counts.Events),
            Parameter(counts.Inserted),
            Parameter(counts.Replays),
            Parameter(counts.Repeats),
            Parameter(counts.Conflicts),
            Parameter(applied.AppliedNs),
            Parameter(applied.IsComplete),
            Parameter(applied.IsDelivered));
        return await FindAppliedAsync(applied.Block, CancellationToken.None)
            ?? throw new InvalidOperationException($"Block {applied.Block} was just entered and is not there.");
    }

    /// <summary>The row of a block, or null.</summary>
    public async Task<AppliedBlock?> FindAppliedAsync(BlockKey block, CancellationToken cancellation)
    {
        if (await FindRowAsync(block.Stream, cancellation) is not { } streamId)
        {
            return null;
        }

        await using var command = session.Command(
            """
            SELECT first_sequence, next_sequence, events, inserted, replays, repeats, conflicts, applied_ns, is_complete, is_delivered
            FROM applied WHERE stream_id = $1 AND block_index = $2 AND hash = $3
            """,
            BlockParameters(streamId, block));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) ? Applied(row, block) : null;
    }

    /// <summary>The rows of a stream behind a block, ordered by number and hash.</summary>
    public async Task<AppliedBlock[]> ReadAppliedAsync(StreamId stream, BlockKey? after, int limit, CancellationToken cancellation)
    {
        if (await FindRowAsync(stream, cancellation) is not { } streamId)
        {
            return [];
        }

        await using var command = session.Command(
            """
            SELECT first_sequence, next_sequence, events, inserted, replays, repeats, conflicts, applied_ns, is_complete, is_delivered,
              block_index, hash
            FROM applied WHERE stream_id = $1 AND (block_index, hash) > ($2, $3) AND octet_length(hash) = 32 ORDER BY block_index, hash LIMIT $4
            """,
            Parameter(streamId),
            Parameter(after is null ? -1 : unchecked((long)after.Index)),
            Parameter(after is null ? [] : after.Hash.Bytes.ToArray()),
            Parameter((long)limit));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = new List<AppliedBlock>();
        while (await row.ReadAsync(cancellation))
        {
            found.Add(Applied(row, new BlockKey(stream, unchecked((ulong)row.GetInt64(10)), new BlockHash(row.GetFieldValue<byte[]>(11)))));
        }

        return [.. found];
    }

    /// <summary>Notes that the sinks have a block.</summary>
    public async Task MarkDeliveredAsync(BlockKey block)
    {
        if (await FindRowAsync(block.Stream, CancellationToken.None) is { } streamId)
        {
            await session.ExecuteAsync(
                "UPDATE applied SET is_delivered = true WHERE stream_id = $1 AND block_index = $2 AND hash = $3", BlockParameters(streamId, block));
        }
    }

    // What makes two records at one place the same. A loss that the import found is the same however it is worded and whenever.
    private static byte[] Digest(LossEntry entry)
    {
        var bytes = new Bytes.ByteWriter(256);
        var record = entry.Origin == LossOrigin.Source
            ? entry.Record
            : entry.Record with { FromNs = 0, ToNs = 0, RecordedNs = 0, Source = "", Detail = "" };
        record.AppendFrame(bytes, 0, 0);
        return SHA256.HashData(bytes.Written)[..16];
    }

    private static AppliedBlock Applied(NpgsqlDataReader row, BlockKey block) => new(
        block,
        unchecked((ulong)row.GetInt64(0)),
        unchecked((ulong)row.GetInt64(1)),
        new WriteCounts(row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6)),
        row.GetInt64(7),
        row.GetBoolean(8),
        row.GetBoolean(9));

    private static NpgsqlParameter[] BlockParameters(int streamId, BlockKey block) =>
        [Parameter(streamId), Parameter(unchecked((long)block.Index)), Parameter(block.Hash.Bytes.ToArray())];

    /// <summary>
    /// A stream of which only the first half of the id was known gets its whole id from the first block with an intact header.
    /// </summary>
    private Task<int> AdoptAsync(StreamId stream) => stream.Low == 0
        ? Task.FromResult(0)
        : session.ExecuteAsync(
            "UPDATE stream SET low = $2 WHERE tag = $1 AND low = 0",
            Parameter(unchecked((long)stream.High)),
            Parameter(unchecked((long)stream.Low)));
}
