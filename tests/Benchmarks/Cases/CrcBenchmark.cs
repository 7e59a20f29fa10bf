using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The checksum of every frame; baseline: copying the same bytes.</summary>
internal static class CrcBenchmark
{
    private const int BlockBytes = 2 * 1024 * 1024;
    private const int Passes = 1000;

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
        var crc = Meter.Measure(bench.Repeated(Passes), () => check ^= Crc32C.Compute(block));
        var memory = Meter.Measure(bench.Repeated(Passes), () =>
        {
            block.CopyTo(copy, 0);
            check ^= copy[check % BlockBytes];
        });
        GC.KeepAlive(check);
        const double Gigabytes = BlockBytes / 1e9;
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            new("crc_gb_per_s", Gigabytes / crc.CpuSeconds, "GB per core second"),
            new("crc_copy_gb_per_s", Gigabytes / memory.CpuSeconds, "GB per core second"),
            new("crc_ratio", memory.CpuSeconds / crc.CpuSeconds, "x the speed of a copy"),
        ]);
    }
}
