using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl status</c>: what every service here says of itself, as tables or JSON.</summary>
internal static class StatusCommand
{
    private const string Description = """
        Show the accounts and the health of the services that run here.

        For each mailbox: accepted = delivered + backlog + lost + quarantined. Exits 69 when no service runs or one does not answer.

        Examples:
          zfrepl status
          zfrepl status --bus /opt/plant/var/bus.ipc --json
        """;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public static Command Create()
    {
        var bus = SharedOptions.Bus();
        var json = SharedOptions.Json();
        var command = new Command("status", Description) { bus, json };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(SharedOptions.SocketFolderOf(parsed.GetValue(bus)), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string folder, bool json, CancellationToken cancellationToken)
    {
        var sockets = ServiceSockets.List(folder);
        if (sockets.Count == 0)
        {
            await Console.Error.WriteLineAsync($"zfrepl: {NoServices.In(folder)}");
            return ExitCode.Unreachable;
        }

        var services = new List<ServiceStatus>();
        foreach (var socket in sockets)
        {
            services.Add(await AskAsync(socket, cancellationToken));
        }

        if (json)
        {
            var all = new JsonArray([.. services.Select(s => (JsonNode)s.ToJson())]);
            Console.WriteLine(all.ToJsonString(OutputJson.Indented));
        }
        else
        {
            StatusTables.Print(services);
        }

        return services.TrueForAll(s => s.Trouble is null) ? ExitCode.Ok : ExitCode.Unreachable;
    }

    private static async Task<ServiceStatus> AskAsync(ServiceSocket socket, CancellationToken cancellationToken)
    {
        using var client = new RpcClient(socket.Path);
        var status = await client.CallAsync("status", null, Timeout, cancellationToken);
        var health = await client.CallAsync("health", null, Timeout, cancellationToken);
        return new ServiceStatus(
            socket.ServiceId,
            (status as RpcReply.Value)?.Result,
            (health as RpcReply.Value)?.Result,
            status switch
            {
                RpcReply.Value => null,
                RpcReply.RemoteError error => error.Message,
                RpcReply.Unreachable gone => gone.Message,
                _ => "it does not answer in time",
            });
    }
}

/// <summary>What one service said.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Status">Its status, or null.</param>
/// <param name="Health">Its health, or null.</param>
/// <param name="Trouble">Why there is no status, or null.</param>
internal sealed record ServiceStatus(string Id, JsonElement? Status, JsonElement? Health, string? Trouble)
{
    public JsonObject ToJson() => new()
    {
        ["id"] = Id,
        ["status"] = Status is { } status ? JsonNode.Parse(status.GetRawText()) : null,
        ["health"] = Health is { } health ? JsonNode.Parse(health.GetRawText()) : null,
        ["trouble"] = Trouble,
    };
}
