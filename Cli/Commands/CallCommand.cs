using System.CommandLine;
using System.Text.Json;
using ZfRepl.Cli.Progress;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl call SVC METHOD k=v…</c>, also spelled <c>zfrepl svc call</c>: calls a method of a running service.</summary>
internal static class CallCommand
{
    private const string Description = """
        Call a method of a running service and print its answer as JSON.

        mailbox.fill, client.start and process_dir begin long work: the call lasts until it is done, and shows how far it is on the error output, as a
        bar on a terminal and as a line every ten seconds elsewhere. --no-wait returns at once; the work of the first two goes on by itself.
        mailbox.rotate, which deletes blocks, asks before it does; --yes answers for a script.
        Values: null, true, false, numbers, a,b for a list, !text for a text in any case, @file for the content of a YAML file, << to be asked.
        The method `info` of every service lists its methods.

        Examples:
          zfrepl call eva.zfrepl.default.collector mailbox.list_blocks i=centre
          zfrepl call eva.zfrepl.default.collector mailbox.fill i=centre t_start=6H
          zfrepl call eva.zfrepl.default.replicator client.start i=edge1 --no-wait
          zfrepl svc call eva.zfrepl.default.replicator process_dir path=/media/stick/blocks node=edge1 delete=true
        """;

    private const string AliasDescription = """
        Call a method, spelled as in the original's shell.

        Example:
          zfrepl svc call eva.zfrepl.default.collector mailbox.list
        """;

    public static Command Create()
    {
        var service = new Argument<string>("SVC") { Description = "service id" };
        var method = new Argument<string>("METHOD") { Description = "method" };
        var parameters = new Argument<string[]>("k=v") { Description = "parameters", Arity = ArgumentArity.ZeroOrMore };
        var bus = SharedOptions.Bus();
        var timeout = SharedOptions.Timeout();
        var yes = SharedOptions.Yes();
        var noWait = new Option<bool>("--no-wait") { Description = "do not wait until long work is done" };
        var progress = Progress();
        var command = new Command("call", Description) { service, method, parameters, bus, timeout, yes, noWait, progress };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetRequiredValue(service),
            parsed.GetRequiredValue(method),
            parsed.GetValue(parameters) ?? [],
            SharedOptions.SocketFolderOf(parsed.GetValue(bus)),
            new How(
                TimeSpan.FromSeconds(parsed.GetValue(timeout)),
                parsed.GetResult(timeout) is { Implicit: false },
                parsed.GetValue(yes),
                parsed.GetValue(noWait) ? null : TimeSpan.FromSeconds(parsed.GetValue(progress))),
            cancellationToken));
        return command;
    }

    public static Command CreateServiceAlias() => new("svc", AliasDescription) { Create() };

    private static async Task<int> RunAsync(
        string service, string method, string[] texts, string folder, How how, CancellationToken cancellationToken)
    {
        var parameters = CallParameters.Parse(texts, SecretPrompt.Ask);
        if (parameters.Error is not null)
        {
            await Console.Error.WriteLineAsync($"zfrepl: {parameters.Error}");
            return ExitCode.Usage;
        }

        if (!ServiceSockets.TryPathOf(folder, service, out var socket, out var reason))
        {
            await Console.Error.WriteLineAsync($"zfrepl: {reason}");
            return ExitCode.Usage;
        }

        if (method == "mailbox.rotate" && !how.Yes && !Confirmation.Ask(
            $"{method} deletes all blocks of mailbox {parameters.Value?["i"] ?? "?"}; readings in them that nobody has fetched are lost. Go on?", out var refused))
        {
            await Console.Error.WriteLineAsync($"zfrepl: {refused}");
            return ExitCode.Usage;
        }

        using var client = new RpcClient(socket);
        var done = how.ShowEvery is { } every && CallFollowing.Knows(method)
            ? await new CallFollowing(client, how.IsTimeoutGiven ? how.Timeout : null, every).RunAsync(method, parameters.Value, cancellationToken)
            : new FollowedCall(await client.CallAsync(method, parameters.Value, how.Timeout, cancellationToken));
        if (done.Reply is not RpcReply.Value value)
        {
            return await CallFailure.ReportAsync(service, method, done.Reply, folder);
        }

        if (value.Result.ValueKind != JsonValueKind.Null)
        {
            Console.WriteLine(JsonSerializer.Serialize(value.Result, OutputJson.Indented));
        }

        if (done.Remark is { } remark)
        {
            await Console.Error.WriteLineAsync($"zfrepl: {remark}");
        }

        return done.ExitCode == ExitCode.Ok ? await ExitCodeOfAsync(method, value.Result) : done.ExitCode;
    }

    private static Option<double> Progress()
    {
        var option = new Option<double>("--progress")
        {
            Description = "how often a line says how far long work is, where there is no terminal",
            DefaultValueFactory = _ => ProgressLines.UsualInterval.TotalSeconds,
            HelpName = "SECONDS",
        };
        option.Validators.Add(result =>
        {
            if (!(result.GetValueOrDefault<double>() is >= 0.1 and <= 86_400))
            {
                result.AddError("--progress: 0.1 to 86400 seconds are possible");
            }
        });
        return option;
    }

    /// <summary>How to call.</summary>
    /// <param name="Timeout">How long to wait for an answer.</param>
    /// <param name="IsTimeoutGiven">Whether somebody has said so.</param>
    /// <param name="Yes">No questions.</param>
    /// <param name="ShowEvery">The time between two lines of progress; null to wait for nothing but the answer.</param>
    private sealed record How(TimeSpan Timeout, bool IsTimeoutGiven, bool Yes, TimeSpan? ShowEvery);

    /// <summary>An import that left something out has worked, and is no success: a script must be able to tell.</summary>
    private static async Task<int> ExitCodeOfAsync(string method, JsonElement result)
    {
        if (method != "process_dir" || result.ValueKind != JsonValueKind.Object)
        {
            return ExitCode.Ok;
        }

        var (partial, refused) = (Count("partial"), Count("refused"));
        if (partial + refused == 0)
        {
            return ExitCode.Ok;
        }

        await Console.Error.WriteLineAsync($"zfrepl: not all is imported: in part {Blocks(partial)}, damaged or still being written; not at all {Blocks(refused)}; `files` says why");
        return ExitCode.Partial;

        static string Blocks(int count) => count == 1 ? "1 block" : $"{count} blocks";

        int Count(string name) => result.TryGetProperty(name, out var value) && value.TryGetInt32(out var number) ? number : 0;
    }
}
