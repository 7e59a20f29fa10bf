using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>A session that an earlier connection has left, with the server that it belongs to.</summary>
/// <param name="ServerUri">The server's application URI.</param>
/// <param name="Thumbprint">Its certificate; empty when it has none.</param>
/// <param name="Session">The session.</param>
internal sealed record FormerSession(string ServerUri, string Thumbprint, SessionHandle Session);

/// <summary>The steps from an address to a session in use: discovery, choice, channel, session, first look around.</summary>
internal sealed class SessionConnector(UaClientOptions options, ILogger logger, TimeProvider time)
{
    private const int ClientNonceBytes = 32;

    /// <summary>What the options alone can be blamed for; no retry cures it.</summary>
    public static UaError? FindMisconfiguration(UaClientOptions options)
    {
        var problem = !EndpointAddress.TryParse(options.EndpointUrl, out _, out _) ? $"'{options.EndpointUrl}' is no opc.tcp URL"
            : options.Policy.IsNone != (options.Mode == MessageSecurityMode.None)
                ? $"policy {options.Policy} does not go with mode {options.Mode}"
            : options.Policy.IsNone ? null
            : options.Certificate is null ? $"policy {options.Policy} needs a certificate of this application"
            : options.Validator is null ? $"policy {options.Policy} needs a trust list to judge the server by"
            : options.Certificate.ApplicationUri != options.ApplicationUri
                ? $"the certificate names '{options.Certificate.ApplicationUri}', not '{options.ApplicationUri}'"
            : null;
        return problem is null ? null : new UaError(StatusCodes.BadConfigurationError, problem);
    }

    /// <summary>
    /// Connects; goes on with <paramref name="former"/> if the server lets it, else makes a new session.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<UaResult<Session>> ConnectAsync(FormerSession? former, CancellationToken cancellationToken)
    {
        if (FindMisconfiguration(options) is { } misconfiguration)
        {
            return misconfiguration;
        }

        var endpoints = await EndpointChoice.DiscoverAsync(options.EndpointUrl, options.RequestTimeout, logger, time, cancellationToken);
        if (endpoints.Error is { } undiscovered)
        {
            return undiscovered;
        }

        var chosen = EndpointChoice.Choose(options, endpoints.Value);
        if (chosen.Error is { } unfit)
        {
            return unfit;
        }

        var choice = chosen.Value;
        if (choice.Judge(options, logger) is { } verdict)
        {
            return verdict;
        }

        var parameters = new ChannelParameters(
            options.EndpointUrl, options.Policy, options.Mode, options.Policy.IsNone ? null : options.Certificate,
            options.Policy.IsNone ? null : choice.Endpoint.ServerCertificate,
            () => options.Policy.IsNone ? null : choice.Judge(options, logger),
            options.ChannelLifetime, options.RequestTimeout);
        var opened = await ClientChannel.OpenAsync(parameters, logger, time, cancellationToken);
        if (opened.Error is { } closed)
        {
            return closed;
        }

        var channel = opened.Value;
        UaResult<Session> session = UaErrors.Closed("cancelled");
        try
        {
            session = await StartAsync(channel, choice, former, cancellationToken);
            return session;
        }
        finally
        {
            if (!session.IsOk)
            {
                await channel.DisposeAsync();
            }
        }
    }

    private async Task<UaResult<Session>> StartAsync(
        ClientChannel channel, EndpointChoice choice, FormerSession? former, CancellationToken cancellationToken)
    {
        var serverUri = choice.Endpoint.Server.ApplicationUri ?? "";
        UaResult<SessionHandle>? resumed = null;
        if (former is not null && former.ServerUri == serverUri && former.Thumbprint == choice.Thumbprint)
        {
            resumed = await ActivateAsync(channel, choice, former.Session, cancellationToken);
            if (resumed.Value.Error is { } refusal)
            {
                if (refusal.IsPassing() || channel.Ended.IsCancellationRequested)
                {
                    return refusal;
                }

                ClientLog.SessionRefused(logger, refusal.ToString());
                resumed = null;
            }
        }

        var activated = resumed ?? await CreateAsync(channel, choice, cancellationToken);
        if (activated.Error is { } error)
        {
            return error;
        }

        var session = new Session(channel, activated.Value, new ServerIdentity(serverUri, choice.Thumbprint), resumed is not null, time);
        return await session.LookAroundAsync(cancellationToken) is { } failure ? failure : session;
    }

