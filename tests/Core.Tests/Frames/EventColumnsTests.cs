using System.IO.Compression;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Frames;

public sealed class EventColumnsTests
{
    private const ulong Tag = 0x1122_3344_5566_7788;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_kind_of_event_comes_back_bit_for_bit(bool compresses)
    {
        var batch = EventSamples.Batch();
        Assert.Equal(batch.Events(), ColumnFrames.Read(ColumnFrames.Payload(batch, compresses), batch.Count).Events());
    }

    [Fact]
    public void Random_batches_come_back()
    {
        var encoder = new ColumnsEncoder();
        var oids = new OidTable();
        for (var seed = 0; seed < 50; seed++)
        {
            var batch = EventSamples.Random(seed, 300, oids);
            var payload = new ByteWriter();
            Assert.True(encoder.TryWrite(batch, 10, 280, payload));
            Assert.Equal(batch.Events().Skip(10).Take(280), ColumnFrames.Read(payload.Written, 280).Events());
        }
    }

    [Fact]
    public void A_builder_gathers_from_several_batches_and_is_reused()
    {
        var oids = new OidTable();
        var builder = new EventColumnsBuilder();
        var reader = new EventFrameReader();
        for (var seed = 0; seed < 4; seed += 2)
        {
            var (one, other) = (EventSamples.Random(seed, 200, oids), EventSamples.Random(seed + 1, 100, oids));
            builder.AppendRange(one, 0, one.Count);
            builder.AppendRange(other, 50, 50);
            builder.Append(other, 7);
            TelemetryEvent[] expected = [.. one.Events(), .. other.Events().Skip(50), other[7]];
            Assert.Equal((expected.Length, expected.Min(e => e.TimeNs), expected.Max(e => e.TimeNs)), (builder.Count, builder.MinTimeNs, builder.MaxTimeNs));

            var output = new ByteWriter();
            Assert.Equal(1, builder.Finish(output, Tag, 5, 3));
            Assert.Equal(0, builder.Count);
            Assert.True(FrameHeader.TryRead(output.Written, out var header));
            Assert.Equal((FrameType.EventColumns, 5UL, (ushort)3, output.Length), (header.Type, header.FirstSequence, header.Commit, header.LengthBytes));
            Assert.Equal(Crc32C.Compute(output.Written[FrameHeader.SizeBytes..]), header.PayloadChecksum);
            var batch = new EventBatch(oids);
            Assert.Null(reader.Read(header, output.Written[FrameHeader.SizeBytes..], batch));
            Assert.Equal(expected, batch.Events());
        }
    }

