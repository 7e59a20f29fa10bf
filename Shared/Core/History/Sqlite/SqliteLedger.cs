using System.Security.Cryptography;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>
/// Writes the books of streams within a transaction that its caller holds: which sequence numbers were received, which were lost, which
/// blocks are applied. Every entry may be written again without effect. Not thread-safe.
/// </summary>
internal sealed class SqliteLedger(SqliteSession session)
{
    /// <summary>The number of a stream's row, made or brought up to date now.</summary>
    public long Touch(StreamFacts facts)
    {
        var known = FindRow(facts.Id) ?? Adopt(facts.Id);
        var statement = session.Statement(known is null
            ? "INSERT INTO stream(tag, low, node, mailbox, highest) VALUES(?1, ?2, ?3, ?4, ?5)"
            : """
              UPDATE stream SET node = iif(?3 = '', node, ?3), mailbox = iif(?4 = '', mailbox, ?4), highest = max(highest, ?5)
              WHERE tag = ?1 AND low = ?2
              """);
        BindStream(statement, facts.Id);
        statement.BindText(3, facts.Node);
        statement.BindText(4, facts.Mailbox);
        statement.Bind(5, checked((long)facts.HighestSequence));
        statement.Execute();
        return known ?? FindRow(facts.Id) ?? throw new InvalidOperationException($"The stream {facts.Id} was just written and is not there.");
    }

    /// <summary>The number of a stream's row, or null.</summary>
    public long? FindRow(StreamId stream)
    {
        var statement = session.Statement("SELECT id FROM stream WHERE tag = ?1 AND low = ?2");
        BindStream(statement, stream);
        long? id = statement.Step() ? statement.Int64(0) : null;
        statement.Reset();
        return id;
    }

    /// <summary>Adds sequence numbers to the received ones, and melts what touches into one range.</summary>
    public void AddReceived(long streamId, SequenceRange range)
    {
        var merged = new SequenceSet();
        merged.Add(range);
        var below = session.Statement("SELECT first, last FROM received WHERE stream_id = ?1 AND first <= ?2 ORDER BY first DESC");
        below.Bind(1, streamId);
        below.Bind(2, range.Last == long.MaxValue ? long.MaxValue : (long)range.Last + 1);
        while (below.Step() && unchecked((ulong)below.Int64(1)) + 1 >= range.First)
        {
            merged.Add(new SequenceRange(unchecked((ulong)below.Int64(0)), unchecked((ulong)below.Int64(1))));
        }

        below.Reset();
        var result = merged.Ranges.Single();
        var delete = session.Statement("DELETE FROM received WHERE stream_id = ?1 AND first BETWEEN ?2 AND ?3");
        BindRange(delete, streamId, result);
        delete.Execute();
        var insert = session.Statement("INSERT INTO received(stream_id, first, last) VALUES(?1, ?2, ?3)");
        BindRange(insert, streamId, result);
        insert.Execute();
    }

    /// <summary>Enters a loss, unless it is there.</summary>
    public void AddLoss(long streamId, LossEntry entry)
    {
        var statement = session.Statement("""
            INSERT INTO loss(stream_id, origin, at_sequence, digest, occurrence, reason, first, last, count, is_exact, from_ns, to_ns,
              recorded_ns, source, detail)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING
            """);
        var record = entry.Record;
        statement.Bind(1, streamId);
        statement.Bind(2, (long)entry.Origin);
        statement.Bind(3, unchecked((long)entry.AtSequence));
        statement.BindBlob(4, Digest(entry));
        statement.Bind(5, entry.Occurrence);
        statement.Bind(6, (long)record.Reason);
        statement.Bind(7, unchecked((long)record.FirstSequence));
        statement.Bind(8, unchecked((long)record.LastSequence));
        statement.Bind(9, unchecked((long)record.Count));
        statement.Bind(10, record.IsExact ? 1 : 0);
        statement.Bind(11, record.FromNs);
        statement.Bind(12, record.ToNs);
        statement.Bind(13, record.RecordedNs);
        statement.BindText(14, record.Source);
        statement.BindText(15, record.Detail);
        statement.Execute();
    }

