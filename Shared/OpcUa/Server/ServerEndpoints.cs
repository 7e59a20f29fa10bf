using System.Globalization;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>What the server tells of its endpoints (OPC 10000-4, 5.5). Thread-safe.</summary>
internal sealed class ServerEndpoints(UaServerOptions options, UserAuthenticator users)
{
    private const string TransportProfile = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary";

    /// <summary>The port that the server listens on.</summary>
    public int Port { get; set; }

    public bool Offers(SecurityPolicy policy, MessageSecurityMode mode) => options.Endpoints.Any(e => e.Policy == policy && e.Mode == mode);

    /// <summary>True when a channel may be opened this way, if only to look for endpoints.</summary>
    public bool AllowsChannel(SecurityPolicy policy) => policy.IsNone || options.Endpoints.Any(e => e.Policy == policy);

    /// <summary>All endpoints, under the host name by which the client has found this server.</summary>
    public EndpointDescription[] Describe(string? requestedUrl)
    {
        var url = UrlFor(requestedUrl);
        var server = DescribeServer(url);
        return
        [
            .. options.Endpoints.Select(e => new EndpointDescription
            {
                EndpointUrl = url,
                Server = server,
                ServerCertificate = options.Certificate?.RawData,
                SecurityMode = e.Mode,
                SecurityPolicyUri = e.Policy.Uri,
                UserIdentityTokens = users.PoliciesOf(e.Policy),
                TransportProfileUri = TransportProfile,
                SecurityLevel = LevelOf(e.Policy, e.Mode),
            }),
        ];
    }

    public ApplicationDescription DescribeServer(string? requestedUrl) => new()
    {
        ApplicationUri = options.ApplicationUri,
        ProductUri = options.ApplicationUri,
        ApplicationName = new LocalizedText(options.ApplicationName),
        ApplicationType = ApplicationType.Server,
        DiscoveryUrls = [UrlFor(requestedUrl)],
    };

    /// <summary>The stronger the policy and the mode, the higher.</summary>
    private static byte LevelOf(SecurityPolicy policy, MessageSecurityMode mode)
    {
        var strength = SecurityPolicy.All.TakeWhile(p => p != policy).Count();
        return (byte)((10 * strength) + (int)mode);
    }

    private string UrlFor(string? requestedUrl)
    {
        var known = Uri.TryCreate(requestedUrl, UriKind.Absolute, out var uri) && uri.Scheme == "opc.tcp"
            && uri.HostNameType != UriHostNameType.Unknown && uri.Host.Length > 0;
        var host = known ? uri!.Host : options.Address.ToString();
        return string.Create(CultureInfo.InvariantCulture, $"opc.tcp://{host}:{Port}{options.Path}");
    }
}
