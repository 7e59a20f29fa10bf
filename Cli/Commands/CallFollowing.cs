using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Cli.Progress;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary>What a call that begins long work comes to.</summary>
/// <param name="Reply">What to print, or what went wrong.</param>
/// <param name="ExitCode">The exit code where the reply is a value.</param>
/// <param name="Remark">What to say on the error output, or null.</param>
internal sealed record FollowedCall(RpcReply Reply, int ExitCode = ExitCode.Ok, string? Remark = null);

/// <summary>Calls those methods that begin long work, and shows how far it is until it is over.</summary>
/// <param name="client">The service.</param>
/// <param name="timeout">How long to wait for each answer; null where nobody has said so.</param>
/// <param name="interval">The time between two lines, where there is no terminal.</param>
internal sealed class CallFollowing(RpcClient client, TimeSpan? timeout, TimeSpan interval)
{
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(60);

    // An import may take days, and shows that it goes on.
    private static readonly TimeSpan LongestImport = TimeSpan.FromDays(40);

    /// <summary>Whether a method begins long work that can be followed.</summary>
    public static bool Knows(string method) => method is "mailbox.fill" or "process_dir" or "client.start";

    /// <summary>Calls the method.</summary>
    /// <exception cref="OperationCanceledException">Somebody does not want to wait any longer.</exception>
    public Task<FollowedCall> RunAsync(string method, JsonObject? parameters, CancellationToken cancellationToken) => method switch
    {
        "mailbox.fill" => FillAsync(parameters, cancellationToken),
        "process_dir" => ImportAsync(parameters, cancellationToken),
        _ => FetchAsync(parameters, cancellationToken),
    };

    private async Task<FollowedCall> FillAsync(JsonObject? parameters, CancellationToken cancellationToken)
    {
        var reply = await CallAsync("mailbox.fill", parameters, cancellationToken);
        if (reply is not RpcReply.Value { Result: var task } || task.Text("id").Length == 0)
        {
            return new FollowedCall(reply);
        }

        try
        {
            var followed = await ProgressDisplay.RunAsync(interval, show => Follower().FillAsync(task.Text("mailbox"), task, show, cancellationToken));
            return followed.Failure is { } failure ? new FollowedCall(failure)
                : followed.Last!.Value.Text("state") == "done" ? new FollowedCall(new RpcReply.Value(followed.Last.Value))
                : new FollowedCall(new RpcReply.Value(followed.Last.Value), ExitCode.Failed, "the task was ended before it was done; what was filled stays");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new FollowedCall(
                new RpcReply.Value(task), ExitCode.TryLater, $"task {task.Text("id")} goes on; fill.list shows how far it is, fill.cancel ends it");
        }
    }

    private async Task<FollowedCall> ImportAsync(JsonObject? parameters, CancellationToken cancellationToken)
    {
        var path = parameters?["path"]?.ToString() ?? "";
        return new FollowedCall(await ProgressDisplay.RunAsync(interval, show => Follower().ImportAsync(
            path, client.CallAsync("process_dir", parameters, timeout ?? LongestImport, cancellationToken), show, cancellationToken)));
    }

    private async Task<FollowedCall> FetchAsync(JsonObject? parameters, CancellationToken cancellationToken)
    {
        var source = parameters?["i"]?.ToString() ?? "";
        var follower = Follower();
        var (before, _) = await follower.ClientAsync(source, cancellationToken);
        var reply = await CallAsync("client.start", parameters, cancellationToken);
        if (reply is not RpcReply.Value || before is null)
        {
            return new FollowedCall(reply);
        }

        try
        {
            var followed = await ProgressDisplay.RunAsync(interval, show => follower.FetchAsync(source, before.Value, show, cancellationToken));
            return followed switch
            {
                { Failure: { } failure } => new FollowedCall(failure),
                { Last: { } last } when last.Field("session") is null => new FollowedCall(
                    reply,
                    ExitCode.TryLater,
                    string.Create(CultureInfo.InvariantCulture, $"the session is over, {last.Count("backlog_events"):N0} events still wait at {source}") + Why(last)),
                _ => new FollowedCall(reply),
            };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new FollowedCall(reply, ExitCode.TryLater, $"fetching from {source} goes on; zfrepl status shows how far it is");
        }
    }

    private static string Why(JsonElement client) => client.Text("trouble") is { Length: > 0 } trouble ? $": {trouble}" : "";

    private Follower Follower() => new(CallAsync, TimeProvider.System);

    private Task<RpcReply> CallAsync(string method, JsonObject? parameters, CancellationToken cancellationToken) =>
        client.CallAsync(method, parameters, timeout ?? UsualTimeout, cancellationToken);
}
