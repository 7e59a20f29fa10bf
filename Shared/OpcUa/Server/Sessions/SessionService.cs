using System.Security.Cryptography;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>CreateSession, ActivateSession and CloseSession (OPC 10000-4, 5.7).</summary>
internal static class SessionService
{
    /// <summary>Names are kept and logged, so they are bounded.</summary>
    private const int NameLengthMax = 1000;

    /// <summary>Called without the gate.</summary>
    public static StatusCode Create(in Caller caller, CreateSessionRequest request)
    {
        var (core, channel) = (caller.Core, caller.Connection.Channel);
        var status = CheckClient(core, channel, request);
        if (status.IsBad)
        {
            return status;
        }

        // The signature takes long, so it is made before the gate is taken.
        var signature = SessionSignature.Create(channel.Policy, core.Options.Certificate, request.ClientCertificate, request.ClientNonce);
        caller.Connection.LimitResponses(request.MaxResponseMessageSize);
        lock (core.Gate)
        {
            if (core.Sessions.IsFull)
            {
                return StatusCodes.BadTooManySessions;
            }

            var session = new ServerSession(core, caller.Connection, core.Sessions.NextId(), SessionTable.NewToken())
            {
                Name = request.SessionName,
                ApplicationUri = request.ClientDescription.ApplicationUri,
                Certificate = HashOf(channel.Peer),
                Policy = channel.Policy,
                Mode = channel.Mode,
                Timeout = TimeoutOf(core.Options, request.RequestedSessionTimeout),
                ResponseBytesMax = request.MaxResponseMessageSize,
                Nonce = NewNonce(),
            };
            core.Sessions.Add(session);
            return caller.Answer(new CreateSessionResponse
            {
                SessionId = session.Id,
                AuthenticationToken = session.Token,
                RevisedSessionTimeout = session.Timeout.TotalMilliseconds,
                ServerNonce = session.Nonce,
                ServerCertificate = core.Options.Certificate?.RawData,
                ServerEndpoints = core.Endpoints.Describe(request.EndpointUrl),
                ServerSignature = new SignatureData(channel.Policy.SignatureUri, signature),
                MaxRequestMessageSize = (uint)core.Options.RequestBytesMax,
            });
        }
    }

    /// <summary>
    /// Called without the gate. A session may come from another connection of the same client: it proves that by its certificate and a
    /// signature over the last nonce, or, where nothing is protected, by the token alone.
    /// </summary>
    public static StatusCode Activate(in Caller caller, ActivateSessionRequest request)
    {
        var (core, connection) = (caller.Core, caller.Connection);
        ServerSession? session;
        byte[] nonce;
        lock (core.Gate)
        {
            if (!core.Sessions.TryFind(caller.Header.AuthenticationToken, out session))
            {
                return StatusCodes.BadSessionIdInvalid;
            }

            nonce = session.Nonce;
        }

        var status = Authenticate(core, connection, session, nonce, request, out var user);
        if (status.IsBad)
        {
            ServerLog.ActivationRefused(core.Logger, session.ApplicationUri, status.ToString());
            return status;
        }

        var identity = new ClientIdentity(session.ApplicationUri, session.Certificate, user);
        lock (core.Gate)
        {
            if (!core.Sessions.TryFind(session.Token, out _))
            {
                return StatusCodes.BadSessionClosed;
            }

            // Somebody else has used the nonce meanwhile.
            if (session.Nonce != nonce)
            {
                return StatusCodes.BadNonceInvalid;
            }

            if (session.Identity is { } before && before != identity)
            {
                return StatusCodes.BadIdentityChangeNotSupported;
            }

            session.Activate(connection, identity, NewNonce());
            connection.LimitResponses(session.ResponseBytesMax);
            ServerLog.SessionActivated(core.Logger, session.Name, session.ApplicationUri, user ?? "nobody in particular");
            return caller.Answer(new ActivateSessionResponse { ServerNonce = session.Nonce });
        }
    }

    /// <summary>Called under the gate.</summary>
    public static StatusCode Close(in Caller caller, ServerSession session, CloseSessionRequest request)
    {
        caller.Core.Sessions.Remove(session, request.DeleteSubscriptions, StatusCodes.BadSessionClosed);
        return caller.Answer(new CloseSessionResponse());
    }

    private static StatusCode CheckClient(ServerCore core, SecureChannel channel, CreateSessionRequest request)
    {
        if (!core.Endpoints.Offers(channel.Policy, channel.Mode))
        {
            return StatusCodes.BadSecurityPolicyRejected;
        }

        if (request.SessionName?.Length > NameLengthMax || request.ClientDescription.ApplicationUri?.Length > NameLengthMax)
        {
            return StatusCodes.BadInvalidArgument;
        }

        if (channel.Policy.IsNone)
        {
            return StatusCode.Good;
        }

        if (request.ClientNonce is not { Length: >= SecurityPolicy.NonceBytes })
        {
            return StatusCodes.BadNonceInvalid;
        }

        if (!PeerCertificate.LeafOf(request.ClientCertificate).SequenceEqual(channel.Peer!.LeafBytes))
        {
            return StatusCodes.BadCertificateInvalid;
        }

        return SubjectNames.Read(channel.Peer.Leaf).ApplicationUri == request.ClientDescription.ApplicationUri
            ? StatusCode.Good
            : StatusCodes.BadCertificateUriInvalid;
    }

    private static StatusCode Authenticate(
        ServerCore core, ServerConnection connection, ServerSession session, byte[] nonce, ActivateSessionRequest request, out string? user)
    {
        user = null;
        var channel = connection.Channel;
        var isSameClient = session.Policy == channel.Policy && session.Mode == channel.Mode && session.Certificate == HashOf(channel.Peer);
        if (!isSameClient || (session.Identity is null && session.Creator != connection))
        {
            return StatusCodes.BadSecureChannelIdInvalid;
        }

        var signature = request.ClientSignature;
        var status = SessionSignature.Verify(
            channel.Policy, channel.Peer, core.Options.Certificate?.RawData, nonce, signature.Algorithm, signature.Signature);
        return status.IsBad ? status : core.Users.Check(request.UserIdentityToken, channel.Policy, nonce, out user);
    }

    private static string? HashOf(PeerCertificate? certificate) =>
        certificate is null ? null : Convert.ToHexString(SHA256.HashData(certificate.LeafBytes));

    private static byte[] NewNonce() => RandomNumberGenerator.GetBytes(SecurityPolicy.NonceBytes);

    private static TimeSpan TimeoutOf(UaServerOptions options, double requestedMs)
    {
        var (least, greatest) = (options.SessionTimeoutMin.TotalMilliseconds, options.SessionTimeoutMax.TotalMilliseconds);
        var isStated = requestedMs > 0;
        return TimeSpan.FromMilliseconds(isStated ? Math.Clamp(requestedMs, least, greatest) : greatest);
    }
}
