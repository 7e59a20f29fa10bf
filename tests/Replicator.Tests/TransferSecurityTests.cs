using Microsoft.Extensions.Logging;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>What does not belong here is refused, counted, logged once with a remedy, and nothing is lost by it.</summary>
public sealed class TransferSecurityTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    [Fact]
    public async Task Another_secret_under_the_same_id_is_named_as_a_wrong_key()
    {
        await using var rig = new TransferRig(new LoopbackBus(), TransferRig.NewKey("k1"), TransferRig.NewKey("k1"), o => TransferTests.Impatient(o) with { Timeout = Short });
        rig.AddBlock(10);
        var answer = await rig.Link.EnsureSessionAsync(CancellationToken.None);
        Assert.Equal(LinkStatus.TimedOut, answer.Status);
        AssertRefused(rig, "wrong key", "copy the key anew");

        // The target cannot tell why a hello is not answered, but what the source says by itself is sealed with the other key, too.
        Assert.Contains("what comes from it is refused", answer.Detail, StringComparison.Ordinal);
        Assert.Contains("another secret under key id 'k1'", answer.Detail, StringComparison.Ordinal);
        Assert.Contains("copy the key anew", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_key_id_is_named()
    {
        await using var rig = new TransferRig(new LoopbackBus(), TransferRig.NewKey("k1"), TransferRig.NewKey("k2"), o => TransferTests.Impatient(o) with { Timeout = Short });
        rig.AddBlock(10);
        Assert.Equal(LinkStatus.TimedOut, (await rig.Link.EnsureSessionAsync(CancellationToken.None)).Status);
        AssertRefused(rig, "unknown key id", "key_id");
    }

    [Fact]
    public async Task A_node_without_a_mailbox_gets_nothing()
    {
        await using var rig = new TransferRig(new LoopbackBus(), tune: o => TransferTests.Impatient(o) with { Target = "stranger", Timeout = Short });
        rig.AddBlock(10);
        Assert.Equal(LinkStatus.TimedOut, (await rig.Link.EnsureSessionAsync(CancellationToken.None)).Status);
        AssertRefused(rig, "unknown mailbox", "server.mailboxes");
    }

    [Fact]
    public async Task A_hello_for_another_mailbox_is_refused_even_with_the_right_key()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        rig.AddBlock(10);
        var nonce = SessionKeys.NewNonce();
        using var key = SessionKeys.Hello(rig.Key, TransferRig.Source, TransferRig.Target, nonce);
        var content = new Hello("other", 4096, 1 << 20, [TransferCodec.None]).Encode();
        var message = key.Seal(new MessageHeader(MessageType.Hello, false, nonce, 0, rig.Key.Id), 0, content);
        rig.Bus.Inject(new TransferTopics().Request(TransferRig.Source, TransferRig.Target), message);
        await Eventually.TrueAsync(() => rig.Server.Counters.Refused.ContainsKey("wrong mailbox"), "the hello is refused");
        AssertRefused(rig, "wrong mailbox", "own name");
    }

    [Fact]
    public async Task A_message_with_any_byte_changed_opens_nothing_and_loses_nothing()
    {
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus);
        rig.AddBlock(50);
        var offer = Assert.Single((await rig.OfferedAsync()).Offers);
        Assert.True((await rig.Link.DownloadAsync(offer, CancellationToken.None)).IsOk);
        var topic = new TransferTopics().Request(TransferRig.Source, TransferRig.Target);
        var requests = bus.Sent.Where(s => s.Topic == topic).Select(s => s.Payload).ToArray();
        var before = rig.Server.Counters;
        var injected = 0;
        foreach (var request in requests)
        {
            for (var i = 0; i < request.Length; i++)
            {
                var changed = (byte[])request.Clone();
                changed[i] ^= 0x40;
                rig.Bus.Inject(topic, changed);
                injected++;
                if (injected % 100 == 0)
                {
                    // Below the server's queue limit, so that each one is really looked at.
                    await WaitForRefusalsAsync(rig, before, injected);
                }
            }
        }

        await WaitForRefusalsAsync(rig, before, injected);
        Assert.Equal(before.Chunks, rig.Server.Counters.Chunks);
        Assert.Single(rig.Blocks.All);
        Assert.True((await rig.Link.ConfirmAsync(offer.Block, CancellationToken.None)).IsOk);
    }

    [Fact]
    public async Task Replayed_messages_of_every_kind_have_no_effect()
    {
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus);
        rig.AddBlock(50);
        var offer = Assert.Single((await rig.OfferedAsync()).Offers);
        Assert.True((await rig.Link.DownloadAsync(offer, CancellationToken.None)).IsOk);
        Assert.True((await rig.Link.ConfirmAsync(offer.Block, CancellationToken.None)).IsOk);
        rig.AddBlock(60, seed: 2);
        var recorded = bus.Sent.ToArray();
        var before = rig.Server.Counters;
        foreach (var (topic, payload) in recorded)
        {
            bus.Inject(topic, payload);
        }

        var replayed = recorded.Count(r => r.Topic.EndsWith("/q", StringComparison.Ordinal));
        await WaitForRefusalsAsync(rig, before, replayed);
        Assert.Equal((before.Chunks, before.ConfirmedBlocks), (rig.Server.Counters.Chunks, rig.Server.Counters.ConfirmedBlocks));
        Assert.Single(rig.Blocks.All);
        AssertRefused(rig, "replay", "");
        // The session goes on as if nothing had happened.
        Assert.True((await rig.Link.NextAsync(rotate: false, 4, behind: null, CancellationToken.None)).IsOk);
    }

    [Theory]
    [InlineData(TransferCoding.ColumnarBrotli, TransferCodec.Brotli)]
    [InlineData(TransferCoding.Bzip2, TransferCodec.Bzip2)]
    [InlineData(TransferCoding.None, TransferCodec.None)]
    public async Task A_block_travels_encrypted_always_and_compressed_unless_the_codec_is_none(TransferCoding coding, TransferCodec codec)
    {
        const int Glimpse = 16;
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus, coding: coding);
        var original = await File.ReadAllBytesAsync(rig.AddBlock(5000).Path);
        Assert.Equal([original], await rig.FetchAllAsync());

        // What the chunks carry; of that nothing is to be seen in any message, nor of the block itself.
        var carried = codec == TransferCodec.None ? original : TransferCodecs.Encode(codec, original);
        var replies = bus.Sent.Where(s => s.Topic.EndsWith("/r", StringComparison.Ordinal)).Sum(s => s.Payload.Length);
        Assert.InRange(replies, carried.Length, carried.Length + (original.Length / 10));
        Assert.Equal(codec != TransferCodec.None, replies < original.Length);
        Assert.All(bus.Sent, s => Assert.False(Shows(s.Payload, carried) || Shows(s.Payload, original), s.Topic));

        static bool Shows(byte[] message, byte[] secret) =>
            Enumerable.Range(0, secret.Length / Glimpse).Any(i => message.AsSpan().IndexOf(secret.AsSpan(i * Glimpse, Glimpse)) >= 0);
    }

    [Fact]
    public async Task Messages_of_one_session_open_nothing_in_the_next_one()
    {
        var bus = new LoopbackBus();
        await using var rig = new TransferRig(bus);
        rig.AddBlock(50);
        await rig.OfferedAsync();
        var first = bus.Sent.Where(s => s.Topic.EndsWith("/r", StringComparison.Ordinal)).ToArray();
        await rig.Link.CloseSessionAsync(CancellationToken.None);
        var opening = rig.Link.EnsureSessionAsync(CancellationToken.None);
        foreach (var (topic, payload) in first)
        {
            bus.Inject(topic, payload);
        }

        Assert.True((await opening).IsOk);
        Assert.True((await rig.Link.NextAsync(rotate: false, 4, behind: null, CancellationToken.None)).IsOk);
    }

    [Fact]
    public async Task A_confirmation_of_other_content_does_not_remove_the_block()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        rig.AddBlock(50);
        var offer = Assert.Single((await rig.OfferedAsync()).Offers);
        var other = offer.Block with { Hash = new BlockHash(new byte[32]) };
        Assert.Equal(LinkStatus.Refused, (await rig.Link.ConfirmAsync(other, CancellationToken.None)).Status);
        Assert.Single(rig.Blocks.All);
        AssertRefused(rig, "wrong hash", "");
    }

    [Fact]
    public async Task No_key_seals_two_different_messages_under_one_number()
    {
        var bus = new LoopbackBus(5, new BusFaults(Drop: 0.1, Repeat: 0.1));
        await using var rig = new TransferRig(bus, tune: TransferTests.Impatient);
        for (var i = 0; i < 3; i++)
        {
            rig.AddBlock(2000, i);
        }

        await rig.FetchAllAsync();
        // The commitment names the key, number and last flag make the nonce.
        var uses = bus.Sent.Where(s => MessageHeader.TryRead(s.Payload, out _)).Select(s =>
        {
            Assert.True(MessageHeader.TryRead(s.Payload, out var h));
            var number = h.Type is MessageType.Hello or MessageType.HelloReply ? 0 : h.Type == MessageType.Chunk ? h.ChunkIndex : h.MessageNumber;
            return (Key: Convert.ToHexString(s.Payload.AsSpan(40, 16)), number, h.IsLast, Message: Convert.ToHexString(s.Payload));
        });
        Assert.All(uses.GroupBy(u => (u.Key, u.number, u.IsLast)), g => Assert.Single(g.Select(u => u.Message).Distinct()));
    }

    [Theory]
    [InlineData("short")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("zfk_AAAAAAAAAAAAbbbbbbbbCCCCCCCCddddddEEEEEE123")]
    public void Keys_that_can_be_guessed_or_were_mistyped_are_refused_without_repeating_them(string text)
    {
        Assert.False(ApiKey.TryCreate("k", text, out _, out var error));
        Assert.DoesNotContain(text, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_generated_key_with_one_character_changed_is_refused()
    {
        var text = ApiKey.Generate();
        Assert.True(ApiKey.TryCreate("k", text, out _, out _));
        for (var i = 4; i < text.Length; i++)
        {
            var changed = text.ToCharArray();
            changed[i] = changed[i] == 'x' ? 'y' : 'x';
            Assert.False(ApiKey.TryCreate("k", new string(changed), out _, out _));
        }
    }

    private static Task WaitForRefusalsAsync(TransferRig rig, Replicator.Serve.ServerCounters before, int count) =>
        Eventually.TrueAsync(
            () => rig.Server.Counters.Refused.Values.Sum() - before.Refused.Values.Sum() >= count, $"all {count} messages are refused");

    private static void AssertRefused(TransferRig rig, string reason, string remedy)
    {
        Assert.True(rig.Server.Counters.Refused[reason] > 0);
        var lines = rig.ServerLog.Lines.Where(l => l.Level == LogLevel.Warning && l.Text.Contains(remedy, StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(lines);
        Assert.Equal(lines.Select(l => l.Text).Distinct().Count(), lines.Count);
        Assert.NotEmpty(rig.Blocks.All);
    }
}