    private async Task<UaResult<SessionHandle>> CreateAsync(ClientChannel channel, EndpointChoice choice, CancellationToken cancellationToken)
    {
        var nonce = RandomNumberGenerator.GetBytes(ClientNonceBytes);
        var own = channel.Policy.IsNone ? null : options.Certificate!.RawData;
        var answer = await channel.CallAsync<CreateSessionRequest, CreateSessionResponse>(
            NodeId.Null,
            new CreateSessionRequest
            {
                ClientDescription = new ApplicationDescription
                {
                    ApplicationUri = options.ApplicationUri,
                    ProductUri = options.ApplicationUri,
                    ApplicationName = new LocalizedText(options.ApplicationName),
                    ApplicationType = ApplicationType.Client,
                },
                EndpointUrl = choice.Endpoint.EndpointUrl ?? options.EndpointUrl,
                SessionName = options.ApplicationName,
                ClientNonce = nonce,
                ClientCertificate = own,
                RequestedSessionTimeout = options.SessionTimeout.TotalMilliseconds,
            },
            cancellationToken);
        if (answer.Error is { } refusal)
        {
            return refusal;
        }

        var created = answer.Value;
        var signature = SessionSignature.Verify(
            channel.Policy, channel.Peer, own, nonce, created.ServerSignature.Algorithm, created.ServerSignature.Signature);
        if (signature.IsBad)
        {
            return new UaError(signature, "the server did not prove that it owns its certificate");
        }

        if (choice.FindDowngrade(created.ServerEndpoints, created.ServerCertificate) is { } downgrade)
        {
            return downgrade;
        }

        var timeout = double.IsFinite(created.RevisedSessionTimeout) && created.RevisedSessionTimeout > 0
            ? TimeSpan.FromMilliseconds(Math.Clamp(created.RevisedSessionTimeout, 1000, TimeSpan.FromDays(30).TotalMilliseconds))
            : options.SessionTimeout;
        var handle = new SessionHandle(created.SessionId, created.AuthenticationToken, created.ServerNonce, timeout);
        return await ActivateAsync(channel, choice, handle, cancellationToken);
    }

    /// <summary>The first activation of a session, or one over a new channel.</summary>
    private async Task<UaResult<SessionHandle>> ActivateAsync(
        ClientChannel channel, EndpointChoice choice, SessionHandle handle, CancellationToken cancellationToken)
    {
        var token = UserToken.Create(options, choice, handle.ServerNonce);
        if (token.Error is { } impossible)
        {
            return impossible;
        }

        var signature = SessionSignature.Create(channel.Policy, options.Certificate, choice.Endpoint.ServerCertificate, handle.ServerNonce);
        var answer = await channel.CallAsync<ActivateSessionRequest, ActivateSessionResponse>(
            handle.AuthenticationToken,
            new ActivateSessionRequest
            {
                ClientSignature = new SignatureData(channel.Policy.SignatureUri, signature),
                UserIdentityToken = token.Value,
            },
            cancellationToken);
        if (answer.Error is { } refusal)
        {
            return refusal;
        }

        return channel.Policy.IsNone || answer.Value.ServerNonce?.Length >= SecurityPolicy.NonceBytes
            ? handle.WithNonce(answer.Value.ServerNonce)
            : new UaError(StatusCodes.BadNonceInvalid, "the server's nonce is too short");
    }
}
