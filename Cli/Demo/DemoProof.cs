using System.Buffers;
using System.Text;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Cli.Demo;

/// <summary>
/// Holds what the plant changed against what the centre's database holds: every change by OID, time, type, value, status and OPC UA
/// status code, as many times as it was made.
/// </summary>
internal sealed class DemoProof
{
    private const int PageEvents = 10_000;
    private const int OidsLimit = 100_000;

    private DemoProof()
    {
    }

    /// <summary>Changes that the plant made.</summary>
    public long Produced { get; private set; }

    /// <summary>Changes that are in the database.</summary>
    public long Delivered { get; private set; }

    /// <summary>Changes that are not.</summary>
    public long Missing { get; private set; }

    /// <summary>Rows that repeat a change.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Rows that are no change of the plant.</summary>
    public long Invented { get; private set; }

    /// <summary>What the loss ledger at the centre counts, at least.</summary>
    public long Lost { get; private set; }

    /// <summary>The size of the delivered events as lines of JSON.</summary>
    public long RawBytes { get; private set; }

    /// <summary>A few of the missing, repeated and invented ones, for people.</summary>
    public IReadOnlyList<string> Examples { get; private set; } = [];

    /// <summary>True when everything is there, once, and nothing else.</summary>
    public bool Holds => Missing == 0 && Duplicates == 0 && Invented == 0;

    /// <summary>Compares.</summary>
    /// <param name="logPath">The plant's own log: one line of JSON for each change.</param>
    /// <param name="databasePath">The centre's database.</param>
    /// <param name="cancellationToken">Ends the comparison.</param>
    public static async Task<DemoProof> CompareAsync(string logPath, string databasePath, CancellationToken cancellationToken)
    {
        var proof = new DemoProof();
        var expected = new Dictionary<string, int>(StringComparer.Ordinal);
        await foreach (var line in File.ReadLinesAsync(logPath, cancellationToken))
        {
            proof.Produced++;
            expected[line] = expected.GetValueOrDefault(line) + 1;
        }

        var examples = new List<string>();
        var delivered = new HashSet<string>(StringComparer.Ordinal);
        var opened = await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = databasePath, IsReadOnly = true }, cancellationToken);
        if (!opened.IsOk)
        {
            throw new DemoException($"the centre's database can't be read: {opened.Error}");
        }

        await using var history = opened.Value;
        await foreach (var line in ReadAsync(history, cancellationToken))
        {
            if (!expected.TryGetValue(line, out var count))
            {
                var isKnown = delivered.Contains(line);
                proof.Duplicates += isKnown ? 1 : 0;
                proof.Invented += isKnown ? 0 : 1;
                AddExample(examples, isKnown ? "twice" : "invented", line);
                continue;
            }

            proof.Delivered++;
            proof.RawBytes += Encoding.UTF8.GetByteCount(line) + 1;
            delivered.Add(line);
            if (count == 1)
            {
                expected.Remove(line);
            }
            else
            {
                expected[line] = count - 1;
            }
        }

        proof.Missing = expected.Values.Sum(v => (long)v);
        foreach (var line in expected.Keys.Take(5))
        {
            AddExample(examples, "missing", line);
        }

        proof.Lost = await LostAsync(history, cancellationToken);
        proof.Examples = examples;
        return proof;
    }

    /// <summary>How many rows the database has now; 0 while there is none.</summary>
    public static async Task<long> CountAsync(string databasePath, CancellationToken cancellationToken)
    {
        if (!File.Exists(databasePath))
        {
            return 0;
        }

        var opened = await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = databasePath, IsReadOnly = true }, cancellationToken);
        if (!opened.IsOk)
        {
            return 0;
        }

        await using var history = opened.Value;
        var counts = await history.CountByOidAsync(after: null, OidsLimit, cancellationToken);
        return counts.IsOk ? counts.Value.Sum(c => c.Events) : 0;
    }

    /// <summary>A change as one line of text; two changes are the same if and only if their lines are.</summary>
    public static string LineOf(in TelemetryEvent e)
    {
        var buffer = new ArrayBufferWriter<byte>(160);
        TelemetryJson.WriteEvent(buffer, e with { Ieid = Ieid.Unknown, Flags = EventFlags.None }, details: true);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static async IAsyncEnumerable<string> ReadAsync(
        SqliteHistory history, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var oids = await history.CountByOidAsync(after: null, OidsLimit, cancellationToken);
        if (!oids.IsOk)
        {
            throw new DemoException($"the centre's database can't be read: {oids.Error}");
        }

        var page = new EventBatch(new OidTable(), PageEvents);
        foreach (var oid in oids.Value.Select(o => o.Oid))
        {
            HistoryCursor? next = HistoryCursor.Before(long.MinValue);
            while (next is { } cursor)
            {
                page.Clear();
                var read = await history.ReadEventsAsync(oid, cursor, long.MaxValue, PageEvents, page, cancellationToken);
                if (!read.IsOk)
                {
                    throw new DemoException($"the centre's database can't be read: {read.Error}");
                }

                for (var i = 0; i < page.Count; i++)
                {
                    yield return LineOf(page[i]);
                }

                next = read.Value;
            }
        }
    }

    private static async Task<long> LostAsync(SqliteHistory history, CancellationToken cancellationToken)
    {
        var streams = await history.ReadStreamsAsync(only: null, maxMissing: 1, cancellationToken);
        return streams.IsOk
            ? streams.Value.SelectMany(s => s.Losses).Sum(l => (long)l.Events) + streams.Value.Sum(s => (long)s.MissingCount)
            : throw new DemoException($"the centre's ledgers can't be read: {streams.Error}");
    }

    private static void AddExample(List<string> examples, string what, string line)
    {
        if (examples.Count < 15)
        {
            examples.Add($"{what}: {line}");
        }
    }
}
