using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Frames;

public sealed class EventFrameTests
{
    private const ulong Tag = 0x1122_3344_5566_7788;

    [Fact]
    public void Crc32c_gives_the_published_check_value() => Assert.Equal(0xE306_9283, Crc32C.Compute("123456789"u8));

    [Fact]
    public void Every_kind_of_event_comes_back_bit_for_bit()
    {
        var batch = EventSamples.Batch();
        var frame = Build(batch);
        Assert.Equal(batch.Events(), Read(frame).Events());
    }

    [Fact]
    public void Random_batches_come_back()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var batch = EventSamples.Random(seed, 300);
            Assert.Equal(batch.Events(), Read(Build(batch)).Events());
        }
    }

    [Fact]
    public void A_builder_is_reused_without_mixing_frames()
    {
        var builder = new EventFrameBuilder();
        var oids = new OidTable();
        for (var seed = 0; seed < 5; seed++)
        {
            var batch = EventSamples.Random(seed, 40, oids);
            Assert.Equal(batch.Events(), Read(Build(batch, builder)).Events());
        }
    }

    [Fact]
    public void The_estimate_is_an_upper_bound_close_to_the_size()
    {
        var builder = new EventFrameBuilder();
        var batch = EventSamples.Random(1, 500);
        for (var i = 0; i < batch.Count; i++)
        {
            builder.Append(batch, i);
        }

        var estimate = builder.EstimatedBytes;
        var output = new ByteWriter();
        builder.Finish(output, Tag, 1);
        Assert.InRange(output.Length, estimate - 64, estimate);
    }

    [Fact]
    public void A_payload_cut_anywhere_is_an_error_and_never_an_exception()
    {
        var frame = Build(EventSamples.Batch());
        Assert.True(FrameHeader.TryRead(frame, out var header));
        var payload = frame.AsSpan(FrameHeader.SizeBytes);
        for (var length = 0; length < payload.Length; length++)
        {
            Assert.NotNull(new EventFrameReader().Read(header, payload[..length], new EventBatch(new OidTable())));
        }
    }

    [Fact]
    public void A_payload_with_any_byte_changed_never_throws_and_stays_within_bounds()
    {
        var frame = Build(EventSamples.Batch());
        Assert.True(FrameHeader.TryRead(frame, out var header));
        var payload = frame[FrameHeader.SizeBytes..];
        var reader = new EventFrameReader();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var runs = 0;
        for (var i = 0; i < payload.Length; i++)
        {
            foreach (var value in new byte[] { 0, 0x7F, 0x80, 0xFF, unchecked((byte)~payload[i]) })
            {
                var changed = (byte[])payload.Clone();
                changed[i] = value;
                _ = reader.Read(header, changed, new EventBatch(new OidTable(), 64));
                runs++;
            }
        }

        var perRun = (GC.GetAllocatedBytesForCurrentThread() - before) / runs;
        Assert.InRange(perRun, 0, 300_000);
    }

    [Fact]
    public void A_count_that_cannot_fit_is_refused_before_anything_is_allocated()
    {
        var writer = new ByteWriter();
        writer.WriteVarint(1);
        writer.WriteVarint(1);
        writer.WriteVarint(1 << 20);
        var header = new FrameHeader(FrameType.EventRows, 0, 1, Tag, 1, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = new EventFrameReader().Read(header, writer.Written, new EventBatch(new OidTable()));
        Assert.Contains("does not fit", error, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000);
    }

    [Fact]
    public void A_value_nested_too_deep_is_wrong_use_for_the_writer_and_an_error_for_the_reader()
    {
        var value = TelemetryValue.From(1);
        for (var i = 0; i < ValueCodec.MaxDepth + 1; i++)
        {
            value = new TelemetryValue(ValueKind.List, 0, new[] { value });
        }

        Assert.Throws<ArgumentException>(() => ValueCodec.Write(new ByteWriter(), value.Kind, value.Bits, value.Reference));
        var bytes = new byte[(ValueCodec.MaxDepth + 2) * 2];
        for (var i = 0; i < bytes.Length; i += 2)
        {
            bytes[i] = 1;
            bytes[i + 1] = (byte)ValueKind.List;
        }

        var input = new ByteReader(bytes);
        ValueCodec.Read(ref input, ValueKind.List);
        Assert.Contains("nests deeper", input.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Encoding_scalars_allocates_nothing_once_warm()
    {
        var builder = new EventFrameBuilder();
        var batch = new EventBatch(new OidTable());
        for (var i = 0; i < 1000; i++)
        {
            batch.Add(new TelemetryEvent(EventSamples.Temperature, i * 1_000_000L, 1, 0, TelemetryValue.From(i * 0.5), new Ieid(1, (ulong)i)));
        }

        var output = new ByteWriter(1 << 20);
        Append(builder, batch, output);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Append(builder, batch, output);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Append(EventFrameBuilder builder, EventBatch batch, ByteWriter output)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            builder.Append(batch, i);
        }

        builder.Finish(output, Tag, 1);
    }

    private static byte[] Build(EventBatch batch, EventFrameBuilder? builder = null)
    {
        var output = new ByteWriter();
        Append(builder ?? new EventFrameBuilder(), batch, output);
        return output.Written.ToArray();
    }

    private static EventBatch Read(byte[] frame)
    {
        Assert.True(FrameHeader.TryRead(frame, out var header));
        Assert.Equal(frame.Length, header.LengthBytes);
        var batch = new EventBatch(new OidTable());
        Assert.Null(new EventFrameReader().Read(header, frame.AsSpan(FrameHeader.SizeBytes), batch));
        return batch;
    }
}
