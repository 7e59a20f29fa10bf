using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using ZfRepl.Cli.Proof;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl proof</c>, <c>zfrepl proof verify</c>, <c>zfrepl proof key</c>: the proof that nothing was lost.</summary>
internal static class ProofCommand
{
    private const string Description = """
        Prove that nothing of a node was lost: both sides' books, the chain of blocks, and the databases compared by item and hour.

        Run it at the target. Exits 0 when the databases agree and the rest is accounted for by name, 4 when something is missing or altered, 75 when that can't be told yet.

        Examples:
          zfrepl proof --node edge1
          zfrepl proof --node edge1 --from 2026-01-01 --to 2026-01-02 --out proof-2026-01-01.json
          zfrepl proof --node edge1 --repair
        """;

    private const string VerifyDescription = """
        Check a proof's file: signatures, sums, chain, and whether the verdict follows from the numbers. No service is needed.

        Whose key it is only a comparison of its fingerprint tells, which `proof key` prints at the node that stated it. Exits 4 when anything is wrong with the
        file, and for a sound one as `proof` does: 0, 4 or 75 by its verdict.

        Examples:
          zfrepl proof verify proof-2026-01-01.json
          zfrepl proof verify proof-2026-01-01.json --key centre.pem
        """;

    private const string KeyDescription = """
        Print the public key that a service signs its statements with, and its fingerprint.

        The key goes to the output as PEM, the fingerprint to the error output.

        Example:
          zfrepl proof key --svc eva.zfrepl.default.replicator > centre.pem
        """;


