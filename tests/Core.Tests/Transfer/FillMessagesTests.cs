using FsCheck;
using FsCheck.Fluent;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Core.Tests.Transfer;

public sealed class FillMessagesTests
{
    [Fact]
    public void A_wish_and_every_answer_come_back_as_they_were()
    {
        var request = new TransferRequest(TransferOperation.Fill, Fill: new FillWish("0a1b", new TimeRange(5, 1_700_000_000_000_000_000)));
        Assert.Equal(request, TransferRequest.TryDecode(request.Encode()));
        FillReply[] replies =
        [
            new(FillProgress.Open, 12, 77, null, 0, "fills from 2024 on"),
            new(FillProgress.Done, 1_000_000, 88, new StreamId(1, 2), 34, ""),
            new(FillProgress.Cancelled, 0, 0, null, 0, ""),
        ];
        Assert.All(replies, r => Assert.Equal(r, FillReply.TryDecode(Encode(r))));
    }

    [Fact]
    public void A_question_for_the_beginning_and_its_answers_come_back_as_they_were_and_nonsense_is_malformed()
    {
        Oid[] items = [Oid.Parse("sensor:edge1/heartbeat"), Oid.Parse("sensor:edge1/other")];
        var request = new TransferRequest(TransferOperation.Begin, Begin: new BeginWish(items)).Encode().ToArray();
        Assert.Equal(items, TransferRequest.TryDecode(request)!.Begin!.Items);
        Assert.All(Enumerable.Range(0, request.Length), length => Assert.Null(TransferRequest.TryDecode(request.AsSpan(0, length))));
        Assert.Null(TransferRequest.TryDecode(new TransferRequest(TransferOperation.Begin, Begin: new BeginWish([])).Encode()));
        foreach (var reply in new[] { BeginReply.Unknown, new BeginReply(BeginKnowledge.Since, 1_700_000_000_000_000_000), new BeginReply(BeginKnowledge.Never, 0) })
        {
            var output = new ByteWriter();
            reply.Write(output);
            var bytes = output.Written.ToArray();
            Assert.Equal(reply, BeginReply.TryDecode(bytes));
            Assert.All(Enumerable.Range(0, bytes.Length), length => Assert.Null(BeginReply.TryDecode(bytes.AsSpan(0, length))));
            bytes[0] = 3;
            Assert.Null(BeginReply.TryDecode(bytes));
        }
    }

    [Fact]
    public void An_answer_that_says_done_and_names_no_stream_is_malformed() =>
        Assert.Null(FillReply.TryDecode(Encode(new FillReply(FillProgress.Done, 12, 77, null, 34, ""))));

    [Fact]
    public void A_text_for_people_that_is_too_long_is_cut() =>
        Assert.Equal(256, FillReply.TryDecode(Encode(new FillReply(FillProgress.Open, 0, 0, null, 0, new string('ü', 5000))))!.Doing.Length);

    [Theory]
    [InlineData("", 1, 2)]
    [InlineData("a", 2, 1)]
    [InlineData("a", -1, 1)]
    public void A_wish_without_sense_is_malformed(string id, long from, long to) =>
        Assert.Null(TransferRequest.TryDecode(new TransferRequest(TransferOperation.Fill, Fill: new FillWish(id, new TimeRange(from, to))).Encode()));

    [Fact]
    public void Bytes_that_are_cut_off_or_changed_never_throw()
    {
        var wish = new TransferRequest(TransferOperation.Fill, Fill: new FillWish("0a1b", new TimeRange(5, 9))).Encode().ToArray();
        var reply = Encode(new FillReply(FillProgress.Done, 1, 2, new StreamId(3, 4), 5, "text"));
        for (var length = 0; length < wish.Length; length++)
        {
            Assert.Null(TransferRequest.TryDecode(wish.AsSpan(0, length)));
        }

        for (var length = 0; length < reply.Length; length++)
        {
            Assert.Null(FillReply.TryDecode(reply.AsSpan(0, length)));
        }

        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            _ = FillReply.TryDecode(bytes);
            _ = TransferRequest.TryDecode([.. wish.AsSpan(0, 15), .. bytes]);
        }).QuickCheckThrowOnFailure();
    }

    private static byte[] Encode(FillReply reply)
    {
        var output = new ByteWriter();
        reply.Write(output);
        return output.Written.ToArray();
    }
}
