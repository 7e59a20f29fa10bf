using ZfRepl.Core.Telemetry;

namespace ZfRepl.EndToEnd.Tests.Proof;

/// <summary>Holds the edge's own history against the centre's: each event up to an instant is there, as it is, and once. Pure.</summary>
internal static class FillProof
{
    private const int MaxExamples = 20;

    public static ProofResult Check(IEnumerable<TelemetryEvent> edge, IEnumerable<TelemetryEvent> centre, long untilNs)
    {
        var expected = edge.Where(e => e.TimeNs <= untilNs).GroupBy(e => e).ToDictionary(g => g.Key, g => g.Count());
        var total = expected.Values.Sum();
        var found = new HashSet<TelemetryEvent>();
        var examples = new List<string>();
        var (matched, duplicates, invented) = (0L, 0L, 0L);
        foreach (var e in centre.Where(e => e.TimeNs <= untilNs))
        {
            if (expected.GetValueOrDefault(e) > 0)
            {
                expected[e]--;
                matched++;
            }
            else if (found.Contains(e))
            {
                duplicates++;
                Add(examples, "twice", e);
            }
            else
            {
                invented++;
                Add(examples, "invented", e);
            }

            found.Add(e);
        }

        foreach (var (e, _) in expected.Where(x => x.Value > 0))
        {
            Add(examples, "missing", e);
        }

        return new ProofResult(total, matched, expected.Values.Sum(), duplicates, invented, examples);
    }

    private static void Add(List<string> examples, string what, in TelemetryEvent e)
    {
        if (examples.Count < MaxExamples)
        {
            examples.Add($"{what}: {e}");
        }
    }
}
