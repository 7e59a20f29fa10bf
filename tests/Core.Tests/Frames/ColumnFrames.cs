using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Frames;

/// <summary>Events to payloads of columns frames and back, for tests.</summary>
internal static class ColumnFrames
{
    public static byte[] Payload(EventBatch batch, bool compresses = true)
    {
        var payload = new ByteWriter();
        Assert.True(new ColumnsEncoder(compresses).TryWrite(batch, 0, batch.Count, payload));
        return payload.Written.ToArray();
    }

    public static EventBatch Read(ReadOnlySpan<byte> payload, int count)
    {
        Assert.Null(TryRead(payload, count, out var batch));
        return batch;
    }

    public static string? TryRead(ReadOnlySpan<byte> payload, int count, out EventBatch batch)
    {
        batch = new EventBatch(new OidTable());
        return new EventFrameReader().Read(new FrameHeader(FrameType.EventColumns, 0, (uint)count, 1, 1, 0), payload, batch);
    }
}
