using System.Runtime.InteropServices;

namespace ZfRepl.Cli;

/// <summary>
/// Keeps the C library's memory small. By itself glibc gives each thread a heap of its own, which keeps its greatest size: several MB of
/// a small box, for compressors that are busy for a millisecond a second (docs/benchmarks.md).
/// </summary>
internal static partial class NativeMemory
{
    // From glibc's malloc.h.
    private const int TrimThreshold = -1;
    private const int MapThreshold = -3;
    private const int ArenaMax = -8;

    private const int ThresholdBytes = 128 * 1024;

    /// <summary>Called once, before there are threads. Another C library than glibc stays as it is.</summary>
    public static void KeepSmall()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libc.so.6", out var library) || !NativeLibrary.TryGetExport(library, "mallopt", out _))
        {
            return;
        }

        // What the environment says (MALLOC_ARENA_MAX) was read before and is overruled; a setting that is refused changes nothing.
        _ = SetOption(ArenaMax, 1);
        _ = SetOption(MapThreshold, ThresholdBytes);
        _ = SetOption(TrimThreshold, ThresholdBytes);
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);
}
