using ZfRepl.Core.Telemetry;

namespace ZfRepl.EndToEnd.Tests.Proof;

/// <summary>
/// Holds an OPC UA server's own log against a history: each change once, with its value bit by bit, its type, its status code and its
/// source time stamp to 100 ns. Values that were there before the first change (number 0) may arrive and need not. Pure.
/// </summary>
internal static class ChangeProof
{
    private const int MaxExamples = 20;
    private const uint SeverityBad = 0x8000_0000;

    public static ProofResult Check(IReadOnlyCollection<Change> log, IEnumerable<TelemetryEvent> delivered)
    {
        var expected = new Dictionary<Fact, int>();
        foreach (var change in log.Where(c => c.Number > 0))
        {
            var fact = FactOf(change);
            expected[fact] = expected.GetValueOrDefault(fact) + 1;
        }

        var before = log.Where(c => c.Number == 0).Select(FactOf).ToHashSet();
        var arrived = new HashSet<Fact>();
        var examples = new List<string>();
        var (matched, duplicates, invented) = (0L, 0L, 0L);
        foreach (var e in delivered)
        {
            var fact = FactOf(e);
            if (expected.TryGetValue(fact, out var count) && count > 0)
            {
                expected[fact] = count - 1;
                matched++;
                arrived.Add(fact);
            }
            else if (arrived.Contains(fact))
            {
                duplicates++;
                Add(examples, "twice", fact);
            }
            else if (!before.Contains(fact))
            {
                invented++;
                Add(examples, "invented", fact);
            }
            else
            {
                arrived.Add(fact);
            }
        }

        var missing = expected.Where(x => x.Value > 0).ToList();
        foreach (var (fact, _) in missing)
        {
            Add(examples, "missing", fact);
        }

        return new ProofResult(log.Count(c => c.Number > 0), matched, missing.Sum(m => (long)m.Value), duplicates, invented, examples);
    }

    private static Fact FactOf(Change change) => new(
        change.Oid, change.Time100Ns, change.StatusCode, change.StatusCode >= SeverityBad ? (short)-1 : (short)1, change.Value);

    private static Fact FactOf(in TelemetryEvent e) => new(
        e.Oid, (long)Math.Floor(e.TimeNs / 100m), e.Quality, e.Status, e.Value);

    private static void Add(List<string> examples, string what, Fact fact)
    {
        if (examples.Count < MaxExamples)
        {
            examples.Add($"{what}: {fact}, {TelemetryJson.KindText(fact.Value)}");
        }
    }

    private readonly record struct Fact(Oid Oid, long Time100Ns, uint StatusCode, short Status, TelemetryValue Value);
}
