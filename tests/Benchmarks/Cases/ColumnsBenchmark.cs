using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// Events to frames of columns and back, compression and checksum included, as a sealed block has them; with times in milliseconds and in
/// microseconds. Baseline: the same events as rows.
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
        Measure(bench, figures, "w1", events, frames, batch);
        Measure(bench, figures, "w1_us", WithMicroseconds(events), frames, batch);

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

    /// <summary>The same plant with a finer clock: what the milliseconds cut off is as likely one as another.</summary>
    private static EventBatch WithMicroseconds(EventBatch events)
    {
        var numbers = new SeededNumbers(2);
        var times = new long[events.Count];
        for (var i = 0; i < times.Length; i++)
        {
            times[i] = events.TimesNs[i] + numbers.Below(1000) * 1000L;
        }

        var places = new int[times.Length];
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = i;
        }

        var items = events.Items.ToArray();
        Array.Sort(places, (a, b) => times[a] != times[b] ? times[a].CompareTo(times[b]) : items[a].CompareTo(items[b]));
        var result = new EventBatch(events.Oids, times.Length);
        foreach (var place in places)
        {
            result.Add(
                items[place], times[place], 1, 0, (ValueKind)events.Kinds[place], events.Bits[place], null,
                new Ieid(1, (ulong)result.Count + 1), EventFlags.None);
        }

        return result;
    }
}
