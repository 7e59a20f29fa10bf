namespace ZfRepl.Mqtt;

/// <summary>The message that the server publishes for a client that vanishes without saying good-bye (3.1.2.5).</summary>
/// <param name="Topic">The topic name, without wildcards.</param>
/// <param name="Payload">The payload, at most 65,535 bytes; must not be changed while the client lives.</param>
/// <param name="QoS">Quality of service, 0 or 1.</param>
/// <param name="Retain">Whether the server keeps it as the topic's retained message.</param>
public sealed record MqttWill(string Topic, ReadOnlyMemory<byte> Payload, MqttQoS QoS = MqttQoS.AtLeastOnce, bool Retain = false)
{
    /// <summary>MQTT 5.0 only: the time that the server waits for the client's return, in whole seconds, before it publishes.</summary>
    public TimeSpan Delay { get; init; }
}