    public static Command Create()
    {
        var node = new Option<string?>("--node") { Description = "the source node", HelpName = "NODE" };
        var from = Time("--from", "first time compared (default: a day before the last)");
        var to = Time("--to", "last time compared (default: five seconds before now, by the clock of the source)");
        var output = new Option<string?>("--out") { Description = "write the signed proof to a file that does not exist yet", HelpName = "FILE" };
        var repair = new Option<bool>("--repair") { Description = "have the source fill the hours of the items in which something is missing, and compare again" };
        var service = SharedOptions.Service();
        var bus = SharedOptions.Bus();
        var json = new Option<bool>("--json") { Description = "print the signed proof instead of tables" };
        var command = new Command("proof", Description) { node, from, to, output, repair, service, bus, json };
        command.Subcommands.Add(Verify());
        command.Subcommands.Add(Key());
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new ProofRequest(
                SharedOptions.SocketFolderOf(parsed.GetValue(bus)),
                parsed.GetValue(service),
                parsed.GetValue(node),
                parsed.GetValue(from),
                parsed.GetValue(to),
                parsed.GetValue(repair),
                parsed.GetValue(output),
                parsed.GetValue(json)),
            cancellationToken));
        return command;
    }

    private static Command Verify()
    {
        var file = new Argument<string>("FILE") { Description = "a proof that was written by --out" };
        var key = new Option<string?>("--key") { Description = "file with the public key that must have signed it", HelpName = "FILE" };
        var command = new Command("verify", VerifyDescription) { file, key };
        command.SetAction((parsed, _) => Task.FromResult(ProofVerification.Run(parsed.GetRequiredValue(file), parsed.GetValue(key))));
        return command;
    }

    private static Command Key()
    {
        var service = SharedOptions.Service();
        var bus = SharedOptions.Bus();
        var command = new Command("key", KeyDescription) { service, bus };
        command.SetAction((parsed, cancellationToken) =>
            KeyAsync(SharedOptions.SocketFolderOf(parsed.GetValue(bus)), parsed.GetValue(service), cancellationToken));
        return command;
    }

    private static Option<DateTimeOffset?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            if (TimeText.TryParse(result.Tokens[0].Value, TimeProvider.System.GetUtcNow(), TimeZoneInfo.Local, out var time, out var problem))
            {
                return time;
            }

            result.AddError($"{name}: {problem}");
            return null;
        },
    };

    private static async Task<int> RunAsync(ProofRequest request, CancellationToken cancellationToken)
    {
        if (request.Node is not { Length: > 0 })
        {
            return await SayAsync("--node NODE says which source is meant; zfrepl status names them", ExitCode.Usage);
        }

        if (request is { From: { } from, To: { } to } && from > to)
        {
            return await SayAsync("--to is before --from: swap them", ExitCode.Usage);
        }

        if (request.Output is { } path && (path.Length == 0 || File.Exists(path) || Directory.Exists(path)))
        {
            return await SayAsync(path.Length == 0 ? "--out: a path is not empty" : $"--out: {path} exists already", ExitCode.Usage);
        }

        var (service, id, code) = await StartAsync(request, cancellationToken);
        if (service is null || id is null)
        {
            return code;
        }

        var (proof, failed) = await WaitAsync(request.Folder, service, id, cancellationToken);
        return proof is null ? failed : await ShowAsync(request, proof);
    }

    /// <summary>Begins at the service that fetches from the node.</summary>
    private static async Task<(string? Service, string? Id, int Code)> StartAsync(ProofRequest request, CancellationToken cancellationToken)
    {
        var ids = request.Service is { } only ? [only] : ServiceSockets.List(request.Folder).Select(s => s.ServiceId).ToArray();
        if (ids.Length == 0)
        {
            return (null, null, await SayAsync(NoServices.In(request.Folder), ExitCode.Unreachable));
        }

        RpcReply? failure = null;
        var at = ids[0];
        foreach (var service in ids)
        {
            var parameters = new JsonObject { ["i"] = request.Node, ["repair"] = request.Repair };
            AddTime(parameters, "t_start", request.From);
            AddTime(parameters, "t_end", request.To);
            switch (await ServiceCalls.CallAsync(request.Folder, service, "proof.start", parameters, cancellationToken))
            {
                case RpcReply.Value value:
                    return (service, value.Result.GetProperty("id").GetString(), ExitCode.Ok);
                case RpcReply.RemoteError { Code: RpcErrorCode.MethodNotFound } when request.Service is null:
                    break;
                case var other when failure is null or RpcReply.RemoteError { Code: RpcErrorCode.NotFound }:
                    (failure, at) = (other, service);
                    break;
                default:
                    break;
            }
        }

        return failure is RpcReply.RemoteError { Code: RpcErrorCode.MethodNotFound }
            ? (null, null, await SayAsync($"{at} makes no proofs: run it at the target, at the replicator that fetches from {request.Node}", ExitCode.Usage))
            : failure is not null ? (null, null, await CallFailure.ReportAsync(at, "proof.start", failure, request.Folder))
            : (null, null, await SayAsync($"no service in {request.Folder} fetches from {request.Node}: run it at the target", ExitCode.NotFound));
    }

    private static async Task<(string? Proof, int Code)> WaitAsync(string folder, string service, string id, CancellationToken cancellationToken)
    {
        using var progress = new ProofProgressLine(Console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        long? version = null;
        try
        {
            while (true)
            {
                var parameters = new JsonObject { ["id"] = id };
                if (version is not null)
                {
                    parameters["after"] = version;
                }

                var reply = await ServiceCalls.CallAsync(folder, service, "proof.state", parameters, cancellationToken);
                if (reply is not RpcReply.Value { Result: var state })
                {
                    progress.Erase();
                    return (null, await CallFailure.ReportAsync(service, "proof.state", reply, folder));
                }

                version = state.GetProperty("version").GetInt64();
                if (state.GetProperty("proof").GetString() is { } proof)
                {
                    return (proof, ExitCode.Ok);
                }

                if (state.TryGetProperty("trouble", out var trouble))
                {
                    progress.Erase();
                    return (null, await SayAsync(
                        trouble.GetProperty("detail").GetString()!, trouble.GetProperty("later").GetBoolean() ? ExitCode.TryLater : ExitCode.Failed));
                }

                progress.Show(state.GetProperty("doing").GetString()!, state.GetProperty("done").GetInt64(), state.GetProperty("total").GetInt64());
            }
        }
        catch (OperationCanceledException)
        {
            _ = await ServiceCalls.CallAsync(folder, service, "proof.cancel", new JsonObject { ["id"] = id }, CancellationToken.None);
            throw;
        }
    }

    private static async Task<int> ShowAsync(ProofRequest request, string text)
    {
        SourceStatement? source = null;
        if ((ProofContent.TryRead(text, out var document, out var proof) ?? proof!.TryReadStatement(out _, out source)) is { } wrong)
        {
            return await SayAsync($"the service's proof can't be read: {wrong}", ExitCode.Failed);
        }

        if (request.Json)
        {
            Console.Out.Write(text);
        }
        else
        {
            ProofReport.Print(document!, proof!, source!);
        }

        if (request.Output is { } path)
        {
            var written = Write(path, text);
            if (!written.IsOk)
            {
                return await SayAsync($"the proof can't be written: {written.Error}", ExitCode.Failed);
            }

            await Console.Error.WriteLineAsync($"the signed proof is in {path}");
        }

        return ProofVerification.CodeOf(proof!.Verdict);
    }

    private static async Task<int> KeyAsync(string folder, string? service, CancellationToken cancellationToken)
    {
        var (answers, code) = await ServiceCalls.AskAsync(folder, service, "proof.key", () => null, cancellationToken);
        foreach (var answer in answers)
        {
            Console.WriteLine(answer.Result.GetProperty("pem").GetString());
            await Console.Error.WriteLineAsync($"{answer.Service}: fingerprint {answer.Result.GetProperty("fingerprint").GetString()}");
        }

        return answers.Count == 0 && code == ExitCode.Ok ? await SayAsync($"no service in {folder} signs statements", ExitCode.NotFound) : code;
    }

    private static StorageResult Write(string path, string text)
    {
        var full = Path.GetFullPath(path);
        var created = DiskStorage.Instance.CreateNew(full);
        if (!created.IsOk)
        {
            return created.Error;
        }

        using var file = created.Value;
        var written = file.WriteAt(0, Encoding.UTF8.GetBytes(text));
        written = written.IsOk ? file.SyncData() : written;
        return written.IsOk ? DiskStorage.Instance.SyncFolder(Path.GetDirectoryName(full)!) : written;
    }

    private static void AddTime(JsonObject parameters, string name, DateTimeOffset? time)
    {
        if (time is { } given)
        {
            var ticks = (given - DateTimeOffset.UnixEpoch).Ticks;
            parameters[name] = new JsonArray(ticks / TimeSpan.TicksPerSecond, ticks % TimeSpan.TicksPerSecond * 100);
        }
    }

    private static async Task<int> SayAsync(string text, int code)
    {
        await Console.Error.WriteLineAsync($"zfrepl: {text}");
        return code;
    }

    private sealed record ProofRequest(
        string Folder, string? Service, string? Node, DateTimeOffset? From, DateTimeOffset? To, bool Repair, string? Output, bool Json);
}
