using Npgsql;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;
using static ZfRepl.Core.History.Postgres.PostgresSession;

namespace ZfRepl.Core.History.Postgres;

/// <summary>Reads events and books. Each call sees one state of the database. Not thread-safe.</summary>
internal static class PostgresQueries
{
    private const string NumberedLosses = "SELECT first, last FROM loss WHERE stream_id = $1 AND origin = $2 AND first > 0 AND last >= first";

    internal const string Events = """
        SELECT t, n, status, quality, kind, boot, counter, flags, "integer", number, "boolean", text, bytes FROM event
        WHERE oid_id = $1 AND (t, n) > ($2, $3) AND t <= $4 ORDER BY t, n LIMIT $5
        """;

    /// <summary>The stream with a tag, or null when there is none or more than one.</summary>
    public static async Task<StreamFacts?> FindStreamAsync(PostgresSession session, ulong tag, CancellationToken cancellation)
    {
        await using var command = session.Command(
            "SELECT tag, low, node, mailbox, highest FROM stream WHERE tag = $1 LIMIT 2", Parameter(unchecked((long)tag)));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = await row.ReadAsync(cancellation) ? Facts(row) : null;
        return await row.ReadAsync(cancellation) ? null : found;
    }

    public static async Task<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        PostgresSession session, Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation)
    {
        if (await OidNumbers.FindAsync(session, oid, cancellation) is not { } oidId)
        {
            return (HistoryCursor?)null;
        }

        await using var command = session.Command(
            Events,
            Parameter(oidId),
            Parameter(after.TimeNs),
            Parameter((int)Math.Clamp(after.Number, -1, int.MaxValue)),
            Parameter(toNs),
            Parameter((long)limit));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var item = target.Oids.GetOrAdd(oid);
        var count = 0;
        var last = after;
        while (await row.ReadAsync(cancellation))
        {
            count++;
            last = new HistoryCursor(row.GetInt64(0), row.GetInt32(1));
            if (AddEvent(row, item, target) is { } error)
            {
                return new HistoryError(
                    HistoryTrouble.Broken,
                    $"The history database {session.Options} holds an event of {oid} at {UnixTime.FormatIso(last.TimeNs)} that can't be read: {error}.",
                    "it was not written by this program, or by a newer one: update it, or delete that row");
            }
        }

        return count == limit ? last : (HistoryCursor?)null;
    }

    public static async Task<OidSpan[]> ListOidsAsync(PostgresSession session, Oid? after, int limit, CancellationToken cancellation)
    {
        // Each end is one step in the key's index, where count(*) would read all of it.
        await using var command = session.Command(
            """
            SELECT o.text, f.t, l.t
            FROM (SELECT id, text FROM oid WHERE text > $1 ORDER BY text LIMIT $2) o
            LEFT JOIN LATERAL (SELECT t FROM event WHERE oid_id = o.id ORDER BY t, n LIMIT 1) f ON true
            LEFT JOIN LATERAL (SELECT t FROM event WHERE oid_id = o.id ORDER BY t DESC, n DESC LIMIT 1) l ON true
            ORDER BY o.text
            """,
            Parameter(after?.Text ?? ""),
            Parameter((long)limit));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var spans = new List<OidSpan>();
        while (await row.ReadAsync(cancellation))
        {
            var oid = Oid.Parse(row.GetString(0));
            spans.Add(row.IsDBNull(1) ? OidSpan.Empty(oid) : new OidSpan(oid, row.GetInt64(1), row.GetInt64(2)));
        }

        return [.. spans];
    }

    public static async Task<OidCount[]> CountByOidAsync(PostgresSession session, Oid? after, int limit, CancellationToken cancellation)
    {
        await using var command = session.Command(
            """
            SELECT o.text, c.count, coalesce(c.first, 0), coalesce(c.last, 0)
            FROM (SELECT id, text FROM oid WHERE text > $1 ORDER BY text LIMIT $2) o
            CROSS JOIN LATERAL (SELECT count(*) AS count, min(t) AS first, max(t) AS last FROM event WHERE oid_id = o.id) c
            ORDER BY o.text
            """,
            Parameter(after?.Text ?? ""),
            Parameter((long)limit));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var counts = new List<OidCount>();
        while (await row.ReadAsync(cancellation))
        {
            counts.Add(new OidCount(Oid.Parse(row.GetString(0)), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)));
        }

        return [.. counts];
    }

    public static async Task<StreamAccount[]> ReadStreamsAsync(
        PostgresSession session, StreamId? only, int maxMissing, CancellationToken cancellation)
    {
        await session.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        var streams = new List<(int Id, StreamFacts Facts)>();
        await using (var command = session.Command("SELECT tag, low, node, mailbox, highest, id FROM stream ORDER BY node, mailbox, id"))
        {
            await using var row = await command.ExecuteReaderAsync(cancellation);
            while (await row.ReadAsync(cancellation))
            {
                var facts = Facts(row);
                if (only is null || only == facts.Id)
                {
                    streams.Add((row.GetInt32(5), facts));
                }
            }
        }

        var accounts = new StreamAccount[streams.Count];
        for (var i = 0; i < accounts.Length; i++)
        {
            accounts[i] = await AccountAsync(session, streams[i].Id, streams[i].Facts, maxMissing, cancellation);
        }

        await session.CommitAsync();
        return accounts;
    }

    /// <summary>The newest entries of the loss ledger.</summary>
    public static async Task<BookedLoss[]> ReadLossesAsync(PostgresSession session, string? node, int limit, CancellationToken cancellation)
    {
        await session.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        var found = new List<(int StreamId, BookedLoss Loss)>();
        await using (var command = session.Command(
            """
            SELECT s.tag, s.low, s.node, s.mailbox, s.highest, s.id, l.origin, l.reason, l.first, l.last, l.count, l.is_exact,
              l.from_ns, l.to_ns, l.recorded_ns, l.source, l.detail
            FROM loss l JOIN stream s ON s.id = l.stream_id WHERE $1 = '' OR s.node = $1
            ORDER BY l.recorded_ns DESC, l.stream_id, l.at_sequence LIMIT $2
            """,
            Parameter(PostgresValue.Printable(node ?? "")),
            Parameter((long)limit)))
        {
            await using var row = await command.ExecuteReaderAsync(cancellation);
            while (await row.ReadAsync(cancellation))
            {
                var record = new LossRecord(
                    (LossReason)unchecked((byte)row.GetInt16(7)),
                    unchecked((ulong)row.GetInt64(8)),
                    unchecked((ulong)row.GetInt64(9)),
                    unchecked((ulong)row.GetInt64(10)),
                    row.GetBoolean(11),
                    row.GetInt64(12),
                    row.GetInt64(13),
                    row.GetInt64(14),
                    row.GetString(15),
                    row.GetString(16));
                found.Add((row.GetInt32(5), new BookedLoss(Facts(row), (LossOrigin)row.GetInt16(6), record, record.Count)));
            }
        }

        var received = new Dictionary<int, SequenceSet>();
        foreach (var id in found.Select(f => f.StreamId).Distinct())
        {
            received[id] = await CollectAsync(
                session.Command("SELECT first, last FROM received WHERE stream_id = $1 ORDER BY first", Parameter(id)), cancellation);
        }

        await session.CommitAsync();
        return [.. found.Select(f => f.Loss with { StillLost = received[f.StreamId].StillLost(f.Loss.Record) })];
    }

    private static async Task<StreamAccount> AccountAsync(
        PostgresSession session, int streamId, StreamFacts facts, int maxMissing, CancellationToken cancellation)
    {
        var received = await CollectAsync(
            session.Command("SELECT first, last FROM received WHERE stream_id = $1 ORDER BY first", Parameter(streamId)), cancellation);
        var explained = await CollectAsync(
            session.Command($"{NumberedLosses} ORDER BY first", Parameter(streamId), Parameter((short)LossOrigin.Source)), cancellation);
        explained.AddAll(received.Ranges);
        var missing = new List<SequenceRange>();
        var missingCount = 0UL;
        if (facts.HighestSequence > 0)
        {
            foreach (var hole in explained.Holes(new SequenceRange(1, facts.HighestSequence)))
            {
                missingCount += hole.Count;
                if (missing.Count < maxMissing)
                {
                    missing.Add(hole);
                }
            }
        }

        return new StreamAccount(facts, received.Count, missingCount, missing, await SumLossesAsync(session, streamId, received, cancellation));
    }

    /// <summary>
    /// Losses with sequence numbers count once, however many records name them, and not at all where the events arrived; losses of events
    /// that never got a number count as they were recorded, up to 2^40 a record, so that no record can make the sum overflow.
    /// </summary>
    private static async Task<List<LossSum>> SumLossesAsync(
        PostgresSession session, int streamId, SequenceSet received, CancellationToken cancellation)
    {
        var sums = new List<LossSum>();
        await using (var command = session.Command(
            """
            SELECT origin, reason, count(*),
              sum(CASE WHEN first > 0 THEN 0 WHEN count BETWEEN 0 AND 1099511627776 THEN count ELSE 1099511627776 END)::bigint, bool_and(is_exact)
            FROM loss WHERE stream_id = $1
            GROUP BY origin, reason ORDER BY origin, reason
            """,
            Parameter(streamId)))
        {
            await using var row = await command.ExecuteReaderAsync(cancellation);
            while (await row.ReadAsync(cancellation))
            {
                sums.Add(new LossSum(
                    (LossOrigin)row.GetInt16(0),
                    (LossReason)row.GetInt16(1),
                    row.GetInt64(2),
                    unchecked((ulong)row.GetInt64(3)),
                    row.GetBoolean(4)));
            }
        }

        for (var i = 0; i < sums.Count; i++)
        {
            var ranges = await CollectAsync(
                session.Command(
                    $"{NumberedLosses} AND reason = $3 ORDER BY first",
                    Parameter(streamId),
                    Parameter((short)sums[i].Origin),
                    Parameter((short)sums[i].Reason)),
                cancellation);
            sums[i] = sums[i] with { Events = sums[i].Events + ranges.CountWithout(received) };
        }

        return sums;
    }

    private static async Task<SequenceSet> CollectAsync(NpgsqlCommand ranges, CancellationToken cancellation)
    {
        await using var command = ranges;
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var set = new SequenceSet();
        while (await row.ReadAsync(cancellation))
        {
            set.Add(new SequenceRange((ulong)row.GetInt64(0), (ulong)row.GetInt64(1)));
        }

        return set;
    }

    private static StreamFacts Facts(NpgsqlDataReader row) => new(
        new StreamId(unchecked((ulong)row.GetInt64(0)), unchecked((ulong)row.GetInt64(1))),
        row.GetString(2),
        row.GetString(3),
        unchecked((ulong)row.GetInt64(4)));

    private static string? AddEvent(NpgsqlDataReader row, int item, EventBatch target)
    {
        var kind = (ValueKind)unchecked((byte)row.GetInt16(4));
        var error = PostgresValue.TryRead(row, 8, kind, out var bits, out var reference);
        if (error is null)
        {
            target.Add(
                item,
                row.GetInt64(0),
                row.GetInt16(2),
                unchecked((uint)row.GetInt32(3)),
                kind,
                bits,
                reference,
                new Ieid(unchecked((ulong)row.GetInt64(5)), unchecked((ulong)row.GetInt64(6))),
                row.IsDBNull(7) ? EventFlags.None : (EventFlags)unchecked((byte)row.GetInt16(7)));
        }

        return error;
    }
}
