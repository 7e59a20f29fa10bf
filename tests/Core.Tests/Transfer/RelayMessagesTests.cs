using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Core.Tests.Transfer;

/// <summary>What was added to the messages for blocks of other nodes stands behind what was there, and only where it is needed.</summary>
public sealed class RelayMessagesTests
{
    private static readonly BlockHash Hash = new([.. Enumerable.Range(0, BlockHash.SizeBytes).Select(i => (byte)i)]);

    [Fact]
    public void Ways_come_back_with_the_offers_that_they_belong_to()
    {
        Assert.True(BlockWay.TryCreate(["edge1", "site"], out var way, out _));
        var reply = new NextReply([Offer(1), Offer(2) with { Way = way }, Offer(3)], 3, 30);
        var read = NextReply.TryDecode(Encode(reply))!;
        Assert.Equal([null, "edge1 > site", null], read.Offers.Select(o => o.Way?.ToString()));
        Assert.Equal(reply.Offers.Select(o => o.Block), read.Offers.Select(o => o.Block));
    }

    [Fact]
    public void Without_blocks_of_other_nodes_the_messages_are_what_they_were()
    {
        byte[] hello = [1, (byte)'c', 5, 6, 1, 0];
        Assert.Equal(hello, new Hello("c", 5, 6, [TransferCodec.None]).Encode().ToArray());
        Assert.False(Hello.TryDecode(hello)!.AcceptsRelayed);
        Assert.Equal([.. hello, 1], new Hello("c", 5, 6, [TransferCodec.None], AcceptsRelayed: true).Encode().ToArray());
        Assert.True(Hello.TryDecode([.. hello, 1])!.AcceptsRelayed);

        var plain = Encode(new NextReply([Offer(1)], 1, 10));
        Assert.True(BlockWay.TryCreate(["edge1", "site"], out var way, out _));
        var relayed = Encode(new NextReply([Offer(1) with { Way = way }], 1, 10));
        Assert.Equal(plain, relayed[..plain.Length]);
        Assert.Equal(Convert.FromHexString("010002056564676531" + "0473697465"), relayed[plain.Length..]);
    }

    [Fact]
    public void A_malformed_way_makes_the_whole_answer_malformed()
    {
        var plain = Encode(new NextReply([Offer(1)], 1, 10));
        string[] tails =
        [
            "02" + "000105" + "6564676531", "010102056564676531" + "0473697465", "010002056564676531" + "056564676531",
            "010009" + string.Concat(Enumerable.Range(0, 9).Select(i => $"01{0x61 + i:x2}")), "01000205656467", "010000",
        ];
        Assert.All(tails, t => Assert.Null(NextReply.TryDecode([.. plain, .. Convert.FromHexString(t)])));
    }

    [Theory]
    [InlineData(true, "a")]
    [InlineData(true, "a", "b", "c", "d", "e", "f", "g", "h")]
    [InlineData(false)]
    [InlineData(false, "a", "b", "c", "d", "e", "f", "g", "h", "i")]
    [InlineData(false, "a", "b", "a")]
    [InlineData(false, "a", "")]
    public void A_way_passes_each_node_once_and_is_not_endless(bool isWay, params string[] nodes) =>
        Assert.Equal(isWay, BlockWay.TryCreate(nodes, out _, out _));

    [Fact]
    public void A_way_begins_where_the_block_says_that_it_was_collected()
    {
        var header = new BlockHeader(new StreamId(1, 2), 1, 1, 0, "edge1", "site");
        Assert.True(BlockWay.From("edge1").Begins(header, "site"));
        Assert.False(BlockWay.From("edge1").Begins(header, "centre"));
        Assert.True(BlockWay.From("edge1").With("site")!.Begins(header, "centre"));
        Assert.False(BlockWay.From("edge1").With("other")!.Begins(header, "centre"));
        Assert.False(BlockWay.From("edge2").Begins(header, "site"));
        Assert.Null(BlockWay.From("edge1").With("edge1"));
    }

    private static BlockOffer Offer(ulong index) => new(new BlockKey(new StreamId(1, 2), index, Hash), $"mbb_{index}", 1, 11, 10, 500);

    private static byte[] Encode(NextReply reply)
    {
        var output = new ByteWriter();
        reply.Write(output);
        return output.WrittenMemory.ToArray();
    }
}
