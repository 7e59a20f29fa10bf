using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ZfRepl.Hosting.Configuration;

/// <summary>A host name or address with a TCP port.</summary>
/// <param name="Host">Name, IPv4 address, or IPv6 address without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
public readonly record struct HostPort(string Host, int Port)
{
    /// <summary><c>host:port</c>, with brackets around an IPv6 address.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");

    /// <summary>Reads <c>host:port</c>, <c>[ipv6]:port</c>, or without a port when there is a default.</summary>
    /// <param name="text">The text as written.</param>
    /// <param name="defaultPort">The port of an entry without one; null makes the port required.</param>
    /// <param name="value">The result when it is true.</param>
    /// <param name="reason">What is wrong when it is false.</param>
    internal static bool TryParse(string text, int? defaultPort, out HostPort value, [NotNullWhen(false)] out string? reason)
    {
        value = default;
        if (text.Contains("://", StringComparison.Ordinal))
        {
            reason = "has a scheme in front";
            return false;
        }

        if (!text.StartsWith('[') && text.Count(c => c == ':') > 1)
        {
            reason = "has an IPv6 address without brackets";
            return false;
        }

        var (host, portText) = Split(text);
        reason = host.Length == 0 ? "has no host" : IsHost(host, text) ? null : "has a host that is neither a name nor an address";
        if (reason is not null)
        {
            return false;
        }

        var port = defaultPort ?? 0;
        if (portText is null && defaultPort is null)
        {
            reason = "has no port";
            return false;
        }

        if (portText is not null && (!int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
        {
            reason = "has a port outside 1 to 65535";
            return false;
        }

        value = new HostPort(host, port);
        return true;
    }

    private static (string Host, string? Port) Split(string text)
    {
        if (text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is > 0 and var close)
        {
            var rest = text[(close + 1)..];
            return (text[1..close], rest.Length == 0 ? null : rest.StartsWith(':') ? rest[1..] : "");
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (text, null) : (text[..colon], text[(colon + 1)..]);
    }

    private static bool IsHost(string host, string text) => text.StartsWith('[')
        ? IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
        : host.Length <= 253 && host.All(c => char.IsLetterOrDigit(c) || c is '.' or '-' or '_');
}
