using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Security;

/// <summary>Renewal of the token and the sequence numbers, on both sides.</summary>
public sealed class ChannelTokenTests
{
    private const uint LifetimeMs = 60_000;

    private readonly ManualTime _time = new();

    [Theory]
    [MemberData(nameof(ChannelPair.Protections), MemberType = typeof(ChannelPair))]
    public void After_a_renewal_the_client_changes_at_once_and_the_server_when_it_sees_that(string policy, MessageSecurityMode mode)
    {
        using var pair = Opened(policy, mode);
        pair.Open(LifetimeMs);
        var answerUnderOld = pair.Protect(pair.Server, "answer before the server saw the new token");
        Assert.Equal(10u, TokenOf(answerUnderOld));
        var underNew = pair.Protect(pair.Client, "sent under the new token");
        Assert.Equal(11u, TokenOf(underNew));

        ChannelPair.Text(answerUnderOld, pair.Client.Open(answerUnderOld));
        Assert.Equal(2, pair.Client.TokenCount);
        ChannelPair.Text(underNew, pair.Server.Open(underNew));
        Assert.Equal(1, pair.Server.TokenCount);
        var answerUnderNew = pair.Protect(pair.Server, "answer under the new token");
        Assert.Equal(11u, TokenOf(answerUnderNew));
        ChannelPair.Text(answerUnderNew, pair.Client.Open(answerUnderNew));
        Assert.Equal(1, pair.Client.TokenCount);
    }

    [Fact]
    public void A_message_under_the_old_token_is_taken_until_the_new_one_was_seen()
    {
        using var pair = Opened("Basic256Sha256", MessageSecurityMode.SignAndEncrypt);

        // The client has asked for a renewal and goes on under its old token until it has the answer.
        var request = pair.ProtectOpen(pair.Client, "renew");
        var underOld = pair.Protect(pair.Client, "under the old token");
        ChannelPair.Text(request, pair.Server.OpenAsymmetric(request));
        pair.Server.Install(new ChannelToken(77, 11, LifetimeMs), pair.Client.NewNonce(), pair.Server.NewNonce());
        Assert.Equal("under the old token", ChannelPair.Text(underOld, pair.Server.Open(underOld)));
        Assert.Equal(2, pair.Server.TokenCount);
    }

    [Fact]
    public void Once_the_new_token_was_used_the_old_one_is_refused()
    {
        using var pair = Opened("Basic256Sha256", MessageSecurityMode.Sign);
        var old = pair.Protect(pair.Server, "old");
        pair.Client.Open(old);
        pair.Open(LifetimeMs);
        pair.Pass(pair.Client, pair.Server, "now the server knows");
        pair.Pass(pair.Server, pair.Client, "and the client too");
        Assert.Equal(StatusCodes.BadSecureChannelTokenUnknown, pair.Client.Open(old).Status);
    }

    [Fact]
    public void A_token_is_taken_a_quarter_past_its_end_and_not_longer()
    {
        using var pair = Opened("Basic256Sha256", MessageSecurityMode.Sign);
        var inTime = pair.Protect(pair.Client, "in time");
        var late = pair.Protect(pair.Client, "late");
        _time.Advance(TimeSpan.FromMilliseconds(LifetimeMs * 1.25));
        Assert.Equal(StatusCode.Good, pair.Server.Open(inTime).Status);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(StatusCodes.BadSecureChannelTokenUnknown, pair.Server.Open(late).Status);
        using var output = new UaWriter();
        Assert.Equal(StatusCodes.BadSecureChannelTokenUnknown, pair.Client.Protect(MessageType.Message, 1, new byte[1], output));
    }

