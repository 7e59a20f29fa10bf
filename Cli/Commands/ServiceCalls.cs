using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary>What a service answered.</summary>
/// <param name="Service">Its id.</param>
/// <param name="Result">The answer.</param>
internal sealed record ServiceAnswer(string Service, JsonElement Result);

/// <summary>Calls a method of the services in a folder, one or all of them.</summary>
internal static class ServiceCalls
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>Calls a method of every service that has it; what goes wrong is said on the error output.</summary>
    /// <param name="folder">The folder of the sockets.</param>
    /// <param name="only">One service, or null for all.</param>
    /// <param name="method">The method.</param>
    /// <param name="parametersOf">Its parameters for a service; null calls without any.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>The answers, and the exit code: of the first failure, or of nobody being there.</returns>
    public static async Task<(IReadOnlyList<ServiceAnswer> Answers, int ExitCode)> AskAsync(
        string folder, string? only, string method, Func<JsonObject?> parametersOf, CancellationToken cancellationToken)
    {
        var ids = only is null ? [.. ServiceSockets.List(folder).Select(s => s.ServiceId)] : new[] { only };
        if (ids.Length == 0)
        {
            await Console.Error.WriteLineAsync($"zfrepl: {NoServices.In(folder)}");
            return ([], ExitCode.Unreachable);
        }

        var answers = new List<ServiceAnswer>();
        var code = ExitCode.Ok;
        foreach (var id in ids)
        {
            var reply = await CallAsync(folder, id, method, parametersOf(), cancellationToken);
            if (reply is RpcReply.Value value)
            {
                answers.Add(new ServiceAnswer(id, value.Result));
            }
            else if (only is not null || reply is not RpcReply.RemoteError { Code: RpcErrorCode.MethodNotFound })
            {
                var failed = await CallFailure.ReportAsync(id, method, reply, folder);
                code = code == ExitCode.Ok ? failed : code;
            }
        }

        return (answers, code);
    }

    /// <summary>Calls a method of one service.</summary>
    public static async Task<RpcReply> CallAsync(string folder, string id, string method, JsonObject? parameters, CancellationToken cancellationToken)
    {
        if (!ServiceSockets.TryPathOf(folder, id, out var socket, out var reason))
        {
            return new RpcReply.Unreachable(RpcTrouble.NoSocket, reason, "name a service as zfrepl status does");
        }

        using var client = new RpcClient(socket);
        return await client.CallAsync(method, parameters, Timeout, cancellationToken);
    }
}
