using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Frames;

public sealed class EventColumnsTests
{
    private const ulong Tag = 0x1122_3344_5566_7788;

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(5)]
    public void Every_kind_of_event_comes_back_bit_for_bit(int quality)
    {
        var batch = EventSamples.Batch();
        Assert.Equal(batch.Events(), ReadColumns(Columns(batch, quality), batch.Count).Events());
    }

    [Fact]
    public void Random_batches_come_back()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var batch = EventSamples.Random(seed, 300);
            Assert.Equal(batch.Events(), ReadColumns(Columns(batch), batch.Count).Events());
        }
    }

    private static byte[] Columns(EventBatch batch, int quality = 5)
    {
        var payload = new ByteWriter();
        Assert.True(new ColumnsEncoder().TryWrite(batch, 0, batch.Count, quality, payload));
        return payload.Written.ToArray();
    }

    private static EventBatch ReadColumns(byte[] payload, int count)
    {
        var batch = new EventBatch(new OidTable());
        Assert.Null(new EventFrameReader().Read(new FrameHeader(FrameType.EventColumns, 0, (uint)count, Tag, 1, 0), payload, batch));
        return batch;
    }
}
