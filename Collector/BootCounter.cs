using System.Globalization;
using System.Text;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector;

/// <summary>
/// Counts the starts of the collector, durably, so that event identities of different starts never meet. If the file is lost, the clock
/// takes its place: the number is never lower than the seconds since 1970.
/// </summary>
internal static class BootCounter
{
    private const string FileName = "boot";
    private const int MaxBytes = 64;

    // Not one of so many starts: what is above was not written by this program.
    private const ulong MaxBoot = long.MaxValue;

    /// <summary>The number of this start.</summary>
    public static StorageResult<ulong> Next(IStorage storage, string folder, TimeProvider time)
    {
        var path = Path.Combine(folder, FileName);
        var read = StorageFiles.ReadAll(storage, path, MaxBytes);

        // A file that is too long, or can't be read, is as good as lost: no byte in it keeps the service from starting.
        var before = read.IsOk
            && ulong.TryParse(Encoding.ASCII.GetString(read.Value).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && last < MaxBoot
            ? last
            : 0;
        var next = Math.Max(before + 1, (ulong)Math.Max(0, time.GetUtcNow().ToUnixTimeSeconds()));
        var written = StorageFiles.WriteDurably(storage, path, Encoding.ASCII.GetBytes($"{next.ToString(CultureInfo.InvariantCulture)}\n"));
        return written.IsOk ? next : written.Error;
    }
}
