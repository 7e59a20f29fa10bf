using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Progress;

/// <summary>How following long work ended.</summary>
/// <param name="Last">What the service said last about it, or null.</param>
/// <param name="Failure">Why it can't be followed any further, or null.</param>
internal sealed record Followed(JsonElement? Last, RpcReply? Failure = null);

/// <summary>
/// Follows long work of a service by asking it again and again, until the work is over. A service that is away for a moment, as in a restart, is
/// waited for.
/// </summary>
/// <param name="call">Calls a method.</param>
/// <param name="time">The clock.</param>
internal sealed class Follower(Func<string, JsonObject?, CancellationToken, Task<RpcReply>> call, TimeProvider time)
{
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Follows a fill task until it has ended.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="task">What mailbox.fill answered.</param>
    /// <param name="show">Shows how far it is.</param>
    /// <param name="cancellationToken">Ends the following; the task goes on.</param>
    /// <returns>The task as it ended.</returns>
    public async Task<Followed> FillAsync(string mailbox, JsonElement task, Action<WorkView> show, CancellationToken cancellationToken)
    {
        var id = task.Text("id");
        var last = task;
        while (last.Text("state") == "open")
        {
            show(Fill(last));
            await Task.Delay(AskInterval, time, cancellationToken);
            var (answer, failure) = await AskAsync("fill.list", new JsonObject { ["i"] = mailbox }, cancellationToken);
            if (failure is not null)
            {
                return new Followed(last, failure);
            }

            if (answer.Items().FirstOrDefault(t => t.Text("id") == id) is not { ValueKind: JsonValueKind.Object } now)
            {
                // Of those that have ended only the latest are kept; it can't have ended otherwise than by being among them.
                return new Followed(last, new RpcReply.RemoteError(RpcErrorCode.NotFound, $"fill.list does not know task {id} any more"));
            }

            last = now;
        }

        return new Followed(last);
    }

    /// <summary>Follows the import of a folder as long as the call that does it lasts.</summary>
    /// <param name="path">The folder as it was given.</param>
    /// <param name="importing">The call.</param>
    /// <param name="show">Shows how far it is.</param>
    /// <param name="cancellationToken">Ends the following.</param>
    /// <returns>What the call answered.</returns>
    public async Task<RpcReply> ImportAsync(string path, Task<RpcReply> importing, Action<WorkView> show, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        while (await Task.WhenAny(importing, Task.Delay(AskInterval, time, over.Token)) != importing)
        {
            // Where this fails, the call itself says more.
            cancellationToken.ThrowIfCancellationRequested();
            if (await call("process.list", null, cancellationToken) is RpcReply.Value { Result: var runs }
                && runs.Items().FirstOrDefault(r => r.Text("state") == "running" && r.Text("path") == path) is { ValueKind: JsonValueKind.Object } run)
            {
                show(Import(run));
            }
        }

        await over.CancelAsync();
        return await importing;
    }

    /// <summary>Sessions of a source that began before now.</summary>
    public async Task<(JsonElement? Client, RpcReply? Failure)> ClientAsync(string source, CancellationToken cancellationToken)
    {
        var (status, failure) = await AskAsync("status", null, cancellationToken);
        return failure is not null
            ? (null, failure)
            : (status.Items("clients").FirstOrDefault(c => c.Text("source") == source) is { ValueKind: JsonValueKind.Object } client ? client : null, null);
    }

    /// <summary>Follows fetching from a source until what waited there is here, or the session is over.</summary>
    /// <param name="source">The source node.</param>
    /// <param name="before">What the client was before it was started.</param>
    /// <param name="show">Shows how far it is.</param>
    /// <param name="cancellationToken">Ends the following; fetching goes on.</param>
    /// <returns>The client as it was last; with a session when everything is here, without one when that ended first.</returns>
    public async Task<Followed> FetchAsync(string source, JsonElement before, Action<WorkView> show, CancellationToken cancellationToken)
    {
        var sessions = before.IsTrue("active") ? before.Count("sessions") - 1 : before.Count("sessions");
        long? wanted = null;
        while (true)
        {
            var (client, failure) = await ClientAsync(source, cancellationToken);
            if (failure is not null || client is not { } now)
            {
                return new Followed(client, failure);
            }

            if (now.Field("session") is { } session)
            {
                show(Fetch(source, now, session));
                if (session.IsTrue("in_touch"))
                {
                    // More may come as fast as it is fetched: what was there at first is what was asked for.
                    wanted ??= session.Count("events") + session.Count("left_events");
                    if (session.Count("left_blocks") == 0 || (wanted > 0 && session.Count("events") >= wanted))
                    {
                        return new Followed(now);
                    }
                }
            }
            else if (now.Count("sessions") > sessions)
            {
                return new Followed(now);
            }

            await Task.Delay(AskInterval, time, cancellationToken);
        }
    }

    private static WorkView Fill(JsonElement task) => new WorkView($"filling {task.Text("mailbox")}").Rates(task) with
    {
        Bytes = task.Count("bytes"),
        Note = task.Text("doing"),
    };

    private static WorkView Import(JsonElement run) => new WorkView($"importing {run.Text("path")}").Rates(run) with
    {
        Done = run.Count("done_files"),
        Total = run.Field("total_files") is null ? null : run.Count("total_files"),
        Unit = "files",
        Bytes = run.Count("done_bytes"),
    };

    private static WorkView Fetch(string source, JsonElement client, JsonElement session) => new WorkView($"fetching from {source}").Rates(session) with
    {
        Done = session.Count("blocks"),
        Total = session.IsTrue("in_touch") ? session.Count("blocks") + session.Count("left_blocks") : null,
        Bytes = session.Count("received_bytes"),
        Note = client.Text("trouble"),
    };

    private async Task<(JsonElement Answer, RpcReply? Failure)> AskAsync(string method, JsonObject? parameters, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            switch (await call(method, parameters, cancellationToken))
            {
                case RpcReply.Value value:
                    return (value.Result, null);
                case RpcReply.Unreachable or RpcReply.TimedOut or RpcReply.RemoteError { Code: RpcErrorCode.NotReady or RpcErrorCode.Busy }
                    when time.GetElapsedTime(begun) < Patience:
                    await Task.Delay(AskInterval, time, cancellationToken);
                    break;
                case var failure:
                    return (default, failure);
            }
        }
    }
}
