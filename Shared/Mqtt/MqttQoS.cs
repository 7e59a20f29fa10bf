namespace ZfRepl.Mqtt;

/// <summary>Quality of service of one message or subscription (4.3 in both standards).</summary>
public enum MqttQoS : byte
{
    /// <summary>QoS 0: sent once, never acknowledged.</summary>
    AtMostOnce = 0,

    /// <summary>QoS 1: acknowledged by PUBACK; duplicates can occur.</summary>
    AtLeastOnce = 1,

    /// <summary>
    /// QoS 2. This library neither sends nor grants it: end-to-end acknowledgments above MQTT make it superfluous. The value exists so that
    /// a peer that uses it can be recognised and refused.
    /// </summary>
    ExactlyOnce = 2,
}
