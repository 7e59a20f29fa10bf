namespace ZfRepl.Mqtt;

/// <summary>One topic filter with its options (3.8.3.1).</summary>
/// <param name="Filter">The topic filter; see <see cref="Topics.MqttTopic.IsValidFilter"/>.</param>
/// <param name="MaximumQoS">The highest quality of service in which messages shall be delivered.</param>
public readonly record struct MqttSubscription(string Filter, MqttQoS MaximumQoS = MqttQoS.AtLeastOnce)
{
    /// <summary>MQTT 5.0 only: the server does not send back what this very client publishes.</summary>
    public bool NoLocal { get; init; }

    /// <summary>MQTT 5.0 only: forwarded messages keep the retain flag they were published with.</summary>
    public bool RetainAsPublished { get; init; }

    /// <summary>MQTT 5.0 only: what happens with retained messages at subscribing.</summary>
    public MqttRetainHandling RetainHandling { get; init; }
}

/// <summary>Whether retained messages are sent when a subscription is made (MQTT 5.0, 3.8.3.1).</summary>
public enum MqttRetainHandling : byte
{
    /// <summary>With every SUBSCRIBE; the only behaviour of 3.1.1.</summary>
    SendAtSubscribe = 0,

    /// <summary>Only if the subscription did not exist before.</summary>
    SendAtSubscribeIfNew = 1,

    /// <summary>Never.</summary>
    DoNotSend = 2,
}
