using System.Diagnostics.CodeAnalysis;

namespace ZfRepl.OpcUa.Client;

/// <summary>Reads <c>opc.tcp://host:port/path</c>.</summary>
internal static class EndpointAddress
{
    private const int DefaultPort = 4840;

    public static bool TryParse(string? url, [NotNullWhen(true)] out string? host, out int port)
    {
        host = null;
        port = DefaultPort;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != "opc.tcp" || uri.Host.Length == 0)
        {
            return false;
        }

        host = uri.DnsSafeHost;
        port = uri.Port > 0 ? uri.Port : DefaultPort;
        return true;
    }
}
