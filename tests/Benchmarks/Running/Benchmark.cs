namespace ZfRepl.Benchmarks.Running;

/// <summary>What a benchmark may use.</summary>
/// <param name="Events">How many events.</param>
/// <param name="Folder">A folder of its own on the disk that is measured.</param>
/// <param name="IsSmoke">True when only that it runs and that its counts are right is of interest: everything in a second or two.</param>
internal sealed record Bench(int Events, BenchFolder Folder, bool IsSmoke = false)
{
    /// <summary>How often to repeat work that is too short to be measured once.</summary>
    public int Repeated(int times) => IsSmoke ? Math.Max(times / 20, 1) : times;
}

/// <summary>One benchmark. It runs in a process of its own.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Summary">What it measures, in one line.</param>
/// <param name="Events">How many events unless told otherwise.</param>
/// <param name="IsPinned">True when it is held on one core.</param>
/// <param name="Rounds">How often it is measured unless told otherwise.</param>
/// <param name="WarmsUp">True when rounds are run before and not counted, until the code is optimised.</param>
/// <param name="Run">One round.</param>
internal sealed record Benchmark(
    string Name, string Summary, int Events, bool IsPinned, int Rounds, bool WarmsUp, Func<Bench, Task<IReadOnlyList<Figure>>> Run)
{
    /// <summary>How many events in a smoke run.</summary>
    public int SmokeEvents { get; init; } = 20_000;

    /// <summary>The servers that it can't run without, each as a program and its Debian package.</summary>
    public IReadOnlyList<Server> Needs { get; init; } = [];
}
