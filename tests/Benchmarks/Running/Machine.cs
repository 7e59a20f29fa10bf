using System.Globalization;
using System.Runtime.InteropServices;
using ZfRepl.Core.History.Sqlite;

namespace ZfRepl.Benchmarks.Running;

/// <summary>What the figures were measured on.</summary>
internal sealed record Machine(
    DateTimeOffset Date, string Processor, int Cores, string System, string Runtime, string Sqlite, string FileSystem, string Load)
{
    public static Machine Describe(string folder) => new(
        TimeProvider.System.GetUtcNow(),
        Field("/proc/cpuinfo", "model name", ':') ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        Field("/etc/os-release", "PRETTY_NAME", '=')?.Trim('"') ?? RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        SqliteHistory.LibraryVersion,
        new DriveInfo(Directory.CreateDirectory(folder).FullName).DriveFormat,
        File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown");

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Date:yyyy-MM-dd HH:mm} UTC, {Cores} x {Processor}, {System}, {Runtime}, SQLite {Sqlite}, {FileSystem}, load at the start {Load}");

    private static string? Field(string file, string name, char separator) => File.Exists(file)
        ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(separator, 2)[^1].Trim()
        : null;
}