    [Fact]
    public void A_frame_holds_no_more_than_its_limit_and_one_table()
    {
        var builder = new EventColumnsBuilder();
        var batch = EventSamples.Random(1, 300);
        for (var i = 0; i < EventColumnsBuilder.MaxEvents / 300; i++)
        {
            builder.AppendRange(batch, 0, 300);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => builder.AppendRange(batch, 0, 300));
        Assert.Throws<ArgumentException>(() => builder.AppendRange(EventSamples.Random(1, 1), 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EventFrameEncoder().Write(new ByteWriter(), batch, 0, 0, Tag, 1));
        Assert.Throws<InvalidOperationException>(() => new EventColumnsBuilder().Finish(new ByteWriter(), Tag, 1));
    }

    [Fact]
    public void Rows_are_written_where_they_are_smaller()
    {
        var batch = new EventBatch(new OidTable());
        batch.Add(new TelemetryEvent(EventSamples.Temperature, 5, 1, 0, TelemetryValue.From(new byte[100]), new Ieid(1, 2)));
        var output = new ByteWriter();
        Assert.Equal(1, new EventFrameEncoder(compresses: false).Write(output, batch, 0, 1, Tag, 1));
        Assert.True(FrameHeader.TryRead(output.Written, out var header));
        Assert.Equal(FrameType.EventRows, header.Type);
        Assert.Equal(batch.Events(), Read(output.Written, 1).Events());
    }

    [Fact]
    public void Events_that_one_frame_cannot_hold_become_several()
    {
        var batch = new EventBatch(new OidTable());
        var random = new Random(4);
        for (var i = 0; i < 5; i++)
        {
            var bytes = new byte[6 * 1024 * 1024];
            random.NextBytes(bytes);
            batch.Add(new TelemetryEvent(EventSamples.Temperature, i, 1, 0, TelemetryValue.From(bytes), new Ieid(1, (ulong)i)));
        }

        var output = new ByteWriter();
        var frames = new EventFrameEncoder().Write(output, batch, 0, 5, Tag, 100);
        Assert.Equal(3, frames);
        Assert.Equal(batch.Events(), Read(output.Written, frames, 100).Events());
    }

    [Fact]
    public void One_long_text_repeated_often_stays_within_what_rows_could_hold()
    {
        // One object in memory here, a gigabyte for whoever writes the events out.
        var batch = new EventBatch(new OidTable());
        var text = TelemetryValue.From(new string('x', 20_000));
        for (var i = 0; i < 2000; i++)
        {
            batch.Add(new TelemetryEvent(EventSamples.Temperature, i, 1, 0, text, new Ieid(1, (ulong)i)));
        }

        var output = new ByteWriter();
        var frames = new EventFrameEncoder().Write(output, batch, 0, batch.Count, Tag, 1);
        Assert.Equal(4, frames);
        Assert.InRange(output.Length, 1, 1000);
        Assert.Equal(batch.Events(), Read(output.Written, frames).Events());
    }

    [Fact]
    public void Times_in_any_order_come_back_in_the_order_of_arrival()
    {
        foreach (var step in new long[] { 0, 1, -1, 1_000_000, -1_000_000, 7, long.MaxValue, long.MinValue })
        {
            var batch = new EventBatch(new OidTable());
            var timeNs = 1_700_000_000_000_000_000;
            for (var i = 0; i < 100; i++)
            {
                timeNs = unchecked(timeNs + step);
                batch.Add(new TelemetryEvent(Oid.Parse($"sensor:s{i * 7 % 5}"), timeNs, 1, 0, TelemetryValue.From(i), new Ieid(1, (ulong)i)));
            }

            Assert.Equal(batch.Events(), ColumnFrames.Read(ColumnFrames.Payload(batch), batch.Count).Events());
        }
    }

    [Fact]
    public void A_payload_cut_anywhere_is_an_error_and_never_an_exception()
    {
        foreach (var compresses in new[] { false, true })
        {
            var batch = EventSamples.Random(3, 100);
            var payload = ColumnFrames.Payload(batch, compresses);
            for (var length = 0; length < payload.Length; length++)
            {
                Assert.NotNull(ColumnFrames.TryRead(payload.AsSpan(0, length), batch.Count, out _));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_payload_with_any_byte_changed_never_throws_and_stays_within_bounds(bool compresses)
    {
        var batch = EventSamples.Batch();
        var payload = ColumnFrames.Payload(batch, compresses);
        var header = new FrameHeader(FrameType.EventColumns, 0, (uint)batch.Count, Tag, 1, 0);
        var reader = new EventFrameReader();
        var changed = (byte[])payload.Clone();
        Assert.Null(reader.Read(header, payload, new EventBatch(new OidTable())));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var runs = 0;
        for (var i = 0; i < payload.Length; i++)
        {
            foreach (var value in new byte[] { 0, 0x7F, 0x80, 0xFF, unchecked((byte)~payload[i]), (byte)(payload[i] ^ 1) })
            {
                changed[i] = value;
                var target = new EventBatch(new OidTable(), 64);
                var error = reader.Read(header, changed, target);
                Assert.Equal(error is null ? batch.Count : 0, target.Count);
                runs++;
            }

            changed[i] = payload[i];
        }

        var perRun = (GC.GetAllocatedBytesForCurrentThread() - before) / runs;
        Assert.InRange(perRun, 0, 300_000);
    }

    [Fact]
    public void What_is_announced_is_checked_before_anything_is_allocated()
    {
        Assert.Contains("1 to 65536 events", ColumnFrames.TryRead([1], 65_537, out _), StringComparison.Ordinal);
        Assert.Contains("1 to 65536 events", ColumnFrames.TryRead([1], 0, out _), StringComparison.Ordinal);
        Assert.Contains("version 2", ColumnFrames.TryRead([2, 1, 1, 0, 0], 1, out _), StringComparison.Ordinal);
        Assert.Contains("a count of 2", ColumnFrames.TryRead([1, 2, 1, 0, 0], 1, out _), StringComparison.Ordinal);
        Assert.Contains("are allowed", Announce((ColumnStream.Names, 15_000_000), (ColumnStream.Objects, 15_000_000)), StringComparison.Ordinal);
        Assert.Contains("more than the", Announce((ColumnStream.Names, int.MaxValue)), StringComparison.Ordinal);
        Assert.Contains("wrong place", Announce((ColumnStream.Objects, 1), (ColumnStream.Names, 1)), StringComparison.Ordinal);
        Assert.Contains("not known", Announce((ColumnStream.Count, 1)), StringComparison.Ordinal);
        Assert.Contains("not known", Announce((ColumnStream.Names | 0x80, 1)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ValueKind.Boolean, 0x1_00UL)]
    [InlineData(ValueKind.Byte, 0x1_00UL)]
    [InlineData(ValueKind.SByte, 0x80UL)]
    [InlineData(ValueKind.StatusCode, 0x1_0000_0000UL)]
    [InlineData(ValueKind.Float, 0x1_3F80_0000UL)]
    public void A_value_that_is_wider_than_its_kind_is_an_error_as_no_rows_can_hold_it(ValueKind kind, ulong bits)
    {
        foreach (var count in new[] { 1, 40 })
        {
            var batch = new EventBatch(new OidTable());
            for (var i = 0; i < count; i++)
            {
                batch.Add(
                    batch.Oids.GetOrAdd(Oid.Parse("sensor:a")), i, 1, 0, kind, i == count - 1 ? bits : (ulong)(i % 2), null, new Ieid(1, (ulong)i), default);
            }

            var payload = new ByteWriter();
            Assert.True(new ColumnsEncoder().TryWrite(batch, 0, count, payload));
            Assert.Contains("does not fit into its kind", ColumnFrames.TryRead(payload.Written, count, out var read), StringComparison.Ordinal);
            Assert.Equal(0, read.Count);
        }
    }

    [Fact]
    public void A_stream_that_grows_beyond_what_it_announces_is_an_error()
    {
        var bomb = new byte[1024];
        Assert.True(BrotliEncoder.TryCompress(new byte[1_000_000], bomb, out var written, 5, 22));
        var payload = new ByteWriter();
        payload.WriteBytes([1, 1, 1, ColumnStream.Objects | (StreamCompression.Brotli << 6)]);
        payload.WriteVarint(1000);
        payload.WriteVarint((ulong)written);
        payload.WriteBytes(bomb.AsSpan(0, written));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("can't be decompressed to the 1000 bytes", ColumnFrames.TryRead(payload.Written, 1, out _), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
    }

    [Fact]
    public void An_order_of_arrival_that_is_no_permutation_is_an_error()
    {
        var batch = new EventBatch(new OidTable());
        for (var i = 0; i < 3; i++)
        {
            batch.Add(new TelemetryEvent(EventSamples.Temperature, 3 - i, 1, 0, TelemetryValue.From(1), new Ieid(1, (ulong)i)));
        }

        var payload = ColumnFrames.Payload(batch, compresses: false);
        Assert.Equal([4, 3, 3], payload[^3..]);
        foreach (var order in new byte[][] { [0, 1, 0], [0, 0, 2], [6, 0, 0], [1, 0, 0], [0, 0, 0x80] })
        {
            order.CopyTo(payload, payload.Length - 3);
            Assert.Contains("permutation", ColumnFrames.TryRead(payload, 3, out _), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Encoding_and_decoding_scalars_allocates_nothing_for_an_event_once_warm()
    {
        var batch = PlantSamples.Canonical(100, 20, 1_000_000);
        var encoder = new EventFrameEncoder();
        var reader = new EventFrameReader();
        var output = new ByteWriter(1 << 20);
        var target = new EventBatch(batch.Oids, batch.Count);
        var allocated = 0L;
        for (var i = 0; i < 3; i++)
        {
            output.Clear();
            target.Clear();
            var before = GC.GetAllocatedBytesForCurrentThread();
            encoder.Write(output, batch, 0, batch.Count, Tag, 1);
            Assert.True(FrameHeader.TryRead(output.Written, out var header));
            Assert.Null(reader.Read(header, output.Written[FrameHeader.SizeBytes..], target));
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // The decompressor has a small object for each stream.
        Assert.InRange(allocated, 0, batch.Count);
    }

    private static string? Announce(params (int Stream, int Bytes)[] streams)
    {
        var payload = new ByteWriter();
        payload.WriteBytes([1, 1, (byte)streams.Length]);
        foreach (var (stream, bytes) in streams)
        {
            payload.WriteByte((byte)stream);
            payload.WriteVarint((ulong)bytes);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = ColumnFrames.TryRead(payload.Written, 1, out _);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
        return error;
    }

    private static EventBatch Read(ReadOnlySpan<byte> frames, int frameCount, ulong firstSequence = 1)
    {
        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        for (; frameCount > 0; frameCount--)
        {
            Assert.True(FrameHeader.TryRead(frames, out var header));
            Assert.Equal(firstSequence, header.FirstSequence);
            Assert.Null(reader.Read(header, frames[FrameHeader.SizeBytes..header.LengthBytes], batch));
            firstSequence = header.NextSequence;
            frames = frames[header.LengthBytes..];
        }

        Assert.Equal(0, frames.Length);
        return batch;
    }
}
