using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// Events through the intake into the durable blocks of one mailbox, in batches of 1,000; then until all of it is re-coded. Baseline: the bytes
/// of the events as rows written to one file in pieces of 1 MiB, each followed by fdatasync.
/// </summary>
internal static class IntakeBenchmark
{
    private const int PieceBytes = 1024 * 1024;

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var folder = bench.Folder.New("intake");
        await using var spool = await Spool.OpenAsync(folder);
        var events = ReferenceWorkload.Generate(spool.Intake.Oids, bench.Events);
        var taken = await Meter.MeasureAsync(() => spool.TakeAsync(events));
        var settled = await Meter.MeasureAsync(spool.SealAsync);
        var bytes = (await spool.Mailbox.ListAsync(CancellationToken.None)).Sum(b => b.Block.LengthBytes);
        var raw = Meter.Measure(() => WriteRaw(bench.Folder.New("raw"), RowBytes(events)));
        double count = bench.Events;
        return
        [
            new("w1_intake_events_per_s", count / taken.Seconds, "events/s"),
            new("intake_events_per_cpu_s", count / taken.CpuSeconds, "events per CPU second"),
            new("intake_core_share", taken.CoreShare, "of one core"),
            new("w1_spool_bytes_per_event", bytes / count, "bytes/event on disk, sealed"),
            new("intake_behind_s", settled.Seconds, "s, until the last block is re-coded and sealed"),
            new("intake_cpu_s_per_million", (taken.CpuSeconds + settled.CpuSeconds) / count * 1e6, "CPU seconds, re-coding included"),
            new("intake_allocated_bytes_per_event", taken.AllocatedBytes / count, "bytes/event"),
            new("intake_raw_write_s", raw.Seconds, "s, raw write + fdatasync"),
            new("intake_ratio", raw.Seconds / taken.Seconds, "x the speed of raw writing"),
        ];
    }

    private static long RowBytes(EventBatch events)
    {
        var builder = new EventFrameBuilder();
        for (var i = 0; i < events.Count; i++)
        {
            builder.Append(events, i);
        }

        return builder.EstimatedBytes;
    }

    private static void WriteRaw(string path, long bytes)
    {
        var piece = new byte[PieceBytes];
        piece.AsSpan().Fill(0x5A);
        using var file = DiskStorage.Instance.CreateNew(path).Value;
        for (var offset = 0L; offset < bytes; offset += PieceBytes)
        {
            var written = file.WriteAt(offset, piece.AsSpan(0, (int)Math.Min(PieceBytes, bytes - offset)));
            if (!written.IsOk || !file.SyncData().IsOk)
            {
                throw new InvalidOperationException("The disk failed.");
            }
        }
    }
}
