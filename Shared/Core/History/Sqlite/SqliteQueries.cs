using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>Reads events and books. Each call sees one state of the database. Not thread-safe.</summary>
internal static class SqliteQueries
{
    private const string NumberedLosses = "SELECT first, last FROM loss WHERE stream_id = ?1 AND origin = ?2 AND first > 0 AND last >= first";

    /// <summary>The stream with a tag, or null when there is none or more than one.</summary>
    public static StreamFacts? FindStream(SqliteSession session, ulong tag)
    {
        var row = session.Statement("SELECT tag, low, node, mailbox, highest FROM stream WHERE tag = ?1 LIMIT 2");
        row.Bind(1, unchecked((long)tag));
        var found = row.Step() ? Facts(row) : null;
        var isUnique = !row.Step();
        row.Reset();
        return isUnique ? found : null;
    }

    public static HistoryResult<HistoryCursor?> ReadEvents(
        SqliteSession session, Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target)
    {
        if (OidIds.Find(session, oid) is not { } oidId)
        {
            return (HistoryCursor?)null;
        }

        var row = session.Statement("""
            SELECT t, n, status, quality, kind, value, boot, counter, flags FROM event
            WHERE oid_id = ?1 AND (t, n) > (?2, ?3) AND t <= ?4 ORDER BY t, n LIMIT ?5
            """);
        row.Bind(1, oidId);
        row.Bind(2, after.TimeNs);
        row.Bind(3, after.Number);
        row.Bind(4, toNs);
        row.Bind(5, limit);
        var item = target.Oids.GetOrAdd(oid);
        var count = 0;
        var last = after;
        string? error = null;
        while (error is null && row.Step())
        {
            count++;
            last = new HistoryCursor(row.Int64(0), row.Int64(1));
            error = AddEvent(row, item, target);
        }

        row.Reset();
        if (error is not null)
        {
            return new HistoryError(
                HistoryTrouble.Broken,
                $"The history database {session.Path} holds an event of {oid} at {UnixTime.FormatIso(last.TimeNs)} that can't be read: {error}.",
                "it was not written by this program, or by a newer one: update it, or delete that row");
        }

        return count == limit ? last : (HistoryCursor?)null;
    }

    public static OidSpan[] ListOids(SqliteSession session, Oid? after, int limit)
    {
        // Each end is one step in the table's key, where count(*) would read all of it.
        var row = session.Statement("""
            SELECT o.text, (SELECT min(t) FROM event WHERE oid_id = o.id), (SELECT max(t) FROM event WHERE oid_id = o.id),
              EXISTS(SELECT 1 FROM event WHERE oid_id = o.id)
            FROM oid o WHERE o.text > ?1 ORDER BY o.text LIMIT ?2
            """);
        row.BindText(1, after?.Text ?? "");
        row.Bind(2, limit);
        var spans = new List<OidSpan>();
        while (row.Step())
        {
            var oid = Oid.Parse(row.Text(0));
            spans.Add(row.Int64(3) != 0 ? new OidSpan(oid, row.Int64(1), row.Int64(2)) : OidSpan.Empty(oid));
        }

        row.Reset();
        return [.. spans];
    }

    public static OidCount[] CountByOid(SqliteSession session, Oid? after, int limit)
    {
        var row = session.Statement("""
            SELECT o.text, (SELECT count(*) FROM event WHERE oid_id = o.id), (SELECT min(t) FROM event WHERE oid_id = o.id),
              (SELECT max(t) FROM event WHERE oid_id = o.id)
            FROM oid o WHERE o.text > ?1 ORDER BY o.text LIMIT ?2
            """);
        row.BindText(1, after?.Text ?? "");
        row.Bind(2, limit);
        var counts = new List<OidCount>();
        while (row.Step())
        {
            counts.Add(new OidCount(Oid.Parse(row.Text(0)), row.Int64(1), row.Int64(2), row.Int64(3)));
        }

        row.Reset();
        return [.. counts];
    }

    public static StreamAccount[] ReadStreams(SqliteSession session, StreamId? only, int maxMissing)
    {
        session.Execute("BEGIN");
        var streams = new List<(long Id, StreamFacts Facts)>();
        var row = session.Statement("SELECT tag, low, node, mailbox, highest, id FROM stream ORDER BY node, mailbox, id");
        while (row.Step())
        {
            var facts = Facts(row);
            if (only is null || only == facts.Id)
            {
                streams.Add((row.Int64(5), facts));
            }
        }

        row.Reset();
        StreamAccount[] accounts = [.. streams.Select(s => Account(session, s.Id, s.Facts, maxMissing))];
        session.Commit();
        return accounts;
    }

