using System.Net;
using System.Security.Cryptography;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>The server's side of OpenSecureChannel for one connection (OPC 10000-4, 5.6.2): opens the channel once, then renews it.</summary>
internal sealed class ChannelAcceptor(ServerCore core, SecureConnection connection, TransportLimits limits, EndPoint? remote)
{
    /// <summary>A token may be met this much past its end.</summary>
    private const double LifetimeWithGrace = 1.25;

    private static uint _lastChannelId;

    private uint _lastTokenId;
    private long _renewedAt;
    private double _lifetimeMs;

    /// <summary>True when the client has let the last token run out.</summary>
    public bool IsExpired => Volatile.Read(ref _lifetimeMs) is > 0 and var lifetimeMs
        && core.Time.GetElapsedTime(Volatile.Read(ref _renewedAt)).TotalMilliseconds > lifetimeMs * LifetimeWithGrace;

    /// <summary>Takes an OPN chunk.</summary>
    /// <returns>Good with the response to send; else why the connection must end.</returns>
    public (StatusCode Status, string? Reason) Open(Span<byte> chunk, out uint requestId, out OpenSecureChannelResponse? response)
    {
        requestId = 0;
        response = null;
        var error = AsymmetricHeader.TryRead(chunk, out var header);
        if (header is null)
        {
            return (StatusCodes.BadSecurityChecksFailed, "the header of OPN cannot be read: " + error);
        }

        var isNew = connection.Channel is null;
        var (status, reason) = isNew ? Attach(header) : CheckAgain(header);
        if (status.IsBad)
        {
            return (status, reason);
        }

        var channel = connection.Channel!;
        var opened = channel.OpenAsymmetric(chunk);
        if (opened.Status.IsBad)
        {
            return (opened.Status, "OPN failed verification");
        }

        requestId = opened.RequestId;
        var decoded = ServiceCodec.Decode(chunk.Slice(opened.BodyOffset, opened.BodyLength), DecodeLimits.Default);
        return decoded.Message is OpenSecureChannelRequest request
            ? Grant(channel, request, isNew, out response)
            : (StatusCodes.BadDecodingError, "OPN carries no OpenSecureChannel request: " + decoded.Error);
    }

    /// <summary>Judges the client and makes the channel; its keys are not proven yet.</summary>
    private (StatusCode Status, string? Reason) Attach(AsymmetricHeader header)
    {
        if (header.ChannelId != 0)
        {
            return (StatusCodes.BadTcpSecureChannelUnknown, "a new connection asks for an old channel");
        }

        if (!SecurityPolicy.TryFind(header.PolicyUri, out var policy) || !core.Endpoints.AllowsChannel(policy))
        {
            return (StatusCodes.BadSecurityPolicyRejected, $"policy '{header.PolicyUri}' is not offered");
        }

        PeerCertificate? peer = null;
        if (!policy.IsNone)
        {
            var (status, reason) = Judge(header, out peer);
            if (status.IsBad)
            {
                peer?.Dispose();
                return (status, reason);
            }
        }

        connection.Attach(new SecureChannel(
            ChannelRole.Server, policy, policy.IsNone ? null : core.Options.Certificate, peer, limits, core.Time));
        return default;
    }

    /// <summary>A renewal comes from the same client, who must still be trusted.</summary>
    private (StatusCode Status, string? Reason) CheckAgain(AsymmetricHeader header)
    {
        var channel = connection.Channel!;
        if (header.PolicyUri != channel.Policy.Uri)
        {
            return (StatusCodes.BadSecurityPolicyRejected, "a renewal may not change the policy");
        }

        if (channel.Policy.IsNone)
        {
            return default;
        }

        var (status, reason) = Judge(header, out var peer);
        using (peer)
        {
            return status.IsGood && !peer!.LeafBytes.SequenceEqual(channel.Peer!.LeafBytes)
                ? (StatusCodes.BadSecurityChecksFailed, "a renewal with another certificate")
                : (status, reason);
        }
    }

    private (StatusCode Status, string? Reason) Judge(AsymmetricHeader header, out PeerCertificate? peer)
    {
        peer = null;
        if (!CryptographicOperations.FixedTimeEquals(header.ReceiverThumbprint, core.Options.Certificate!.ThumbprintBytes))
        {
            return (StatusCodes.BadSecurityChecksFailed, "OPN was encrypted for another certificate");
        }

        var verdict = core.Options.Validator!.Validate(header.SenderCertificate, new ExpectedPeer(null, null), out peer);
        if (verdict.AcceptedAnyway)
        {
            ServerLog.CertificateAcceptedAnyway(core.Logger, remote, verdict.Detail);
        }
        else if (!verdict.IsAccepted)
        {
            ServerLog.CertificateRefused(core.Logger, remote, verdict.Detail);
        }

        return verdict.IsAccepted && peer is not null ? default : (StatusOf(verdict), verdict.Detail);
    }

    /// <summary>Who is not trusted learns no more than that (OPC 10000-4, 6.1.3).</summary>
    private static StatusCode StatusOf(in CertificateVerdict verdict) =>
        verdict.Status.IsBad ? StatusCodes.BadSecurityChecksFailed : StatusCodes.BadCertificateInvalid;

    private (StatusCode Status, string? Reason) Grant(
        SecureChannel channel, OpenSecureChannelRequest request, bool isNew, out OpenSecureChannelResponse? response)
    {
        response = null;
        if (request.RequestType != (isNew ? SecurityTokenRequestType.Issue : SecurityTokenRequestType.Renew))
        {
            return (StatusCodes.BadRequestTypeInvalid, "Issue on an open channel, or Renew on a new one");
        }

        var isOffered = channel.Policy.IsNone || core.Endpoints.Offers(channel.Policy, request.SecurityMode);
        if (!isOffered || channel.TrySetMode(request.SecurityMode).IsBad)
        {
            return (StatusCodes.BadSecurityModeRejected, $"mode {request.SecurityMode} is not offered with {channel.Policy}");
        }

        if (!channel.IsNonceValid(request.ClientNonce))
        {
            return (StatusCodes.BadNonceInvalid, "the client's nonce has not the length that the policy demands");
        }

        var (least, greatest) = (core.Options.TokenLifetimeMin.TotalMilliseconds, core.Options.TokenLifetimeMax.TotalMilliseconds);
        var lifetimeMs = request.RequestedLifetime == 0 ? greatest : Math.Clamp(request.RequestedLifetime, least, greatest);
        var channelId = isNew ? NextChannelId() : channel.ChannelId;
        _lastTokenId = _lastTokenId == uint.MaxValue ? 1 : _lastTokenId + 1;
        var token = new ChannelSecurityToken(channelId, _lastTokenId, UaDateTime.From(core.Time.GetUtcNow()), (uint)lifetimeMs);
        var nonce = channel.NewNonce();
        channel.Install(token.ToToken(), channel.Policy.IsNone ? null : request.ClientNonce, nonce);
        Volatile.Write(ref _renewedAt, core.Time.GetTimestamp());
        Volatile.Write(ref _lifetimeMs, lifetimeMs);
        response = new OpenSecureChannelResponse
        {
            Header = new ResponseHeader { RequestHandle = request.Header.RequestHandle },
            SecurityToken = token,
            ServerNonce = nonce,
        };
        return default;
    }

    private static uint NextChannelId()
    {
        var id = Interlocked.Increment(ref _lastChannelId);
        return id == 0 ? Interlocked.Increment(ref _lastChannelId) : id;
    }
}
