using System.Text.Json;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Demo;

/// <summary>The accounts of the edge's mailbox.</summary>
/// <param name="Accepted">Events that became durable.</param>
/// <param name="Backlog">Events that wait.</param>
/// <param name="Lost">Events given up, with an entry in the ledger.</param>
internal readonly record struct DemoAccounts(long Accepted, long Backlog, long Lost);

/// <summary>Asks the demo's services as an operator would, over their sockets.</summary>
internal sealed class DemoServices(string socketFolder, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The accounts of the mailbox; null while the collector does not answer.</summary>
    public async Task<DemoAccounts?> AccountsAsync(CancellationToken cancellationToken)
    {
        if (await CallAsync(DemoNames.Collector, "status", cancellationToken) is not { } status)
        {
            return null;
        }

        var mailbox = status.GetProperty("mailboxes")[0];
        return new DemoAccounts(
            mailbox.GetProperty("accepted_events").GetInt64(),
            mailbox.GetProperty("backlog_events").GetInt64(),
            mailbox.GetProperty("lost_events").GetInt64());
    }

    /// <summary>Whether the collector watches the plant, and its own words for it.</summary>
    public async Task<(bool IsWatching, string State)> SourceAsync(CancellationToken cancellationToken)
    {
        if (await CallAsync(DemoNames.Collector, "status", cancellationToken) is not { } status)
        {
            return (false, "the collector does not answer");
        }

        var source = status.GetProperty("sources")[0];
        return (source.GetProperty("healthy").GetBoolean(), source.GetProperty("state").GetString() ?? "");
    }

    /// <summary>Events that the centre has taken from the edge since it was started; null while it does not answer.</summary>
    public async Task<long?> ReceivedAsync(CancellationToken cancellationToken)
    {
        if (await CallAsync(DemoNames.Centre, "status", cancellationToken) is not { } status
            || !status.TryGetProperty("streams", out var streams)
            || streams.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        return streams.EnumerateArray().Sum(s => s.GetProperty("received").GetInt64());
    }

    /// <summary>Asks a service to end in order.</summary>
    /// <returns>False when it did not answer.</returns>
    public async Task<bool> StopAsync(string service, CancellationToken cancellationToken) =>
        await CallAsync(service, "stop", cancellationToken) is not null;

    private async Task<JsonElement?> CallAsync(string service, string method, CancellationToken cancellationToken)
    {
        if (!ServiceSockets.TryPathOf(socketFolder, service, out var socket, out var reason))
        {
            throw new DemoException($"{reason}: choose a shorter --dir");
        }

        using var client = new RpcClient(socket, time);
        return await client.CallAsync(method, null, Patience, cancellationToken) is RpcReply.Value value ? value.Result : null;
    }
}