    /// <summary>The newest entries of the loss ledger.</summary>
    public static BookedLoss[] ReadLosses(SqliteSession session, string? node, int limit)
    {
        session.Execute("BEGIN");
        var row = session.Statement("""
            SELECT s.tag, s.low, s.node, s.mailbox, s.highest, s.id, l.origin, l.reason, l.first, l.last, l.count, l.is_exact,
              l.from_ns, l.to_ns, l.recorded_ns, l.source, l.detail
            FROM loss l JOIN stream s ON s.id = l.stream_id WHERE ?1 = '' OR s.node = ?1
            ORDER BY l.recorded_ns DESC, l.stream_id, l.at_sequence LIMIT ?2
            """);
        row.BindText(1, node ?? "");
        row.Bind(2, limit);
        var found = new List<(long StreamId, BookedLoss Loss)>();
        while (row.Step())
        {
            var record = new LossRecord(
                (LossReason)unchecked((byte)row.Int64(7)),
                unchecked((ulong)row.Int64(8)),
                unchecked((ulong)row.Int64(9)),
                unchecked((ulong)row.Int64(10)),
                row.Int64(11) != 0,
                row.Int64(12),
                row.Int64(13),
                row.Int64(14),
                row.Text(15),
                row.Text(16));
            found.Add((row.Int64(5), new BookedLoss(Facts(row), (LossOrigin)row.Int64(6), record, record.Count)));
        }

        row.Reset();
        var received = found.Select(f => f.StreamId).Distinct().ToDictionary(
            id => id, id => Collect(session.Statement("SELECT first, last FROM received WHERE stream_id = ?1 ORDER BY first"), id));
        BookedLoss[] losses = [.. found.Select(f => f.Loss with { StillLost = received[f.StreamId].StillLost(f.Loss.Record) })];
        session.Commit();
        return losses;
    }

    private static StreamAccount Account(SqliteSession session, long streamId, StreamFacts facts, int maxMissing)
    {
        var received = Collect(session.Statement("SELECT first, last FROM received WHERE stream_id = ?1 ORDER BY first"), streamId);
        var losses = session.Statement($"{NumberedLosses} ORDER BY first");
        losses.Bind(2, (long)LossOrigin.Source);
        var explained = Collect(losses, streamId);
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

        return new StreamAccount(facts, received.Count, missingCount, missing, SumLosses(session, streamId, received));
    }

    /// <summary>
    /// Losses with sequence numbers count once, however many records name them, and not at all where the events arrived; losses of events
    /// that never got a number count as they were recorded, up to 2^40 a record, so that no record can make the sum overflow.
    /// </summary>
    private static List<LossSum> SumLosses(SqliteSession session, long streamId, SequenceSet received)
    {
        var sums = new List<LossSum>();
        var row = session.Statement("""
            SELECT origin, reason, count(*),
              sum(iif(first > 0, 0, iif(count BETWEEN 0 AND 1099511627776, count, 1099511627776))), min(is_exact)
            FROM loss WHERE stream_id = ?1
            GROUP BY origin, reason ORDER BY origin, reason
            """);
        row.Bind(1, streamId);
        while (row.Step())
        {
            sums.Add(new LossSum(
                (LossOrigin)row.Int64(0), (LossReason)row.Int64(1), row.Int64(2), unchecked((ulong)row.Int64(3)), row.Int64(4) != 0));
        }

        row.Reset();
        for (var i = 0; i < sums.Count; i++)
        {
            var ranges = session.Statement($"{NumberedLosses} AND reason = ?3 ORDER BY first");
            ranges.Bind(2, (long)sums[i].Origin);
            ranges.Bind(3, (long)sums[i].Reason);
            sums[i] = sums[i] with { Events = sums[i].Events + Collect(ranges, streamId).CountWithout(received) };
        }

        return sums;
    }

    private static SequenceSet Collect(SqliteStatement ranges, long streamId)
    {
        var set = new SequenceSet();
        ranges.Bind(1, streamId);
        while (ranges.Step())
        {
            set.Add(new SequenceRange((ulong)ranges.Int64(0), (ulong)ranges.Int64(1)));
        }

        ranges.Reset();
        return set;
    }

    private static StreamFacts Facts(SqliteStatement row) => new(
        new StreamId(unchecked((ulong)row.Int64(0)), unchecked((ulong)row.Int64(1))), row.Text(2), row.Text(3), unchecked((ulong)row.Int64(4)));

    private static string? AddEvent(SqliteStatement row, int item, EventBatch target)
    {
        var kind = (ValueKind)unchecked((byte)row.Int64(4));
        var error = CellBuffer.TryRead(row, 5, kind, out var bits, out var reference);
        if (error is null)
        {
            target.Add(
                item,
                row.Int64(0),
                unchecked((short)row.Int64(2)),
                unchecked((uint)row.Int64(3)),
                kind,
                bits,
                reference,
                new Ieid(unchecked((ulong)row.Int64(6)), unchecked((ulong)row.Int64(7))),
                (EventFlags)unchecked((byte)row.Int64(8)));
        }

        return error;
    }
}