    [Fact]
    public void A_server_leaves_its_old_token_when_that_has_expired()
    {
        using var pair = Opened("Basic256Sha256", MessageSecurityMode.Sign);
        _time.Advance(TimeSpan.FromMilliseconds(LifetimeMs * 0.75));
        pair.Open(LifetimeMs);
        Assert.Equal(10u, TokenOf(pair.Protect(pair.Server, "old")));
        _time.Advance(TimeSpan.FromMilliseconds((LifetimeMs * 0.25) + 1));
        Assert.Equal(11u, TokenOf(pair.Protect(pair.Server, "new")));
    }

    [Fact]
    public void Many_renewals_in_a_row_keep_the_channel_going()
    {
        using var pair = Opened("Aes128_Sha256_RsaOaep", MessageSecurityMode.SignAndEncrypt);
        for (var i = 0; i < 20; i++)
        {
            if (i % 3 != 0)
            {
                pair.Pass(pair.Client, pair.Server, "question");
            }

            if (i % 4 != 0)
            {
                pair.Pass(pair.Server, pair.Client, "answer");
            }

            pair.Open(LifetimeMs);
            Assert.InRange(pair.Client.TokenCount, 1, 2);
            Assert.InRange(pair.Server.TokenCount, 1, 2);
        }
    }

    [Fact]
    public void Sequence_numbers_wrap_only_near_the_end_and_start_again_low()
    {
        Assert.Equal(4294966271u, SequenceNumbers.WrapAbove);
        Assert.Equal(2u, SequenceNumbers.Next(1));
        Assert.Equal(4294966272u, SequenceNumbers.Next(4294966271));
        Assert.Equal(1u, SequenceNumbers.Next(4294966272));
        Assert.True(SequenceNumbers.IsNext(5, 6));
        Assert.False(SequenceNumbers.IsNext(5, 5));
        Assert.False(SequenceNumbers.IsNext(5, 7));
        Assert.False(SequenceNumbers.IsNext(5, 1));
        Assert.True(SequenceNumbers.IsNext(4294966272, 4294966273));
        Assert.True(SequenceNumbers.IsNext(4294966272, 0));
        Assert.True(SequenceNumbers.IsNext(uint.MaxValue, 1023));
        Assert.False(SequenceNumbers.IsNext(uint.MaxValue, 1024));
        Assert.False(SequenceNumbers.IsNext(4294966270, 1));
    }

    [Fact]
    public void A_channel_goes_on_over_the_wrap_of_the_sequence_numbers()
    {
        using var pair = new ChannelPair(
            SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign, time: _time, firstSequenceNumber: uint.MaxValue - 1026).Open(LifetimeMs);
        for (var i = 0; i < 10; i++)
        {
            pair.Pass(pair.Client, pair.Server, "question");
            pair.Pass(pair.Server, pair.Client, "answer");
        }
    }

    [Fact]
    public void A_repeated_or_missing_chunk_ends_the_channel()
    {
        using var pair = Opened("Basic256Sha256", MessageSecurityMode.Sign);
        var first = pair.Protect(pair.Client, "first");
        var second = pair.Protect(pair.Client, "second");
        var third = pair.Protect(pair.Client, "third");
        Assert.Equal(StatusCode.Good, pair.Server.Open(first.ToArray()).Status);
        Assert.Equal(StatusCodes.BadSequenceNumberInvalid, pair.Server.Open(first.ToArray()).Status);
        Assert.Equal(StatusCodes.BadSequenceNumberInvalid, pair.Server.Open(third).Status);
        Assert.Equal(StatusCode.Good, pair.Server.Open(second).Status);
    }

    [Fact]
    public void The_first_number_of_the_other_side_may_be_any()
    {
        using var pair = new ChannelPair(SecurityPolicy.None, MessageSecurityMode.None, firstSequenceNumber: 51_234).Open();
        pair.Pass(pair.Client, pair.Server, "fine");
    }

    private static uint TokenOf(byte[] chunk) => BitConverter.ToUInt32(chunk, 12);

    private ChannelPair Opened(string policy, MessageSecurityMode mode) =>
        new ChannelPair(ChannelPair.Policy(policy), mode, time: _time).Open(LifetimeMs);
}
