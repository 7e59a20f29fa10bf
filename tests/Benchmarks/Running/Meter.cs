using System.Diagnostics;

namespace ZfRepl.Benchmarks.Running;

/// <summary>What one piece of work took.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="CpuSeconds">Processor time of the whole process, user and kernel.</param>
/// <param name="AllocatedBytes">Managed memory allocated, on all threads.</param>
internal readonly record struct Taken(double Seconds, double CpuSeconds, long AllocatedBytes)
{
    /// <summary>The share of a core that the work got: what is missing to 1 was waiting, or was taken by other programs.</summary>
    public double CoreShare => Seconds > 0 ? CpuSeconds / Seconds : 0;
}

/// <summary>Measures work.</summary>
internal static class Meter
{
    /// <summary>Measures work that only computes: repeats it, so that a round is long enough, and gives what one repetition took.</summary>
    public static Taken Measure(int repetitions, Action work)
    {
        var all = Measure(() =>
        {
            for (var i = 0; i < repetitions; i++)
            {
                work();
            }
        });
        return new Taken(all.Seconds / repetitions, all.CpuSeconds / repetitions, all.AllocatedBytes / repetitions);
    }

    public static Taken Measure(Action work)
    {
        var start = Begin();
        work();
        return End(start);
    }

    public static async Task<Taken> MeasureAsync(Func<Task> work)
    {
        var start = Begin();
        await work();
        return End(start);
    }

    private static (long Stamp, TimeSpan Cpu, long Bytes) Begin()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(precise: true));
    }

    private static Taken End((long Stamp, TimeSpan Cpu, long Bytes) start) => new(
        Stopwatch.GetElapsedTime(start.Stamp).TotalSeconds,
        (Environment.CpuUsage.TotalTime - start.Cpu).TotalSeconds,
        GC.GetTotalAllocatedBytes(precise: true) - start.Bytes);
}
