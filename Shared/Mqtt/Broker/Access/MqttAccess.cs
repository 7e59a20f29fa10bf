using System.Net;

namespace ZfRepl.Mqtt.Broker;

/// <summary>Who wants to connect; for <see cref="MqttBrokerOptions.Verifier"/>.</summary>
/// <param name="ClientId">The client identifier; the client's own claim.</param>
/// <param name="UserName">The user name, or null.</param>
/// <param name="Password">The password's bytes; empty when there is none. Not to be kept.</param>
/// <param name="Remote">Where the connection comes from.</param>
public readonly record struct MqttLogin(string ClientId, string? UserName, ReadOnlyMemory<byte> Password, IPEndPoint? Remote);

/// <summary>What a client wants to do with a topic.</summary>
public enum MqttAccessKind
{
    /// <summary>Publish to a topic name, or leave a will for it.</summary>
    Publish = 0,

    /// <summary>
    /// Subscribe to a topic filter, which may hold wildcards. Decide on the whole of what it matches:
    /// <see cref="Topics.MqttTopic.Covers"/> tells whether an allowed filter includes it.
    /// </summary>
    Subscribe = 1,
}

/// <summary>A question to the access list; for <see cref="MqttBrokerOptions.Authorize"/>.</summary>
/// <param name="ClientId">The client identifier.</param>
/// <param name="UserName">The verified user name; null for an anonymous client.</param>
/// <param name="Kind">Publish or subscribe.</param>
/// <param name="Topic">A topic name, or a topic filter.</param>
public readonly record struct MqttAccess(string ClientId, string? UserName, MqttAccessKind Kind, string Topic);
