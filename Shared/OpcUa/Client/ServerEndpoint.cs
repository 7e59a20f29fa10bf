using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;

namespace ZfRepl.OpcUa.Client;

/// <summary>One way in which a server can be reached.</summary>
/// <param name="Url">The address as the server gives it; its host name may mean nothing here.</param>
/// <param name="Policy">The security policy; null when it is not known here or outdated.</param>
/// <param name="PolicyUri">The policy's URI as the server gave it.</param>
/// <param name="Mode">The security mode.</param>
/// <param name="CertificateThumbprint">SHA-1 of the server's certificate in hexadecimal; null when it has sent none that can be read.</param>
/// <param name="ApplicationUri">What the server calls itself.</param>
/// <param name="UserTokenTypes">How a user may log in: Anonymous, UserName, Certificate, IssuedToken.</param>
public sealed record ServerEndpoint(
    string? Url,
    SecurityPolicy? Policy,
    string? PolicyUri,
    MessageSecurityMode Mode,
    string? CertificateThumbprint,
    string? ApplicationUri,
    IReadOnlyList<string> UserTokenTypes)
{
    internal static ServerEndpoint From(EndpointDescription endpoint)
    {
        string? thumbprint = null;
        if (PeerCertificate.TryParse(endpoint.ServerCertificate, out var certificate))
        {
            thumbprint = certificate.Leaf.Thumbprint;
            certificate.Dispose();
        }

        _ = SecurityPolicy.TryFind(endpoint.SecurityPolicyUri, out var policy);
        return new ServerEndpoint(
            endpoint.EndpointUrl, policy, endpoint.SecurityPolicyUri, endpoint.SecurityMode, thumbprint, endpoint.Server.ApplicationUri,
            [.. endpoint.UserIdentityTokens.Select(t => t.TokenType.ToString()).Distinct(StringComparer.Ordinal)]);
    }
}
