using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Broker;

/// <summary>Why a client's connection ends. GoodBye is the code for a 5.0 client's DISCONNECT, or null to say nothing.</summary>
/// <param name="Why">One line for the log.</param>
/// <param name="GoodBye">What a 5.0 client is told.</param>
/// <param name="IsNormal">The client left in order: its will is not published.</param>
internal readonly record struct ClientEnd(string Why, MqttReasonCode? GoodBye = null, bool IsNormal = false)
{
    public static ClientEnd Violation(WireFault fault) => new(fault.What, fault.Reason);
}
