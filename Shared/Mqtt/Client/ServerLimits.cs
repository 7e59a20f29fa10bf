using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Client;

/// <summary>What the server said in CONNACK about itself (MQTT 5.0, 3.2.2.3), with the defaults of the standard. A 3.1.1 server says nothing.</summary>
internal sealed record ServerLimits(int ReceiveMaximum, int MaximumPacketSize, bool AllowsQoS1, bool AllowsRetain, TimeSpan KeepAlive)
{
    public static ServerLimits From(ConnAckPacket packet, MqttClientOptions options)
    {
        var p = packet.Properties;
        return new ServerLimits(
            Math.Min(options.MaxInFlight, p?.ReceiveMaximum ?? ushort.MaxValue),
            (int)Math.Min(p?.MaximumPacketSize ?? uint.MaxValue, WireLimits.RemainingLengthMax + 5u),
            p?.MaximumQoS is not 0,
            p?.RetainAvailable is not false,
            p?.ServerKeepAlive is { } seconds ? TimeSpan.FromSeconds(seconds) : options.KeepAlive);
    }
}
