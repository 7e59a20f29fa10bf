using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The checksum of every frame; baseline: copying the same bytes.</summary>
internal static class CrcBenchmark
{
    private const int BlockBytes = 2 * 1024 * 1024;
    private const int Passes = 400;

    public static Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var block = new byte[BlockBytes];
        var copy = new byte[BlockBytes];
        var numbers = new SeededNumbers(1);
        for (var i = 0; i < block.Length; i++)
        {
            block[i] = (byte)numbers.Below(256);
        }

        var check = 0u;
        var crc = Meter.Measure(() =>
        {
            for (var i = 0; i < Passes; i++)
            {
                check ^= Crc32C.Compute(block);
            }
        });
        var memory = Meter.Measure(() =>
        {
            for (var i = 0; i < Passes; i++)
            {
                block.CopyTo(copy, 0);
                check ^= copy[i];
            }
        });
        GC.KeepAlive(check);
        const double Gigabytes = (double)BlockBytes * Passes / 1e9;
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            new("crc_gb_per_s", Gigabytes / crc.Seconds, "GB/s"),
            new("crc_copy_gb_per_s", Gigabytes / memory.Seconds, "GB/s"),
            new("crc_ratio", memory.Seconds / crc.Seconds, "x the speed of a copy"),
        ]);
    }
}
