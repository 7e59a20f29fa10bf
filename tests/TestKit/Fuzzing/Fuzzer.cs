using System.Diagnostics;
using System.Globalization;

namespace ZfRepl.TestKit.Fuzzing;

/// <summary>
/// Feeds a decoder its corpus, then wrong inputs made of right ones. A finding is an exception, memory beyond the bound, or an input that takes
/// for ever. <c>ZFREPL_FUZZ_MINUTES</c> in the environment makes every target run that long instead of its rounds (<c>tests/fuzz</c>).
/// </summary>
public static class Fuzzer
{
    /// <summary>A decoder needs microseconds; what takes this long on any machine does not end.</summary>
    private static readonly TimeSpan HangAfter = TimeSpan.FromSeconds(60);

    /// <summary>Runs a target.</summary>
    /// <param name="target">The decoder.</param>
    /// <param name="rounds">How many inputs to make for each of two seeds: a fixed one and a fresh one.</param>
    /// <exception cref="FuzzFindingException">With the seed, the round, the input, and how to add it to the corpus.</exception>
    public static void Run(FuzzTarget target, int rounds)
    {
        foreach (var (name, input) in Corpus(target))
        {
            Feed(target, $"corpus file {name}", input);
        }

        foreach (var sample in target.Samples)
        {
            Feed(target, "a valid sample", [.. sample]);
        }

        if (MinutesFromEnvironment() is { } minutes)
        {
            var clock = Stopwatch.StartNew();
            for (var seed = Environment.TickCount; clock.Elapsed.TotalMinutes < minutes; seed++)
            {
                RunSeed(target, seed, rounds);
            }

            return;
        }

        RunSeed(target, seed: 1, rounds);
        RunSeed(target, Environment.TickCount, rounds);
    }

    private static double? MinutesFromEnvironment() =>
        double.TryParse(Environment.GetEnvironmentVariable("ZFREPL_FUZZ_MINUTES"), CultureInfo.InvariantCulture, out var minutes) ? minutes : null;

    private static void RunSeed(FuzzTarget target, int seed, int rounds)
    {
        var mutator = new Mutator(target, new Random(seed));
        var (round, input) = (0, Array.Empty<byte>());
        Exception? finding = null;
        var thread = new Thread(() =>
        {
            try
            {
                for (; round < rounds; Volatile.Write(ref round, round + 1))
                {
                    input = mutator.Next();
                    target.Repair?.Invoke(input);
                    Feed(target, $"seed {seed}, round {round}", input);
                }
            }
            catch (FuzzFindingException e)
            {
                finding = e;
            }
        })
        { IsBackground = true, Name = $"fuzz {target.Name}" };
        thread.Start();
        for (var seen = -1; !thread.Join(HangAfter);)
        {
            if (Volatile.Read(ref round) == seen)
            {
                throw new FuzzFindingException(target, $"seed {seed}, round {seen}", input, "it does not come to an end", cause: null);
            }

            seen = Volatile.Read(ref round);
        }

        if (finding is not null)
        {
            throw finding;
        }
    }

    private static void Feed(FuzzTarget target, string origin, byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Run(input);
        }
#pragma warning disable CA1031 // Whatever it throws is the finding.
        catch (Exception e)
#pragma warning restore CA1031
        {
            throw new FuzzFindingException(target, origin, input, $"{e.GetType().Name}: {e.Message}", e);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > target.MemoryBytesMax)
        {
            throw new FuzzFindingException(target, origin, input, $"{allocated} bytes were allocated, {target.MemoryBytesMax} is the bound", cause: null);
        }
    }

    private static IEnumerable<(string Name, byte[] Input)> Corpus(FuzzTarget target)
    {
        var folder = Path.Combine(ProgramLookup.RepositoryRoot, "tests", "golden", "fuzz", target.Name);
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(path => (Path.GetFileName(path), File.ReadAllBytes(path)))
            : [];
    }
}
