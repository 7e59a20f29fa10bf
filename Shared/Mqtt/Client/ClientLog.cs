using System.Net.Security;
using Microsoft.Extensions.Logging;

namespace ZfRepl.Mqtt.Client;

/// <summary>Every line that the client logs. Payloads, passwords and topics of messages never appear.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(EventId = 4001, Level = LogLevel.Information, Message = "MQTT client {ClientId}: connected to {Host}, session present: {SessionPresent}.")]
    public static partial void Connected(ILogger log, string clientId, MqttHost host, bool sessionPresent);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Warning, Message = "MQTT client {ClientId}: no connection to {Host}: {Reason}: {Detail}; trying again in {RetrySeconds:0.0} s.")]
    public static partial void Waiting(ILogger log, string clientId, MqttHost host, MqttDisconnectReason reason, string detail, double retrySeconds);

    [LoggerMessage(EventId = 4003, Level = LogLevel.Error, Message = "MQTT client {ClientId}: {Host} does not let this client in ({Detail}). Check user name, password and the broker's access list. Trying again in {RetrySeconds:0.0} s.")]
    public static partial void Refused(ILogger log, string clientId, MqttHost host, string detail, double retrySeconds);

    [LoggerMessage(EventId = 4004, Level = LogLevel.Warning, Message = "MQTT over TLS to {Host} WITHOUT CHECKING THE SERVER: anybody in between can read and change everything, the password too (ignored: {Errors}). Set a CA file.")]
    public static partial void ServerNotChecked(ILogger log, MqttHost host, SslPolicyErrors errors);

    [LoggerMessage(EventId = 4005, Level = LogLevel.Error, Message = "MQTT client {ClientId}: the server refused to subscribe {Filter}: {Code}. It is asked for again at the next connection.")]
    public static partial void FilterRefused(ILogger log, string clientId, string filter, string code);

    [LoggerMessage(EventId = 4006, Level = LogLevel.Information, Message = "MQTT client {ClientId}: stopped.")]
    public static partial void Stopped(ILogger log, string clientId);
}
