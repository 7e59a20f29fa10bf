namespace ZfRepl.Mqtt;

/// <summary>The protocol level that a client announces in CONNECT (3.1.2.2 in both standards).</summary>
public enum MqttProtocolVersion : byte
{
    /// <summary>MQTT 3.1.1, protocol level 4.</summary>
    V311 = 4,

    /// <summary>MQTT 5.0, protocol level 5.</summary>
    V5 = 5,
}
