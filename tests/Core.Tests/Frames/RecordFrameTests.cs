using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Tests.Frames;

public sealed class RecordFrameTests
{
    [Fact]
    public void A_loss_record_comes_back()
    {
        var record = new LossRecord(LossReason.Expired, 10, 20, 11, true, 5, 6, 7, "mbb_1", "older than keep");
        var output = new ByteWriter();
        record.AppendFrame(output, 1, 21);
        Assert.True(FrameHeader.TryRead(output.Written, out var header));
        Assert.Equal((FrameType.Loss, 0u, 21UL), (header.Type, header.EventCount, header.FirstSequence));
        Assert.Null(LossRecord.TryRead(output.Written[FrameHeader.SizeBytes..], out var read));
        Assert.Equal(record, read);
    }

    [Fact]
    public void A_loss_record_cuts_long_texts_instead_of_failing()
    {
        var record = new LossRecord(LossReason.Damaged, 0, 0, 1, false, 0, 0, 0, new string('s', 100_000), new string('é', 100_000));
        var output = new ByteWriter();
        record.AppendFrame(output, 1, 1);
        Assert.Null(LossRecord.TryRead(output.Written[FrameHeader.SizeBytes..], out var read));
        Assert.Equal(1024, read!.Detail.Length);
    }

    [Fact]
    public void A_source_position_comes_back()
    {
        var position = new SourcePosition("plc", 0xFEED, 123);
        var output = new ByteWriter();
        position.AppendFrame(output, 1, 1);
        Assert.Null(SourcePosition.TryRead(output.Written[FrameHeader.SizeBytes..], out var read));
        Assert.Equal(position, read);
    }
}
