using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// Events to frames of columns and back, compression and checksum included, as a sealed block has them; with times in milliseconds and in
/// microseconds, and with events of one time in no order. The benchmark of frames has the same events as rows.
/// </summary>
internal static class ColumnsBenchmark
{
    private const int Repetitions = 3;
    private const int SmallEvents = 100;

    public static Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var oids = new OidTable();
        var events = ReferenceWorkload.Generate(oids, bench.Events);
        var figures = new List<Figure>();
        var frames = new ByteWriter(bench.Events * 8);
        var batch = new EventBatch(oids, EventColumnsBuilder.MaxEvents);
        Measure(bench, figures, "w1_unsorted", events, frames, batch);

        // As the collector takes them in: events of one time in the order of their items.
        events.SortEqualTimes();
        Measure(bench, figures, "w1", events, frames, batch);
        var fine = ReferenceWorkload.Generate(oids, bench.Events, keepsMicroseconds: true);
        fine.SortEqualTimes();
        Measure(bench, figures, "w1_us", fine, frames, batch);

        // As a commit has them at 10,000 events/s.
        Measure(bench, figures, "w1_small", events, frames, batch, SmallEvents);
        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }

    private static void Measure(
        Bench bench, List<Figure> figures, string name, EventBatch events, ByteWriter frames, EventBatch batch, int perFrame = EventColumnsBuilder.MaxEvents)
    {
        var encoder = new EventFrameEncoder();
        var reader = new EventFrameReader();
        Encode(encoder, events, frames, perFrame);
        Decode(reader, frames.Written, batch);
        double count = events.Count;
        var encoded = Meter.Measure(bench.Repeated(Repetitions), () => Encode(encoder, events, frames, perFrame));
        var decoded = Meter.Measure(bench.Repeated(Repetitions), () => Decode(reader, frames.Written, batch));
        figures.Add(new($"{name}_encode_events_per_s", count / encoded.CpuSeconds, "events per core second"));
        figures.Add(new($"{name}_encode_allocated_bytes_per_event", encoded.AllocatedBytes / count, "bytes/event"));
        figures.Add(new($"{name}_decode_events_per_s", count / decoded.CpuSeconds, "events per core second"));
        figures.Add(new($"{name}_decode_allocated_bytes_per_event", decoded.AllocatedBytes / count, "bytes/event"));
        figures.Add(new($"{name}_columns_bytes_per_event", frames.Length / count, $"bytes/event, frames of {perFrame:N0} events"));
    }

    private static void Encode(EventFrameEncoder encoder, EventBatch events, ByteWriter frames, int perFrame)
    {
        frames.Clear();
        for (var start = 0; start < events.Count; start += perFrame)
        {
            encoder.Write(frames, events, start, Math.Min(perFrame, events.Count - start), 7, (ulong)start + 1);
        }
    }

    private static void Decode(EventFrameReader reader, ReadOnlySpan<byte> frames, EventBatch batch)
    {
        while (frames.Length > 0)
        {
            var isOk = FrameHeader.TryRead(frames, out var header);
            var payload = isOk ? frames[FrameHeader.SizeBytes..header.LengthBytes] : default;
            batch.Clear();
            if (!isOk || Crc32C.Compute(payload) != header.PayloadChecksum || reader.Read(header, payload, batch) is not null)
            {
                throw new InvalidOperationException("A frame that was just written can't be read.");
            }

            frames = frames[header.LengthBytes..];
        }
    }
}
