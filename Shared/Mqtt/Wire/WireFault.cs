namespace ZfRepl.Mqtt.Wire;

/// <summary>Why received bytes are not an acceptable packet. The default value means "no fault".</summary>
/// <param name="Reason">The reason code that MQTT 5.0 prescribes for the answer.</param>
/// <param name="What">One sentence for the log; a constant, never content that came from the peer.</param>
internal readonly record struct WireFault(MqttReasonCode Reason, string What)
{
    public static readonly WireFault None;

    public bool IsFault => Reason != MqttReasonCode.Success;

    public static WireFault Malformed(string what) => new(MqttReasonCode.MalformedPacket, what);

    public static WireFault Protocol(string what) => new(MqttReasonCode.ProtocolError, what);

    public override string ToString() => $"{Reason.Describe()}: {What}";
}
