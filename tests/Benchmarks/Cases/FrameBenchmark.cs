using System.Buffers.Binary;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// Events to frames and back, in frames as they are under load and in small ones; baseline: the same columns copied into rows of fixed
/// width and back, without checksum or compression.
/// </summary>
internal static class FrameBenchmark
{
    private const int LoadBytes = 256 * 1024;
    private const int SmallEvents = 100;
    private const int RowBytes = 40;
    private const int Repetitions = 5;

    public static Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var oids = new OidTable();
        var events = ReferenceWorkload.Generate(oids, bench.Events);
        var builder = new EventFrameBuilder();
        var frames = new ByteWriter(bench.Events * 24);
        Encode(builder, events, frames, LoadBytes, int.MaxValue);
        var encoded = Meter.Measure(bench.Repeated(Repetitions), () =>
        {
            frames.Clear();
            Encode(builder, events, frames, LoadBytes, int.MaxValue);
        });
        var reader = new EventFrameReader();
        var batch = new EventBatch(oids, 65_536);
        var decoded = Meter.Measure(bench.Repeated(Repetitions), () => Decode(reader, frames.Written, batch));
        var small = new ByteWriter(bench.Events * 64);
        Encode(builder, events, small, int.MaxValue, SmallEvents);

        var rows = new byte[bench.Events * RowBytes];
        var toRows = Meter.Measure(bench.Repeated(Repetitions), () => CopyToRows(events, rows));
        var fromRows = Meter.Measure(bench.Repeated(Repetitions), () => CopyFromRows(rows, batch));
        double count = bench.Events;
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            new("frames_encode_events_per_s", count / encoded.CpuSeconds, "events per core second"),
            new("frames_encode_ratio", toRows.CpuSeconds / encoded.CpuSeconds, "x the speed of fixed rows"),
            new("frames_encode_allocated_bytes_per_event", encoded.AllocatedBytes / count, "bytes/event"),
            new("frames_decode_events_per_s", count / decoded.CpuSeconds, "events per core second"),
            new("frames_decode_ratio", fromRows.CpuSeconds / decoded.CpuSeconds, "x the speed of fixed rows"),
            new("frames_decode_allocated_bytes_per_event", decoded.AllocatedBytes / count, "bytes/event"),
            new("frames_bytes_per_event", frames.Length / count, "bytes/event, 256 KiB frames"),
            new("frames_unchanged_share", Unchanged(events), "of the readings of the workload"),
            new("frames_small_bytes_per_event", small.Length / count, "bytes/event, 100 events each"),
        ]);
    }

    /// <summary>How many readings repeat their sensor's value: a workload with other statistics would show here first.</summary>
    private static double Unchanged(EventBatch events)
    {
        var last = new ulong?[events.Oids.Count];
        var same = 0;
        for (var i = 0; i < events.Count; i++)
        {
            same += last[events.Items[i]] == events.Bits[i] ? 1 : 0;
            last[events.Items[i]] = events.Bits[i];
        }

        return (double)same / events.Count;
    }

    private static void Encode(EventFrameBuilder builder, EventBatch events, ByteWriter output, int maxBytes, int maxEvents)
    {
        var next = 1UL;
        for (var i = 0; i < events.Count; i++)
        {
            builder.Append(events, i);
            if (builder.EstimatedBytes >= maxBytes || builder.Count == maxEvents || i == events.Count - 1)
            {
                var count = builder.Count;
                builder.Finish(output, 7, next);
                next += (ulong)count;
            }
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

    private static void CopyToRows(EventBatch events, byte[] rows)
    {
        var row = rows.AsSpan();
        for (var i = 0; i < events.Count; i++, row = row[RowBytes..])
        {
            BinaryPrimitives.WriteInt32LittleEndian(row, events.Items[i]);
            BinaryPrimitives.WriteInt16LittleEndian(row[4..], events.Statuses[i]);
            row[6] = events.Kinds[i];
            row[7] = events.Flags[i];
            BinaryPrimitives.WriteInt64LittleEndian(row[8..], events.TimesNs[i]);
            BinaryPrimitives.WriteUInt64LittleEndian(row[16..], events.Bits[i]);
            BinaryPrimitives.WriteUInt64LittleEndian(row[24..], events.Boots[i]);
            BinaryPrimitives.WriteUInt64LittleEndian(row[32..], events.Counters[i]);
        }
    }

    private static void CopyFromRows(byte[] rows, EventBatch batch)
    {
        batch.Clear();
        for (var row = rows.AsSpan(); row.Length > 0; row = row[RowBytes..])
        {
            if (batch.Count == 20_000)
            {
                batch.Clear();
            }

            batch.Add(
                BinaryPrimitives.ReadInt32LittleEndian(row),
                BinaryPrimitives.ReadInt64LittleEndian(row[8..]),
                BinaryPrimitives.ReadInt16LittleEndian(row[4..]),
                0,
                (ValueKind)row[6],
                BinaryPrimitives.ReadUInt64LittleEndian(row[16..]),
                null,
                new Ieid(BinaryPrimitives.ReadUInt64LittleEndian(row[24..]), BinaryPrimitives.ReadUInt64LittleEndian(row[32..])),
                (EventFlags)row[7]);
        }
    }
}
