using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>The endpoint that the options ask for, with its certificate judged. Nothing weaker is ever taken instead.</summary>
/// <param name="Endpoint">The endpoint as the server described it.</param>
/// <param name="Token">How the user logs in there.</param>
/// <param name="TokenPolicy">What protects the user's secret.</param>
internal sealed record EndpointChoice(EndpointDescription Endpoint, UserTokenPolicy Token, SecurityPolicy TokenPolicy)
{
    private const string UaTcpProfile = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary";
    private const int NamedEndpointsMax = 12;

    /// <summary>SHA-256 over the server's certificate in hexadecimal; empty when there is none.</summary>
    public string Thumbprint => Endpoint.ServerCertificate is { Length: > 0 } der
        ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(PeerCertificate.LeafOf(der)))
        : "";

    /// <summary>Asks the server for its endpoints over a channel without security.</summary>
    public static async Task<UaResult<EndpointDescription[]>> DiscoverAsync(
        string endpointUrl, TimeSpan timeout, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        var parameters = new ChannelParameters(
            endpointUrl, SecurityPolicy.None, MessageSecurityMode.None, null, null, static () => null, TimeSpan.FromMinutes(10), timeout);
        var opened = await ClientChannel.OpenAsync(parameters, logger, time, cancellationToken);
        if (opened.Error is { } error)
        {
            return error;
        }

        await using var channel = opened.Value;
        var answer = await channel.CallAsync<GetEndpointsRequest, GetEndpointsResponse>(
            NodeId.Null, new GetEndpointsRequest { EndpointUrl = endpointUrl }, cancellationToken);
        await channel.CloseAsync();
        return answer.Error is { } refusal ? refusal : answer.Value.Endpoints;
    }

    /// <summary>Finds what the options ask for.</summary>
    /// <returns>An error that names what there is instead.</returns>
    public static UaResult<EndpointChoice> Choose(UaClientOptions options, EndpointDescription[] endpoints)
    {
        var fitting = endpoints
            .Where(e => e.SecurityPolicyUri == options.Policy.Uri && e.SecurityMode == options.Mode)
            .Where(e => string.IsNullOrEmpty(e.TransportProfileUri) || e.TransportProfileUri == UaTcpProfile)
            .ToList();
        if (fitting.Count == 0)
        {
            var offered = endpoints.Take(NamedEndpointsMax).Select(e => $"{PolicyName(e.SecurityPolicyUri)}/{e.SecurityMode}");
            return new UaError(
                StatusCodes.BadSecurityPolicyRejected,
                $"the server does not offer {options.Policy}/{options.Mode} but {string.Join(", ", offered.Distinct(StringComparer.Ordinal))}");
        }

        UaError? problem = null;
        foreach (var endpoint in fitting)
        {
            var choice = ChooseToken(options, endpoint);
            if (choice.IsOk)
            {
                return choice;
            }

            problem ??= choice.Error;
        }

        return problem!;
    }

    /// <summary>Judges the server's certificate, as far as it is going to be used.</summary>
    public UaError? Judge(UaClientOptions options, ILogger logger)
    {
        var isUsed = !options.Policy.IsNone || (options.UserName is not null && !TokenPolicy.IsNone);
        if (!isUsed)
        {
            return null;
        }

        if (options.Validator is null)
        {
            ClientLog.CertificateNotJudged(logger);
            return null;
        }

        _ = EndpointAddress.TryParse(options.EndpointUrl, out var host, out _);
        var verdict = options.Validator.Validate(
            Endpoint.ServerCertificate ?? [], new ExpectedPeer(Endpoint.Server.ApplicationUri, host), out var certificate);
        certificate?.Dispose();
        if (verdict.AcceptedAnyway)
        {
            ClientLog.AcceptedForTests(logger, verdict.Detail);
        }

        return verdict.IsAccepted ? null : new UaError(verdict.Status, $"the server's certificate is not accepted: {verdict.Detail}");
    }

    /// <summary>
    /// Compares with what the server says over the secure channel: an endpoint list that was tampered with on its way, to talk us into less
    /// security, is found here (OPC 10000-4, 5.7.2).
    /// </summary>
    public UaError? FindDowngrade(EndpointDescription[] again, byte[]? sessionCertificate)
    {
        if (Endpoint.SecurityMode == MessageSecurityMode.None)
        {
            return null;
        }

        if (!PeerCertificate.LeafOf(sessionCertificate).SequenceEqual(PeerCertificate.LeafOf(Endpoint.ServerCertificate)))
        {
            return new UaError(StatusCodes.BadSecurityChecksFailed, "the session's certificate is not that of the channel");
        }

        var confirmed = again.Any(e => e.SecurityPolicyUri == Endpoint.SecurityPolicyUri && e.SecurityMode == Endpoint.SecurityMode
            && e.UserIdentityTokens.Any(t => t.PolicyId == Token.PolicyId && t.TokenType == Token.TokenType
                && (t.SecurityPolicyUri ?? "") == (Token.SecurityPolicyUri ?? "")));
        return confirmed
            ? null
            : new UaError(StatusCodes.BadSecurityChecksFailed, "the server's endpoints over the secure channel are not those it gave before");
    }

    private static UaResult<EndpointChoice> ChooseToken(UaClientOptions options, EndpointDescription endpoint)
    {
        var type = options.UserName is null ? UserTokenType.Anonymous : UserTokenType.UserName;
        var tokens = endpoint.UserIdentityTokens.Where(t => t.TokenType == type).ToList();
        if (tokens.Count == 0)
        {
            return new UaError(
                StatusCodes.BadIdentityTokenRejected,
                $"the server takes no {(type == UserTokenType.Anonymous ? "anonymous user" : "user name")} at this endpoint");
        }

        var choices = new List<EndpointChoice>();
        foreach (var token in tokens)
        {
            var uri = string.IsNullOrEmpty(token.SecurityPolicyUri) ? endpoint.SecurityPolicyUri : token.SecurityPolicyUri;
            if (SecurityPolicy.TryFind(uri, out var policy))
            {
                choices.Add(new EndpointChoice(endpoint, token, policy));
            }
        }

        var isSafe = type == UserTokenType.Anonymous || endpoint.SecurityMode == MessageSecurityMode.SignAndEncrypt;
        var best = choices.Find(c => !c.TokenPolicy.IsNone) ?? (isSafe ? choices.FirstOrDefault() : null);
        if (best is not null)
        {
            return best;
        }

        return choices.Count > 0
            ? new UaError(StatusCodes.BadIdentityTokenRejected, "the password would travel in clear text; use mode SignAndEncrypt")
            : new UaError(StatusCodes.BadIdentityTokenRejected, "the password would have to be encrypted with a policy that is not known here");
    }

    private static string PolicyName(string? uri) => uri is null ? "?" : uri[(uri.LastIndexOf('#') + 1)..];
}