    /// <summary>Enters a block. One that is there keeps what it has reached: complete stays complete, delivered stays delivered.</summary>
    public AppliedBlock PutApplied(long streamId, AppliedBlock applied)
    {
        var statement = session.Statement("""
            INSERT INTO applied(stream_id, block_index, hash, first_sequence, next_sequence, events, inserted, replays, repeats, conflicts,
              applied_ns, is_complete, is_delivered)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            ON CONFLICT(stream_id, block_index, hash) DO UPDATE SET
              first_sequence = excluded.first_sequence, next_sequence = excluded.next_sequence, events = excluded.events,
              inserted = excluded.inserted, replays = excluded.replays, repeats = excluded.repeats, conflicts = excluded.conflicts,
              applied_ns = excluded.applied_ns, is_complete = max(is_complete, excluded.is_complete),
              is_delivered = iif(events < excluded.events, excluded.is_delivered, max(is_delivered, excluded.is_delivered))
            """);
        var counts = applied.Counts;
        BindBlock(statement, streamId, applied.Block);
        statement.Bind(4, unchecked((long)applied.FirstSequence));
        statement.Bind(5, unchecked((long)applied.NextSequence));
        statement.Bind(6, counts.Events);
        statement.Bind(7, counts.Inserted);
        statement.Bind(8, counts.Replays);
        statement.Bind(9, counts.Repeats);
        statement.Bind(10, counts.Conflicts);
        statement.Bind(11, applied.AppliedNs);
        statement.Bind(12, applied.IsComplete ? 1 : 0);
        statement.Bind(13, applied.IsDelivered ? 1 : 0);
        statement.Execute();
        return FindApplied(applied.Block) ?? throw new InvalidOperationException($"Block {applied.Block} was just entered and is not there.");
    }

    /// <summary>The row of a block, or null.</summary>
    public AppliedBlock? FindApplied(BlockKey block)
    {
        if (FindRow(block.Stream) is not { } streamId)
        {
            return null;
        }

        var row = session.Statement("""
            SELECT first_sequence, next_sequence, events, inserted, replays, repeats, conflicts, applied_ns, is_complete, is_delivered
            FROM applied WHERE stream_id = ?1 AND block_index = ?2 AND hash = ?3
            """);
        BindBlock(row, streamId, block);
        var found = row.Step() ? Applied(row, block) : null;
        row.Reset();
        return found;
    }

    /// <summary>The rows of a stream behind a block, ordered by number and hash.</summary>
    public AppliedBlock[] ReadApplied(StreamId stream, BlockKey? after, int limit)
    {
        if (FindRow(stream) is not { } streamId)
        {
            return [];
        }

        var row = session.Statement("""
            SELECT first_sequence, next_sequence, events, inserted, replays, repeats, conflicts, applied_ns, is_complete, is_delivered,
              block_index, hash
            FROM applied WHERE stream_id = ?1 AND (block_index, hash) > (?2, ?3) AND length(hash) = 32 ORDER BY block_index, hash LIMIT ?4
            """);
        row.Bind(1, streamId);
        row.Bind(2, after is null ? -1 : unchecked((long)after.Index));
        row.BindBlob(3, after is null ? [] : after.Hash.Bytes);
        row.Bind(4, limit);
        var found = new List<AppliedBlock>();
        while (row.Step())
        {
            found.Add(Applied(row, new BlockKey(stream, unchecked((ulong)row.Int64(10)), new BlockHash(row.Bytes(11)))));
        }

        row.Reset();
        return [.. found];
    }

    /// <summary>Notes that the sinks have a block.</summary>
    public void MarkDelivered(BlockKey block)
    {
        if (FindRow(block.Stream) is { } streamId)
        {
            var statement = session.Statement("UPDATE applied SET is_delivered = 1 WHERE stream_id = ?1 AND block_index = ?2 AND hash = ?3");
            BindBlock(statement, streamId, block);
            statement.Execute();
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

    private static AppliedBlock Applied(SqliteStatement row, BlockKey block) => new(
        block,
        unchecked((ulong)row.Int64(0)),
        unchecked((ulong)row.Int64(1)),
        new WriteCounts(row.Int64(2), row.Int64(3), row.Int64(4), row.Int64(5), row.Int64(6)),
        row.Int64(7),
        row.Int64(8) != 0,
        row.Int64(9) != 0);

    private static void BindStream(SqliteStatement statement, StreamId stream)
    {
        statement.Bind(1, unchecked((long)stream.High));
        statement.Bind(2, unchecked((long)stream.Low));
    }

    private static void BindRange(SqliteStatement statement, long streamId, SequenceRange range)
    {
        statement.Bind(1, streamId);
        statement.Bind(2, checked((long)range.First));
        statement.Bind(3, checked((long)range.Last));
    }

    private static void BindBlock(SqliteStatement statement, long streamId, BlockKey block)
    {
        statement.Bind(1, streamId);
        statement.Bind(2, unchecked((long)block.Index));
        statement.BindBlob(3, block.Hash.Bytes);
    }

    /// <summary>
    /// A stream of which only the first half of the id was known gets its whole id from the first block with an intact header.
    /// </summary>
    private long? Adopt(StreamId stream)
    {
        if (stream.Low == 0 || FindRow(stream with { Low = 0 }) is not { } id)
        {
            return null;
        }

        var statement = session.Statement("UPDATE stream SET low = ?2 WHERE tag = ?1 AND low = 0");
        BindStream(statement, stream);
        statement.Execute();
        return id;
    }
}
