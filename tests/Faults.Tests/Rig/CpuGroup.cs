using System.Globalization;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>A long fact that takes a control group of version 1 for processor time.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CpuGroupFactAttribute : FactAttribute
{
    public CpuGroupFactAttribute() =>
        Skip = FaultRun.WhySkipped(isLong: true, ["mosquitto"])
            ?? (File.Exists(CpuGroup.Probe) ? null : $"NOT RUN, this machine has no control group for processor time ({CpuGroup.Probe}).");
}

/// <summary>Processes that get so much of one processor together and no more.</summary>
internal sealed class CpuGroup : IAsyncDisposable
{
    public const string Probe = Root + "/cpu.cfs_quota_us";

    private const string Root = "/sys/fs/cgroup/cpu";
    private const int PeriodMicroseconds = 100_000;

    private readonly string _folder;

    private CpuGroup(string folder) => _folder = folder;

    public static async Task<CpuGroup> CreateAsync(int percent)
    {
        var folder = Path.Combine(Root, await Leftovers.NewNameAsync());
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "cpu.cfs_quota_us"), (PeriodMicroseconds * percent / 100).ToString(CultureInfo.InvariantCulture));
        return new CpuGroup(folder);
    }

    public Task AddAsync(int processId) => File.WriteAllTextAsync(Path.Combine(_folder, "cgroup.procs"), processId.ToString(CultureInfo.InvariantCulture));

    /// <summary>Lets them have what they like.</summary>
    public Task ReleaseAsync() => File.WriteAllTextAsync(Path.Combine(_folder, "cpu.cfs_quota_us"), "-1");

    public async ValueTask DisposeAsync()
    {
        // The processes were started later, and so are gone by now; the kernel takes a moment to see that.
        await Eventually.TrueAsync(() => Shell.TryAsync("rmdir", _folder), "the group is removed");
    }
}
