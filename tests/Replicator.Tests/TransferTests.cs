using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

public sealed class TransferTests
{
    [Fact]
    public async Task A_block_arrives_byte_for_byte_and_leaves_the_source_only_when_confirmed()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        var block = rig.AddBlock(5000);
        var original = await File.ReadAllBytesAsync(block.Path);
        var offer = Assert.Single((await rig.OfferedAsync()).Offers);
        var download = await rig.Link.DownloadAsync(offer, CancellationToken.None);
        Assert.True(download.IsOk, download.Detail);
        Assert.Equal(original, download.Value);
        Assert.Single(rig.Blocks.All);
        Assert.True((await rig.Link.ConfirmAsync(offer.Block, CancellationToken.None)).IsOk);
        Assert.Empty(rig.Blocks.All);
        // A confirmation whose answer got lost is repeated: it is fine that the block is gone.
        Assert.True((await rig.Link.ConfirmAsync(offer.Block, CancellationToken.None)).IsOk);
        Assert.Equal(1, rig.Server.Counters.ConfirmedBlocks);
    }

    [Fact]
    public async Task A_target_that_names_a_block_is_offered_what_lies_behind_it_and_is_told_the_whole_backlog()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        var blocks = Enumerable.Range(0, 5).Select(i => rig.AddBlock(10, i).Identity).ToArray();
        await rig.OfferedAsync();
        var behind = (await rig.Link.NextAsync(rotate: false, 2, blocks[1], CancellationToken.None)).Value!;
        Assert.Equal(blocks[2..4], behind.Offers.Select(o => o.Block));
        Assert.Equal((5UL, 50UL), (behind.BacklogBlocks, behind.BacklogEvents));
        Assert.Empty((await rig.Link.NextAsync(rotate: false, 2, blocks[4], CancellationToken.None)).Value!.Offers);

        // One that has gone meanwhile hides nothing.
        rig.Blocks.All.RemoveAt(0);
        var all = (await rig.Link.NextAsync(rotate: false, 16, blocks[0], CancellationToken.None)).Value!;
        Assert.Equal(blocks[1..], all.Offers.Select(o => o.Block));
    }

    [Fact]
    public async Task A_block_that_is_too_large_for_the_target_does_not_keep_the_open_one_from_being_closed()
    {
        await using var rig = new TransferRig(new LoopbackBus(), tune: o => o with { MaxBlockBytes = 4000 });
        rig.AddBlock(5000);
        rig.Blocks.Open = rig.AddBlock(10, 2);
        rig.Blocks.All.Remove(rig.Blocks.Open);
        var open = rig.Blocks.Open.Identity;
        Assert.Equal([open], (await rig.OfferedAsync()).Offers.Select(o => o.Block));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Blocks_arrive_whole_over_a_bus_that_drops_repeats_reorders_and_corrupts(int seed)
    {
        var bus = new LoopbackBus(seed, new BusFaults(Drop: 0.1, Repeat: 0.1, Reorder: 0.1, Corrupt: 0.05));
        await using var rig = new TransferRig(bus, tune: Impatient);
        var originals = new List<byte[]>();
        for (var i = 0; i < 4; i++)
        {
            originals.Add(await File.ReadAllBytesAsync(rig.AddBlock(3000 + i, i).Path));
        }

        var fetched = await rig.FetchAllAsync();
        Assert.Equal(originals, fetched);
        Assert.Empty(rig.Blocks.All);
    }

    [Fact]
    public async Task After_a_break_only_the_missing_chunks_are_sent_again()
    {
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus, tune: o => o with { RepeatAfter = TimeSpan.FromMilliseconds(100), Timeout = TimeSpan.FromMilliseconds(400) });
        var block = rig.AddBlock(20_000);
        var chunks = 0;
        bus.Tap = (_, payload) => IsChunk(payload) && ++chunks > 20 ? null : payload;
        var offer = Assert.Single((await rig.OfferedAsync()).Offers);
        var broken = await rig.Link.DownloadAsync(offer, CancellationToken.None);
        Assert.Equal(LinkStatus.TimedOut, broken.Status);

        bus.Tap = null;
        var before = rig.Server.Counters.Chunks;
        LinkAnswer<byte[]> resumed;
        do
        {
            Assert.True((await rig.Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
            var next = await rig.Link.NextAsync(rotate: true, 16, behind: null, CancellationToken.None);
            resumed = next.IsOk ? await rig.Link.DownloadAsync(next.Value!.Offers[0], CancellationToken.None) : next.As<byte[]>();
        }
        while (resumed.Status == LinkStatus.TimedOut);
        Assert.True(resumed.IsOk, resumed.Detail);
        Assert.Equal(await File.ReadAllBytesAsync(block.Path), resumed.Value);
        var total = (long)Math.Ceiling(resumed.Value!.Length * 0.99 / 4096);
        Assert.InRange(rig.Server.Counters.Chunks - before, 1, total - 15);
    }

    [Fact]
    public async Task The_chunks_on_their_way_stay_within_the_window()
    {
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus, tune: o => o with { Window = 6 });
        rig.AddBlock(20_000);
        var pulled = new List<int>();
        var offer = Assert.Single((await rig.OfferedAsync()).Offers);
        var outstanding = 0;
        var most = 0;
        bus.Tap = (topic, payload) =>
        {
            // Requests and chunks pass here in order: chunks sent since the last pull was made are what can be on its way.
            outstanding = IsChunk(payload) ? outstanding + 1 : topic.EndsWith("/q", StringComparison.Ordinal) ? 0 : outstanding;
            most = Math.Max(most, outstanding);
            return payload;
        };
        Assert.True((await rig.Link.DownloadAsync(offer, CancellationToken.None)).IsOk);
        Assert.InRange(most, 1, 6);
        Assert.Empty(pulled);
    }

    [Theory]
    [InlineData("its middle")]
    [InlineData("its trailer alone")]
    public async Task A_block_that_is_damaged_at_the_source_is_never_sent_and_its_repair_is_asked_for(string where)
    {
        await using var rig = new TransferRig(new LoopbackBus());
        var block = rig.AddBlock(500);
        var bytes = await File.ReadAllBytesAsync(block.Path);
        bytes[where == "its middle" ? bytes.Length / 2 : bytes.Length - 40] ^= 1;
        await File.WriteAllBytesAsync(block.Path, bytes);
        var offer = Assert.Single((await rig.OfferedAsync()).Offers);
        var download = await rig.Link.DownloadAsync(offer, CancellationToken.None);
        Assert.Equal(LinkStatus.NotFound, download.Status);
        Assert.Equal([block.Name], rig.Blocks.Repaired);
        Assert.Equal(0, rig.Server.Counters.Chunks);
    }

    [Fact]
    public async Task A_block_larger_than_the_target_takes_is_refused_before_memory_is_taken()
    {
        await using var rig = new TransferRig(new LoopbackBus(), tune: o => o with { MaxBlockBytes = 1000 });
        rig.AddBlock(500);
        Assert.Empty((await rig.OfferedAsync()).Offers);
        Assert.Equal(1, rig.Server.Counters.Refused["too large"]);
        var huge = new BlockOffer(rig.Blocks.All[0].Identity, "mbb_1", 1, 2, 1, long.MaxValue);
        Assert.Equal(LinkStatus.Refused, (await rig.Link.DownloadAsync(huge, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task A_source_without_its_collector_says_that_it_is_not_ready()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        await rig.OfferedAsync();
        rig.Blocks.IsDown = true;
        Assert.Equal(LinkStatus.NotReady, (await rig.Link.NextAsync(rotate: true, 1, behind: null, CancellationToken.None)).Status);
        rig.Blocks.IsDown = false;
        rig.Server.Enabled = false;
        var answer = await rig.Link.NextAsync(rotate: true, 1, behind: null, CancellationToken.None);
        Assert.Equal(LinkStatus.NotReady, answer.Status);
        Assert.Contains("disabled", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_announcement_wakes_the_target()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        await rig.Link.AnnouncedAsync(CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        await rig.OfferedAsync();
        var announced = rig.Link.AnnouncedAsync(CancellationToken.None).AsTask();
        Assert.False(announced.IsCompleted);
        rig.Server.Announce(TransferRig.Target);
        await announced.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_source_says_that_it_is_there_whenever_it_gets_a_connection_and_that_wakes_the_target()
    {
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus);
        await rig.Link.AnnouncedAsync(CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        for (var times = 2; times < 5; times++)
        {
            bus.SetConnected(false);
            bus.SetConnected(true);
            await Eventually.TrueAsync(() => bus.Sent.ToArray().Count(s => Is(MessageType.Started, s)) == times, "the source says that it is there");
        }
    }

    [Fact]
    public async Task A_target_that_goes_on_with_a_session_of_before_is_told_that_the_source_started_anew_and_not_more_often_than_once_a_second()
    {
        var before = new LoopbackBus();
        await using (var rig = new TransferRig(before))
        {
            await rig.OfferedAsync();
        }

        var request = before.Sent.ToArray().First(s => Is(MessageType.Request, s));
        var bus = new LoopbackBus();
        await using var now = new TransferRig(bus);
        await now.OfferedAsync();
        var said = bus.Sent.ToArray().Count(s => Is(MessageType.Started, s));
        var target = bus.Connect();
        await Eventually.TrueAsync(
            async () =>
            {
                await target.SendAsync(request.Topic, request.Payload, CancellationToken.None);
                return bus.Sent.ToArray().Count(s => Is(MessageType.Started, s)) > said;
            },
            "the source says that it has started anew");
        var refused = now.Server.Counters.Refused["unknown session"];
        for (var i = 0; i < 50; i++)
        {
            await target.SendAsync(request.Topic, request.Payload, CancellationToken.None);
        }

        await Eventually.TrueAsync(() => now.Server.Counters.Refused["unknown session"] >= refused + 50, "all of them are looked at");
        Assert.InRange(bus.Sent.ToArray().Count(s => Is(MessageType.Started, s)), said + 1, said + 3);
    }

    private static bool Is(MessageType type, (string Topic, byte[] Payload) sent) =>
        MessageHeader.TryRead(sent.Payload, out var header) && header.Type == type;

    [Fact]
    public async Task Without_a_connection_the_answer_says_so_at_once()
    {
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus);
        await rig.OfferedAsync();
        bus.SetConnected(false);
        Assert.Equal(LinkStatus.NotConnected, (await rig.Link.NextAsync(rotate: true, 1, behind: null, CancellationToken.None)).Status);
    }

    internal static SourceLinkOptions Impatient(SourceLinkOptions options) => options with { RepeatAfter = TimeSpan.FromMilliseconds(50) };

    internal static bool IsChunk(byte[] payload) => MessageHeader.TryRead(payload, out var header) && header.Type == MessageType.Chunk;
}
