using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary>Says on the error output why a call did not work, and with which exit code that ends.</summary>
internal static class CallFailure
{
    /// <summary>Reports.</summary>
    /// <param name="service">The service's id.</param>
    /// <param name="method">The method.</param>
    /// <param name="reply">Anything but a value.</param>
    /// <param name="folder">The folder of the sockets.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> ReportAsync(string service, string method, RpcReply reply, string folder)
    {
        switch (reply)
        {
            case RpcReply.RemoteError error:
                await Console.Error.WriteLineAsync($"zfrepl: {service} {method}: {error.Message} (code {error.Code})");
                return error.Code switch
                {
                    RpcErrorCode.NotFound => ExitCode.NotFound,
                    RpcErrorCode.AccessDenied => ExitCode.Denied,
                    RpcErrorCode.NotReady or RpcErrorCode.Busy => ExitCode.TryLater,
                    RpcErrorCode.InvalidParams or RpcErrorCode.InvalidData or RpcErrorCode.MethodNotFound => ExitCode.Usage,
                    _ => ExitCode.Failed,
                };
            case RpcReply.Unreachable gone:
                var others = gone.Why == RpcTrouble.NoSocket ? $"; {WhoIsThere(folder)}" : "";
                await Console.Error.WriteLineAsync($"zfrepl: {gone.Message} ({gone.Remedy}){others}");
                return gone.Why == RpcTrouble.Denied ? ExitCode.Denied : ExitCode.Unreachable;
            case RpcReply.TimedOut late:
                await Console.Error.WriteLineAsync(
                    $"zfrepl: {service} did not answer within {late.After.TotalSeconds:0.#} s; whether {method} ran is unknown");
                return ExitCode.TryLater;
            default:
                throw new InvalidOperationException($"{reply.GetType().Name} is no failure.");
        }
    }

    private static string WhoIsThere(string folder)
    {
        var running = string.Join(", ", ServiceSockets.List(folder).Select(s => s.ServiceId));
        return running.Length == 0 ? NoServices.In(folder) : $"services there: {running}";
    }
}
