using System.Net;
using Microsoft.Extensions.Logging;

namespace ZfRepl.OpcUa.Server;

/// <summary>Every line that the server logs. Values, passwords and session tokens never appear.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(EventId = 4201, Level = LogLevel.Information, Message = "OPC UA server: listening on {Endpoint}.")]
    public static partial void Listening(ILogger log, EndPoint endpoint);

    [LoggerMessage(EventId = 4202, Level = LogLevel.Information, Message = "OPC UA server: stopped.")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(EventId = 4203, Level = LogLevel.Warning, Message = "OPC UA server: accepting failed: {Error} Trying again.")]
    public static partial void AcceptFailed(ILogger log, string error);

    [LoggerMessage(EventId = 4204, Level = LogLevel.Warning, Message = "OPC UA server: a connection from {Remote} was refused: there are {Count} already.")]
    public static partial void TooManyConnections(ILogger log, EndPoint? remote, int count);

    [LoggerMessage(EventId = 4205, Level = LogLevel.Debug, Message = "OPC UA server: the connection from {Remote} has ended: {Reason} ({Status})")]
    public static partial void ConnectionEnded(ILogger log, EndPoint? remote, string? reason, string status);

    [LoggerMessage(EventId = 4206, Level = LogLevel.Error, Message = "OPC UA server: the connection from {Remote} was closed because of a defect.")]
    public static partial void ConnectionDefect(ILogger log, EndPoint? remote, Exception defect);

    [LoggerMessage(EventId = 4207, Level = LogLevel.Warning, Message = "OPC UA server: the certificate of {Remote} was refused: {Detail}")]
    public static partial void CertificateRefused(ILogger log, EndPoint? remote, string? detail);

    [LoggerMessage(EventId = 4208, Level = LogLevel.Warning, Message = "OPC UA server: the certificate of {Remote} was ACCEPTED BY THE SWITCH FOR TESTS: {Detail}")]
    public static partial void CertificateAcceptedAnyway(ILogger log, EndPoint? remote, string? detail);

    [LoggerMessage(EventId = 4209, Level = LogLevel.Information, Message = "OPC UA server: session '{Name}' of {Application} activated for {User}.")]
    public static partial void SessionActivated(ILogger log, string? name, string? application, string user);

    [LoggerMessage(EventId = 4210, Level = LogLevel.Information, Message = "OPC UA server: session '{Name}' of {Application} has ended: {Why}.")]
    public static partial void SessionEnded(ILogger log, string? name, string? application, string why);

    [LoggerMessage(EventId = 4211, Level = LogLevel.Warning, Message = "OPC UA server: a session of {Application} could not be activated: {Status}.")]
    public static partial void ActivationRefused(ILogger log, string? application, string status);

    [LoggerMessage(EventId = 4212, Level = LogLevel.Information, Message = "OPC UA server: subscription {Id} was created: every {IntervalMs} ms, it lives for {LifetimeSeconds} s without its client.")]
    public static partial void SubscriptionCreated(ILogger log, uint id, double intervalMs, double lifetimeSeconds);

    [LoggerMessage(EventId = 4213, Level = LogLevel.Warning, Message = "OPC UA server: subscription {Id} has ended: its client was not heard of for its whole lifetime.")]
    public static partial void SubscriptionExpired(ILogger log, uint id);

    [LoggerMessage(EventId = 4214, Level = LogLevel.Information, Message = "OPC UA server: subscription {Id} was transferred to session '{Name}'.")]
    public static partial void SubscriptionTransferred(ILogger log, uint id, string? name);

    [LoggerMessage(EventId = 4215, Level = LogLevel.Warning, Message = "OPC UA server: subscription {Id} has dropped {Count} notifications that were not acknowledged: they cannot be republished any more.")]
    public static partial void RetransmissionDropped(ILogger log, uint id, int count);
}
