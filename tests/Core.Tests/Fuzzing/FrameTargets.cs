using System.Buffers.Binary;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.Blocks;
using ZfRepl.Core.Tests.Frames;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Core.Tests.Fuzzing;

/// <summary>The payloads of frames, behind their checksums.</summary>
internal static class FrameTargets
{
    private const uint EventsMax = 100_000;

    public static IEnumerable<(FuzzTarget Target, int Rounds)> All =>
    [
        (new FuzzTarget("event-rows", Rows(), input => ReadEvents(FrameType.EventRows, input), 64L * 1024 * 1024), 20_000),
        (new FuzzTarget("event-columns", Columns(), input => ReadEvents(FrameType.EventColumns, input), 64L * 1024 * 1024), 20_000),
        (new FuzzTarget("loss-record", [Payload(FormatSamples.Page["loss"])], ReadLoss), 50_000),
        (new FuzzTarget("source-position", [Payload(FormatSamples.Page["source-position"])], ReadPosition), 50_000),
    ];

    private static byte[] Payload(byte[] frame) => frame[FrameHeader.SizeBytes..];

    /// <summary>In front of the payload stands how many events the frame's header claims.</summary>
    private static byte[] Counted(int count, ReadOnlySpan<byte> payload)
    {
        var bytes = new byte[sizeof(uint) + payload.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)count);
        payload.CopyTo(bytes.AsSpan(sizeof(uint)));
        return bytes;
    }

    private static byte[][] Rows() => [.. Batches().Select(batch =>
    {
        var builder = new EventFrameBuilder();
        for (var i = 0; i < batch.Count; i++)
        {
            builder.Append(batch, i);
        }

        var output = new ByteWriter();
        builder.Finish(output, 1, 1);
        return Counted(batch.Count, output.Written[FrameHeader.SizeBytes..]);
    })];

    private static byte[][] Columns() =>
        [.. Batches().SelectMany(batch => new[] { true, false }.Select(compresses => Counted(batch.Count, ColumnFrames.Payload(batch, compresses))))];

    private static EventBatch[] Batches() => [FormatSamples.Events(3), FormatSamples.Events(70), FormatSamples.ColumnEvents(), FormatSamples.OddEvents()];

    private static void ReadEvents(FrameType type, byte[] input)
    {
        if (input.Length < sizeof(uint))
        {
            return;
        }

        var count = BinaryPrimitives.ReadUInt32LittleEndian(input) % EventsMax;
        var batch = new EventBatch(new OidTable());
        var problem = new EventFrameReader().Read(new FrameHeader(type, 0, count, 1, 1, 0), input.AsSpan(sizeof(uint)), batch);
        if (problem is not null)
        {
            return;
        }

        Assert.Equal((int)count, batch.Count);
        if (count is > 0 and < 1_000)
        {
            CanBeSaidAgain(batch);
        }
    }

    private static void CanBeSaidAgain(EventBatch batch)
    {
        var output = new ByteWriter();
        var again = new EventBatch(new OidTable());
        _ = new EventFrameEncoder().Write(output, batch, 0, batch.Count, 1, 1);
        for (var rest = output.Written; rest.Length > 0;)
        {
            Assert.True(FrameHeader.TryRead(rest, out var header));
            Assert.Null(new EventFrameReader().Read(header, rest[FrameHeader.SizeBytes..header.LengthBytes], again));
            rest = rest[header.LengthBytes..];
        }

        Assert.Equal(batch.Count, again.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            Assert.Equal((batch[i].Oid, batch[i].TimeNs, batch[i].Ieid), (again[i].Oid, again[i].TimeNs, again[i].Ieid));
            Assert.True(batch[i].Value.Equals(again[i].Value), $"event {i}: {batch[i].Value} became {again[i].Value}");
        }
    }

    private static void ReadLoss(byte[] input)
    {
        if (LossRecord.TryRead(input, out var record) is not null)
        {
            Assert.Null(record);
            return;
        }

        var output = new ByteWriter();
        record!.AppendFrame(output, 1, 1);
        Assert.Null(LossRecord.TryRead(output.Written[FrameHeader.SizeBytes..], out var again));
        Assert.Equal(record with { Source = "", Detail = "" }, again! with { Source = "", Detail = "" });
    }

    private static void ReadPosition(byte[] input)
    {
        if (SourcePosition.TryRead(input, out var position) is null)
        {
            var output = new ByteWriter();
            position.AppendFrame(output, 1, 1);
            Assert.Null(SourcePosition.TryRead(output.Written[FrameHeader.SizeBytes..], out var again));
            Assert.Equal(position, again);
        }
    }
}
