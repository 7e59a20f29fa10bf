namespace ZfRepl.Mqtt.Client;

/// <summary>How a publication ended.</summary>
public enum MqttPublishStatus
{
    /// <summary>QoS 1: the broker has it. What the broker does with it is another matter.</summary>
    Acknowledged = 0,

    /// <summary>QoS 0: handed to the operating system; nobody will say more.</summary>
    Written,

    /// <summary>There is no connection; nothing was sent.</summary>
    NotConnected,

    /// <summary>The connection ended before the acknowledgment; the broker may have it or not.</summary>
    ConnectionLost,

    /// <summary>The broker does not accept it; see the reason code. Nothing was delivered.</summary>
    Refused,

    /// <summary>Larger than the broker accepts, or than MQTT can express; nothing was sent.</summary>
    TooLarge,

    /// <summary>No acknowledgment within the time limit; the broker may have it or not.</summary>
    TimedOut,

    /// <summary>Too much is waiting already; nothing was sent.</summary>
    QueueFull,
}

/// <summary>The result of <see cref="MqttClient.PublishAsync"/>. Nothing is sent again behind the caller's back.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="ReasonCode">The broker's code for <see cref="MqttPublishStatus.Acknowledged"/> and <see cref="MqttPublishStatus.Refused"/>.</param>
public readonly record struct MqttPublishResult(MqttPublishStatus Status, MqttReasonCode ReasonCode = MqttReasonCode.Success)
{
    /// <summary>True when the message left this side and was not refused: acknowledged, or written for QoS 0.</summary>
    public bool IsSuccess => Status is MqttPublishStatus.Acknowledged or MqttPublishStatus.Written;
}
