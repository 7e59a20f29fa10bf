using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Security;

public sealed class SecureChannelTests
{
    public static TheoryData<string, int, int> KeySizes()
    {
        var data = new TheoryData<string, int, int>();
        foreach (var policy in SecurityPolicy.All.Where(p => !p.IsNone))
        {
            foreach (var (client, server) in new[] { (2048, 2048), (2048, 4096), (3072, 2048), (4096, 3072), (4096, 4096) })
            {
                data.Add(policy.Name, client, server);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(KeySizes))]
    public void A_channel_opens_with_every_policy_and_key_size(string policy, int clientBits, int serverBits)
    {
        using var pair = new ChannelPair(ChannelPair.Policy(policy), MessageSecurityMode.SignAndEncrypt, clientBits, serverBits).Open();
        pair.Pass(pair.Client, pair.Server, "question");
        pair.Pass(pair.Server, pair.Client, "answer");
        pair.Open();
        pair.Pass(pair.Client, pair.Server, "after renewal");
    }

    [Theory]
    [MemberData(nameof(KeySizes))]
    public void Open_bodies_of_every_length_survive_padding_to_whole_blocks(string policy, int clientBits, int serverBits)
    {
        using var pair = new ChannelPair(ChannelPair.Policy(policy), MessageSecurityMode.Sign, clientBits, serverBits);

        // Lengths around the ends of RSA blocks, where an off-by-one in the padding shows.
        foreach (var length in new[] { 0, 1, 141, 142, 143, 300, 468, 469, 470, 471, 900 })
        {
            var text = new string('x', length);
            var chunk = pair.ProtectOpen(pair.Client, text);
            Assert.Equal(text, ChannelPair.Text(chunk, pair.Server.OpenAsymmetric(chunk)));
        }
    }

    [Theory]
    [MemberData(nameof(ChannelPair.Protections), MemberType = typeof(ChannelPair))]
    public void Messages_of_every_length_arrive_as_they_were(string policy, MessageSecurityMode mode)
    {
        using var pair = new ChannelPair(ChannelPair.Policy(policy), mode).Open();
        var random = new Random(3);
        foreach (var length in Enumerable.Range(0, 70).Concat([1000, 65_400, 65_448, 65_479, 65_480, 65_511, 65_512, 200_000]))
        {
            var body = new byte[length];
            random.NextBytes(body);
            var chunks = pair.Protect(pair.Client, body);
            Assert.Equal(body, ChannelPair.OpenAll(pair.Server, chunks));
        }
    }

    [Theory]
    [MemberData(nameof(ChannelPair.Protections), MemberType = typeof(ChannelPair))]
    public void No_chunk_exceeds_the_agreed_size_and_all_but_the_last_fill_it(string policy, MessageSecurityMode mode)
    {
        var limits = TransportLimits.Default with { SendChunkBytes = 8192 };
        using var pair = new ChannelPair(ChannelPair.Policy(policy), mode, limits: limits).Open();
        var chunks = ChannelPair.Split(pair.Protect(pair.Client, new byte[100_000])).ToList();
        Assert.All(chunks, c => Assert.InRange(c.Length, 1, 8192));
        Assert.All(chunks.SkipLast(1), c => Assert.InRange(c.Length, 8192 - 15, 8192));
        Assert.All(chunks.SkipLast(1), c => Assert.Equal((byte)'C', c[3]));
        Assert.Equal((byte)'F', chunks[^1][3]);
    }

    [Theory]
    [MemberData(nameof(ChannelPair.Protections), MemberType = typeof(ChannelPair))]
    public void A_change_of_any_byte_of_a_message_is_noticed(string policy, MessageSecurityMode mode)
    {
        if (mode == MessageSecurityMode.None)
        {
            return;
        }

        using var pair = new ChannelPair(ChannelPair.Policy(policy), mode).Open();
        var chunk = pair.Protect(pair.Client, "a body of a message that is longer than one block");
        for (var at = 0; at < chunk.Length; at++)
        {
            var changed = chunk.ToArray();
            changed[at] ^= 0x40;
            Assert.True(pair.Server.Open(changed).Status.IsBad, $"byte {at} of {chunk.Length}");
        }

        // The untouched chunk is still taken: the failures have not moved the sequence.
        Assert.Equal(StatusCode.Good, pair.Server.Open(chunk).Status);
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(4096)]
    public void A_change_of_any_byte_of_an_open_message_gives_one_and_the_same_error(int bits)
    {
        using var pair = new ChannelPair(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt, bits, bits);
        var chunk = pair.ProtectOpen(pair.Client, "open");

        // Every byte is signed, from the message type on.
        for (var at = 0; at < chunk.Length; at += at < 100 ? 1 : 37)
        {
            var changed = chunk.ToArray();
            changed[at] ^= 0x04;
            Assert.Equal(StatusCodes.BadSecurityChecksFailed, pair.Server.OpenAsymmetric(changed).Status);
        }

        for (var length = MessageHeader.Bytes; length < chunk.Length; length += 41)
        {
            Assert.Equal(StatusCodes.BadSecurityChecksFailed, pair.Server.OpenAsymmetric(chunk.AsSpan(0, length).ToArray()).Status);
        }

        Assert.Equal(StatusCode.Good, pair.Server.OpenAsymmetric(chunk).Status);
    }

    [Theory]
    [MemberData(nameof(ChannelPair.Protections), MemberType = typeof(ChannelPair))]
    public void A_cut_message_is_noticed_and_nothing_is_thrown(string policy, MessageSecurityMode mode)
    {
        using var pair = new ChannelPair(ChannelPair.Policy(policy), mode).Open();
        var chunk = pair.Protect(pair.Client, "body");
        for (var length = MessageHeader.Bytes; length < chunk.Length; length++)
        {
            var status = pair.Server.Open(chunk.AsSpan(0, length).ToArray()).Status;

            // Without protection a shorter body is just another body, as long as the headers are there.
            Assert.True(status.IsBad || (mode == MessageSecurityMode.None && length >= 24), $"cut to {length}");
            if (status.IsGood)
            {
                return;
            }
        }
    }

    [Fact]
    public void Random_chunks_are_refused_and_nothing_is_thrown()
    {
        const int seed = 99;
        var random = new Random(seed);
        using var pair = new ChannelPair(SecurityPolicy.Aes256Sha256RsaPss, MessageSecurityMode.SignAndEncrypt).Open();
        var open = pair.ProtectOpen(pair.Client, "open");
        var message = pair.Protect(pair.Client, "message");
        for (var round = 0; round < 2000; round++)
        {
            var chunk = new byte[random.Next(MessageHeader.Bytes, 400)];
            random.NextBytes(chunk);
            message.AsSpan(0, Math.Min(16, chunk.Length)).CopyTo(chunk);
            Assert.True(pair.Server.Open(chunk).Status.IsBad, $"seed {seed}, round {round}");
            random.NextBytes(chunk);
            open.AsSpan(0, Math.Min(random.Next(8, 100), chunk.Length)).CopyTo(chunk);
            Assert.True(pair.Server.OpenAsymmetric(chunk).Status.IsBad, $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public void A_chunk_of_another_channel_or_an_unknown_token_is_refused()
    {
        using var pair = new ChannelPair(SecurityPolicy.None, MessageSecurityMode.None).Open();
        var chunk = pair.Protect(pair.Client, "x");
        chunk[8]++;
        Assert.Equal(StatusCodes.BadTcpSecureChannelUnknown, pair.Server.Open(chunk).Status);
        chunk[8]--;
        chunk[12]++;
        Assert.Equal(StatusCodes.BadSecureChannelTokenUnknown, pair.Server.Open(chunk).Status);
    }

    [Fact]
    public void A_message_of_one_side_does_not_pass_as_one_of_the_other()
    {
        using var pair = new ChannelPair(SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign).Open();
        var chunk = pair.Protect(pair.Client, "to the server");
        Assert.Equal(StatusCodes.BadSecurityChecksFailed, pair.Client.Open(chunk).Status);
    }

    [Fact]
    public void A_message_larger_than_the_other_side_takes_is_not_sent_and_the_channel_goes_on()
    {
        var limits = TransportLimits.Default with { SendMessageBytesMax = 100_000, SendChunkCountMax = 3, SendChunkBytes = 8192 };
        using var pair = new ChannelPair(SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign, limits: limits).Open();
        using var output = new UaWriter();
        Assert.Equal(StatusCodes.BadRequestTooLarge, pair.Client.Protect(MessageType.Message, 1, new byte[100_001], output));
        Assert.Equal(StatusCodes.BadRequestTooLarge, pair.Client.Protect(MessageType.Message, 1, new byte[30_000], output));
        Assert.Equal(StatusCodes.BadResponseTooLarge, pair.Server.Protect(MessageType.Message, 1, new byte[30_000], output));
        Assert.Equal(0, output.Length);
        using var small = new UaWriter(bytesMax: 300);
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, pair.Client.Protect(MessageType.Message, 1, new byte[1000], small));
        pair.Pass(pair.Client, pair.Server, "still in step");
    }

    [Fact]
    public void An_open_message_that_needs_more_than_one_chunk_is_refused()
    {
        var limits = TransportLimits.Default with { SendChunkBytes = 8192 };
        using var pair = new ChannelPair(SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign, limits: limits);
        using var output = new UaWriter();
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, pair.Client.ProtectOpen(1, new byte[9000], output));
        Assert.Equal(0, output.Length);
    }

    [Fact]
    public void An_abort_travels_protected_like_any_chunk()
    {
        using var pair = new ChannelPair(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt).Open();
        using var output = new UaWriter();
        Assert.Equal(StatusCode.Good, pair.Server.ProtectAbort(5, new ErrorMessage(StatusCodes.BadResponseTooLarge, "sorry"), output));
        var chunk = output.WrittenSpan.ToArray();
        Assert.Equal((byte)'A', chunk[3]);
        var opened = pair.Client.Open(chunk);
        Assert.Equal(5u, opened.RequestId);
        Assert.False(ErrorMessage.TryReadBody(chunk.AsSpan(opened.BodyOffset, opened.BodyLength), out var error).IsError);
        Assert.Equal(StatusCodes.BadResponseTooLarge, error!.Status);
    }

    [Fact]
    public void A_mode_that_does_not_go_with_the_policy_is_refused_and_never_changed_later()
    {
        using var plain = Make(SecurityPolicy.None, null);
        Assert.Equal(StatusCodes.BadSecurityModeRejected, plain.TrySetMode(MessageSecurityMode.Sign));
        Assert.Equal(StatusCodes.BadSecurityModeRejected, plain.TrySetMode(MessageSecurityMode.Invalid));
        Assert.Equal(StatusCode.Good, plain.TrySetMode(MessageSecurityMode.None));
        using var secured = Make(SecurityPolicy.Basic256Sha256, TestCertificates.Client());
        Assert.Equal(StatusCodes.BadSecurityModeRejected, secured.TrySetMode(MessageSecurityMode.None));
        Assert.Throws<InvalidOperationException>(() => secured.Install(new ChannelToken(1, 1, 1000), new byte[32], new byte[32]));
        Assert.Equal(StatusCode.Good, secured.TrySetMode(MessageSecurityMode.SignAndEncrypt));
        Assert.Equal(StatusCode.Good, secured.TrySetMode(MessageSecurityMode.SignAndEncrypt));
        Assert.Equal(StatusCodes.BadSecurityModeRejected, secured.TrySetMode(MessageSecurityMode.Sign));
        Assert.Throws<ArgumentException>(() => Make(SecurityPolicy.Basic256Sha256, null));

        static SecureChannel Make(SecurityPolicy policy, ApplicationCertificate? own) => new(
            ChannelRole.Client, policy, own, own is null ? null : TestCertificates.AsPeer(own), TransportLimits.Default, TimeProvider.System);
    }

    [Fact]
    public void A_server_learns_policy_and_certificate_before_and_the_mode_after_opening()
    {
        var client = TestCertificates.Client();
        var server = TestCertificates.Server();
        using var sender = new SecureChannel(
            ChannelRole.Client, SecurityPolicy.Aes256Sha256RsaPss, client, TestCertificates.AsPeer(server), TransportLimits.Default, TimeProvider.System);
        using var body = new UaWriter();
        ServiceCodec.Encode(body, new OpenSecureChannelRequest { SecurityMode = MessageSecurityMode.Sign, ClientNonce = sender.NewNonce() });
        using var output = new UaWriter();
        sender.ProtectOpen(1, body.WrittenSpan, output);
        var chunk = output.WrittenSpan.ToArray();

        Assert.False(AsymmetricHeader.TryRead(chunk, out var header).IsError);
        Assert.True(SecurityPolicy.TryFind(header!.PolicyUri, out var policy));
        Assert.True(PeerCertificate.TryParse(header.SenderCertificate, out var peer));
        Assert.Equal(client.Thumbprint, peer.Leaf.Thumbprint);
        using var receiver = new SecureChannel(ChannelRole.Server, policy, server, peer, TransportLimits.Default, TimeProvider.System);
        var opened = receiver.OpenAsymmetric(chunk);
        Assert.Equal(StatusCode.Good, opened.Status);
        var decoded = ServiceCodec.Decode(chunk.AsSpan(opened.BodyOffset, opened.BodyLength), DecodeLimits.Default);
        var request = Assert.IsType<OpenSecureChannelRequest>(decoded.Message);
        Assert.Equal(StatusCode.Good, receiver.TrySetMode(request.SecurityMode));
        Assert.True(receiver.IsNonceValid(request.ClientNonce));
    }

    [Fact]
    public void A_nonce_of_the_wrong_length_is_noticed_before_it_is_used()
    {
        using var pair = new ChannelPair(SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign);
        Assert.False(pair.Client.IsNonceValid(null));
        Assert.False(pair.Client.IsNonceValid(new byte[31]));
        Assert.True(pair.Client.IsNonceValid(new byte[32]));
        Assert.Equal(32, pair.Client.NewNonce()!.Length);
        Assert.NotEqual(pair.Client.NewNonce(), pair.Client.NewNonce());
        Assert.Throws<ArgumentException>(() => pair.Client.Install(new ChannelToken(1, 1, 1000), new byte[32], new byte[31]));
    }
}
