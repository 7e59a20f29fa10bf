using ZfRepl.Core.Telemetry;

namespace ZfRepl.EndToEnd.Tests.Proof;

/// <summary>
/// Judges what generators have produced: each of them counts 1, 2, 3… from every start of the collector and counts on only when the value
/// before is durable. So the accepted values of an item and a start are contiguous from 1, and how many there are in all is in the
/// collector's own books. Pure.
/// </summary>
internal static class CounterProof
{
    private const int MaxExamples = 20;

    /// <summary>Compares.</summary>
    /// <param name="delivered">What the centre's database holds.</param>
    /// <param name="seenOnDisk">What was found in the spool whenever the collector was dead: it was written, and so has to arrive.</param>
    /// <param name="accepted">How many events the collector says that it ever accepted.</param>
    public static ProofResult Check(IEnumerable<TelemetryEvent> delivered, IEnumerable<TelemetryEvent> seenOnDisk, long accepted)
    {
        var examples = new List<string>();
        var found = new Dictionary<(Oid Oid, ulong Boot), HashSet<long>>();
        var identities = new HashSet<(Ieid, Oid)>();
        var (missing, duplicates, invented) = (0L, 0L, 0L);
        foreach (var e in delivered)
        {
            if (e.Value.Kind != ValueKind.Int64 || e.Value.AsInt64 < 1 || e.Status != 1 || e.Quality != 0)
            {
                invented++;
                Add(examples, "invented", e);
                continue;
            }

            var values = Values(found, e);
            if (!values.Add(e.Value.AsInt64) || !identities.Add((e.Ieid, e.Oid)))
            {
                duplicates++;
                Add(examples, "twice", e);
            }
        }

        var highest = found.ToDictionary(f => f.Key, f => f.Value.Max());
        foreach (var e in seenOnDisk)
        {
            var key = (e.Oid, e.Ieid.Boot);
            highest[key] = Math.Max(highest.GetValueOrDefault(key), e.Value.AsInt64);
        }

        foreach (var (key, last) in highest)
        {
            var values = found.GetValueOrDefault(key) ?? [];
            var absent = last - values.Count;
            missing += absent;
            if (absent > 0 && examples.Count < MaxExamples)
            {
                var first = 1L;
                while (values.Contains(first))
                {
                    first++;
                }

                examples.Add($"missing: {absent} of {last} values of {key.Oid} since start {key.Boot}, the first one is {first}");
            }
        }

        var different = found.Values.Sum(v => (long)v.Count);
        // What nobody could know of from the counters: the collector accepted it, and it is neither here nor in a hole.
        if (accepted > different + missing)
        {
            examples.Add($"missing: {accepted - different - missing} events that only the collector's books know of");
            missing = accepted - different;
        }
        else if (accepted < different + missing)
        {
            examples.Add($"invented: {different + missing - accepted} events more than the collector has accepted");
            invented += different + missing - accepted;
        }

        return new ProofResult(accepted, different, missing, duplicates, invented, examples);
    }

    private static HashSet<long> Values(Dictionary<(Oid Oid, ulong Boot), HashSet<long>> found, in TelemetryEvent e)
    {
        var key = (e.Oid, e.Ieid.Boot);
        if (!found.TryGetValue(key, out var values))
        {
            values = [];
            found.Add(key, values);
        }

        return values;
    }

    private static void Add(List<string> examples, string what, in TelemetryEvent e)
    {
        if (examples.Count < MaxExamples)
        {
            examples.Add($"{what}: {e}");
        }
    }
}
