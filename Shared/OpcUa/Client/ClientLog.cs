using Microsoft.Extensions.Logging;

namespace ZfRepl.OpcUa.Client;

/// <summary>What the client says. Passwords, tokens and nonces never stand in a line.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(1300, LogLevel.Information, "Connected to {Url} ({Policy}, {Mode}): {How}")]
    public static partial void Connected(ILogger logger, string url, string policy, string mode, string how);

    [LoggerMessage(1301, LogLevel.Warning, "No connection to {Url}: {Cause}; trying again until it works")]
    public static partial void ConnectionTrouble(ILogger logger, string url, string cause);

    [LoggerMessage(1302, LogLevel.Warning, "The server's certificate was accepted only because of the switch for tests: {Detail}")]
    public static partial void AcceptedForTests(ILogger logger, string? detail);

    [LoggerMessage(1303, LogLevel.Warning,
        "The password goes encrypted to a certificate that nobody has judged, because security policy None is configured without a validator")]
    public static partial void CertificateNotJudged(ILogger logger);

    [LoggerMessage(1304, LogLevel.Warning, "The channel's keys could not be renewed, trying again: {Cause}")]
    public static partial void RenewalFailed(ILogger logger, string cause);

    [LoggerMessage(1305, LogLevel.Debug, "The channel's keys were renewed, good for {LifetimeMs} ms")]
    public static partial void Renewed(ILogger logger, uint lifetimeMs);

    [LoggerMessage(1310, LogLevel.Information, "The saved session was refused, making a new one: {Cause}")]
    public static partial void SessionRefused(ILogger logger, string cause);

    [LoggerMessage(1311, LogLevel.Information, "Subscription {Id} goes on from notification {Expected}")]
    public static partial void SubscriptionKept(ILogger logger, uint id, uint expected);

    [LoggerMessage(1312, LogLevel.Warning, "Subscription {Id} is lost: {Cause}")]
    public static partial void SubscriptionLost(ILogger logger, uint id, string cause);

    [LoggerMessage(1313, LogLevel.Information,
        "Subscription {Id} was made with {Items} items, {Refused} refused; publishing every {IntervalMs} ms")]
    public static partial void SubscriptionMade(ILogger logger, uint id, int items, int refused, double intervalMs);

    [LoggerMessage(1314, LogLevel.Information, "Subscription {Id} is drained and deleted")]
    public static partial void SubscriptionRetired(ILogger logger, uint id);

    [LoggerMessage(1315, LogLevel.Warning, "A subscription could not be deleted; it ends by itself at the server: {Cause}")]
    public static partial void NotDeleted(ILogger logger, string cause);

    [LoggerMessage(1317, LogLevel.Information, "{Count} subscriptions in this session are known to nobody and are deleted")]
    public static partial void StrangersDeleted(ILogger logger, int count);

    [LoggerMessage(1316, LogLevel.Warning, "The items could not be selected, the present ones go on: {Cause}")]
    public static partial void SelectFailed(ILogger logger, string cause);

    [LoggerMessage(1320, LogLevel.Warning, "{Count} items were refused with {Cause}, for example {Example}")]
    public static partial void ItemsRefused(ILogger logger, int count, string cause, string example);

    [LoggerMessage(1321, LogLevel.Warning,
        "The server keeps fewer values than asked for {Count} items, for example {Example}: {Revised} instead of {Asked}")]
    public static partial void QueueRevised(ILogger logger, int count, string example, uint revised, int asked);

    [LoggerMessage(1322, LogLevel.Warning,
        "The server looks less often than asked at {Count} items, for example {Example}: every {Revised} ms, not {Asked} ms")]
    public static partial void SamplingRevised(ILogger logger, int count, string example, double revised, double asked);

    [LoggerMessage(1323, LogLevel.Warning,
        "The server refuses the filter of {Count} items; they are watched with a simpler one: without the dead band, or without equal values that have a new time stamp")]
    public static partial void FilterRefused(ILogger logger, int count);

    [LoggerMessage(1324, LogLevel.Information, "The server takes {Count} items now that it had refused; {Refused} are still refused")]
    public static partial void RefusedTaken(ILogger logger, int count, int refused);

    [LoggerMessage(1325, LogLevel.Warning, "The items that were refused could not be asked for again, trying again later: {Cause}")]
    public static partial void RefusedNotAskedFor(ILogger logger, string cause);

    [LoggerMessage(1330, LogLevel.Warning, "Notifications {First} to {Last} of subscription {Id} are lost: {Cause}")]
    public static partial void Gap(ILogger logger, uint id, uint first, uint last, string cause);

    [LoggerMessage(1331, LogLevel.Information,
        "Notification {Number} of subscription {Id} is not there; after a transfer that is the notice to the former session, not data")]
    public static partial void NoticeOfTransfer(ILogger logger, uint id, uint number);

    [LoggerMessage(1332, LogLevel.Warning, "A publish response could not be read and is asked for again: {Cause}")]
    public static partial void NotReadable(ILogger logger, string cause);

    [LoggerMessage(1333, LogLevel.Warning, "The server takes no more than {Count} publish requests")]
    public static partial void FewerPublishRequests(ILogger logger, int count);

    [LoggerMessage(1334, LogLevel.Error, "The subscriber's state could not be saved; a new process would not find its subscription")]
    public static partial void StateNotSaved(ILogger logger);

    [LoggerMessage(1335, LogLevel.Warning, "The saved state cannot be read and is taken as none: {Cause}")]
    public static partial void StateNotReadable(ILogger logger, string cause);
}
