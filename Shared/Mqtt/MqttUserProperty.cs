namespace ZfRepl.Mqtt;

/// <summary>A name and a value that MQTT 5.0 carries along with a packet (2.2.2.2, property 0x26). The same name may occur more than once.</summary>
/// <param name="Name">The name, up to 65,535 bytes of UTF-8.</param>
/// <param name="Value">The value, up to 65,535 bytes of UTF-8.</param>
public readonly record struct MqttUserProperty(string Name, string Value);
