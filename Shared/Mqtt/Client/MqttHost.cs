using System.Globalization;

namespace ZfRepl.Mqtt.Client;

/// <summary>Where a broker listens.</summary>
/// <param name="Name">A host name, an IPv4 or an IPv6 address, without brackets.</param>
/// <param name="Port">The TCP port, 1 to 65,535.</param>
public readonly record struct MqttHost(string Name, int Port)
{
    /// <summary>The port registered for MQTT without TLS.</summary>
    public const int DefaultPort = 1883;

    /// <summary>The port registered for MQTT over TLS.</summary>
    public const int DefaultTlsPort = 8883;

    /// <summary>Reads "name", "name:port", "[ipv6]" or "[ipv6]:port"; false when the text is none of them.</summary>
    public static bool TryParse(string text, int defaultPort, out MqttHost host)
    {
        host = default;
        var trimmed = text.Trim();
        var bracket = trimmed.StartsWith('[') ? trimmed.IndexOf(']', StringComparison.Ordinal) : -1;
        var separator = trimmed.LastIndexOf(':');
        var hasPort = separator > bracket && (bracket >= 0 || trimmed.IndexOf(':', StringComparison.Ordinal) == separator);
        var name = bracket >= 0 ? trimmed[1..bracket] : hasPort ? trimmed[..separator] : trimmed;
        var endOfName = bracket >= 0 ? bracket + 1 : name.Length;
        var rest = hasPort ? trimmed[(separator + 1)..] : "";
        if (name.Length == 0 || name.IndexOfAny([' ', '[', ']']) >= 0 || endOfName != (hasPort ? separator : trimmed.Length))
        {
            return false;
        }

        var port = defaultPort;
        if (hasPort && !int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out port))
        {
            return false;
        }

        host = new MqttHost(name, port);
        return port is > 0 and <= 65_535;
    }

    /// <summary>"name:port", with brackets around an IPv6 address.</summary>
    public override string ToString() => Name.Contains(':') ? $"[{Name}]:{Port}" : $"{Name}:{Port}";
}
