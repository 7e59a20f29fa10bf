namespace ZfRepl.Mqtt.Client;

/// <summary>How a subscribe or unsubscribe request ended.</summary>
public enum MqttRequestStatus
{
    /// <summary>The broker answered; see the codes.</summary>
    Answered = 0,

    /// <summary>There is no connection. The request is remembered, and carried out at the next one.</summary>
    NotConnected,

    /// <summary>The connection ended before the answer. The request is remembered, and carried out again at the next one.</summary>
    ConnectionLost,

    /// <summary>No answer within the time limit. The request is remembered, and repeated at the next connection.</summary>
    TimedOut,
}

/// <summary>The result of subscribing or unsubscribing.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="ReasonCodes">One code per filter in the order of the request; empty unless the broker answered.</param>
public sealed record MqttSubscribeResult(MqttRequestStatus Status, IReadOnlyList<MqttReasonCode> ReasonCodes)
{
    /// <summary>True when the broker answered and accepted every filter.</summary>
    public bool IsSuccess => Status == MqttRequestStatus.Answered && ReasonCodes.All(c => !c.IsFailure());
}
