using System.Net;
using Microsoft.Extensions.Logging;

namespace ZfRepl.Mqtt.Broker;

/// <summary>Every line that the broker logs. Payloads and passwords never appear.</summary>
internal static partial class BrokerLog
{
    [LoggerMessage(EventId = 4101, Level = LogLevel.Information, Message = "MQTT broker: listening on {Endpoint}{How}.")]
    public static partial void Listening(ILogger log, IPEndPoint endpoint, string how);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Information, Message = "MQTT broker: stopped.")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(EventId = 4103, Level = LogLevel.Debug, Message = "MQTT broker: {ClientId} connected from {Remote} with {Version}, session present: {SessionPresent}.")]
    public static partial void Connected(ILogger log, string clientId, EndPoint? remote, MqttProtocolVersion version, bool sessionPresent);

    [LoggerMessage(EventId = 4104, Level = LogLevel.Debug, Message = "MQTT broker: {ClientId} from {Remote} is gone: {Why}")]
    public static partial void Gone(ILogger log, string clientId, EndPoint? remote, string why);

    [LoggerMessage(EventId = 4105, Level = LogLevel.Warning, Message = "MQTT broker: a connection from {Remote} was refused: {Why}")]
    public static partial void Refused(ILogger log, EndPoint? remote, string why);

    [LoggerMessage(EventId = 4106, Level = LogLevel.Warning, Message = "MQTT broker: the session of {ClientId} was discarded with {Messages} queued messages: {Why} At its return the client finds no session.")]
    public static partial void SessionDiscarded(ILogger log, string clientId, int messages, string why);

    [LoggerMessage(EventId = 4107, Level = LogLevel.Warning, Message = "MQTT broker: a message of {Bytes} bytes is larger than {ClientId} accepts, and was not delivered to it.")]
    public static partial void TooLarge(ILogger log, string clientId, int bytes);

    [LoggerMessage(EventId = 4108, Level = LogLevel.Warning, Message = "MQTT broker: {ClientId} was not allowed to publish to {Topic}: {Code}.")]
    public static partial void PublishRefused(ILogger log, string clientId, string topic, string code);

    [LoggerMessage(EventId = 4109, Level = LogLevel.Warning, Message = "MQTT broker: accepting on {Endpoint} failed: {Error} Trying again.")]
    public static partial void AcceptFailed(ILogger log, IPEndPoint endpoint, string error);
}
