using System.Globalization;
using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Logging;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Support;

/// <summary>The test assembly as a program: hosts services whose behaviour stands behind their ids, for tests that need a process to signal or kill.</summary>
/// <remarks>Arguments: <c>--wait</c> to wait for a line on stdin first, folder of the sockets, stop limit in seconds, then <c>id=behaviour</c>.</remarks>
internal static class TestHost
{
    /// <summary>
    /// Starts this program as a child of the test. Where the tests run in the background of a script, SIGINT is ignored and every child would
    /// inherit that: <c>env</c> undoes it and becomes the program, under the same process id.
    /// </summary>
    public static ExternalProcess Start(
        string folder, double stopLimitSeconds, IEnumerable<string> services, bool waitForLine = false, IReadOnlyDictionary<string, string?>? environment = null) =>
        ExternalProcess.Start(
            "/usr/bin/env",
            ["--default-signal=INT", Path.Combine(AppContext.BaseDirectory, "ZfRepl.Hosting.Tests"), .. waitForLine ? ["--wait"] : Array.Empty<string>(), folder, stopLimitSeconds.ToString(CultureInfo.InvariantCulture), .. services],
            environment: environment);

    private static async Task<int> Main(string[] args)
    {
        using var loggers = ServiceLogging.Create(LogLevel.Information);
        if (args is ["--wait", ..])
        {
            await Console.Out.WriteLineAsync("waiting");
            await Console.In.ReadLineAsync();
            args = args[1..];
        }

        var host = new ServiceHost(new ServiceHostOptions
        {
            Loggers = loggers,
            StopLimit = TimeSpan.FromSeconds(double.Parse(args[1], CultureInfo.InvariantCulture)),
        });
        return await host.RunAsync([.. args[2..].Select(a => new HostedService(Service(a.Split('=')[0], a.Split('=')[1]), args[0]))]);
    }

    private static ScriptedService Service(string id, string behaviour) => behaviour switch
    {
        "good" => ScriptedService.Ready(id),
        "deaf" => new ScriptedService(id, async (context, _) =>
        {
            context.SignalReady();
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
            return null;
        }),
        "blocking" => new ScriptedService(id, (context, _) =>
        {
            context.SignalReady();
            using var never = new ManualResetEventSlim();
            never.Wait(CancellationToken.None);
            return Task.FromResult<ServiceFailure?>(null);
        }),
        "unready" => new ScriptedService(id, async (_, stop) =>
        {
            await ScriptedService.UntilAsync(stop);
            return null;
        }),
        "refused" => new ScriptedService(id, (_, _) => Task.FromResult<ServiceFailure?>(new ServiceFailure(ExitCode.Denied, "the spool is not ours", "chown it"))),
        "defect" => new ScriptedService(id, async (context, _) =>
        {
            context.SignalReady();
            await Task.Yield();
            throw new InvalidOperationException("the count is negative\nand that cannot be");
        }),
        _ => throw new ArgumentException(behaviour, nameof(behaviour)),
    };
}
