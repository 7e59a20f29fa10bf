using System.Globalization;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>
/// Names of what a test makes outside its own process: they hold the test process's number, so that the next run finds and removes what a run that
/// was killed could not.
/// </summary>
internal static class Leftovers
{
    private const string FolderPrefix = "zfrepl-fault-";
    private static readonly Lazy<Task> Swept = new(SweepAsync);
    private static int _next;

    /// <summary>A folder of its own for a mount.</summary>
    public static async Task<string> NewFolderAsync()
    {
        await Swept.Value;
        return Directory.CreateTempSubdirectory(string.Create(CultureInfo.InvariantCulture, $"{FolderPrefix}{Environment.ProcessId}-")).FullName;
    }

    /// <summary>A name for a network namespace or an interface: at most 15 characters.</summary>
    public static async Task<string> NewNameAsync()
    {
        await Swept.Value;
        return string.Create(CultureInfo.InvariantCulture, $"zf{Environment.ProcessId}x{Interlocked.Increment(ref _next)}");
    }

    private static async Task SweepAsync()
    {
        foreach (var line in await File.ReadAllLinesAsync("/proc/mounts"))
        {
            var mountPoint = line.Split(' ')[1];
            if (IsOfTheDead(Owner(mountPoint, FolderPrefix, '-')))
            {
                await Shell.TryAsync("fsfreeze", "-u", mountPoint);
                await Shell.TryAsync("umount", "-l", mountPoint);
            }
        }

        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), FolderPrefix + "*").Where(f => IsOfTheDead(Owner(f, FolderPrefix, '-'))))
        {
            Directory.Delete(folder, recursive: true);
        }

        foreach (var space in Directory.Exists("/run/netns") ? Directory.GetFiles("/run/netns") : [])
        {
            if (IsOfTheDead(Owner(space, "/zf", 'x')))
            {
                await Shell.TryAsync("ip", "netns", "del", Path.GetFileName(space));
            }
        }
    }

    /// <summary>The number behind a prefix, or 0.</summary>
    private static int Owner(string path, string prefix, char end)
    {
        var start = path.IndexOf(prefix, StringComparison.Ordinal);
        var stop = start < 0 ? -1 : path.IndexOf(end, start + prefix.Length);
        return stop > 0 && int.TryParse(path.AsSpan(start + prefix.Length, stop - start - prefix.Length), CultureInfo.InvariantCulture, out var id) ? id : 0;
    }

    private static bool IsOfTheDead(int processId) => processId > 0 && !Directory.Exists($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}");
}
