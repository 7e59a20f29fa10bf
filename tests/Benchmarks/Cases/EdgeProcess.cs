using System.Diagnostics;
using System.Globalization;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// An edge node in a process and on a core of its own, so that the processor time of its work is nobody else's. For each line that it is
/// sent it stores W1 anew and answers, when all of it was fetched and confirmed, with the processor time that this took.
/// </summary>
internal sealed class EdgeProcess : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Process _process;

    private EdgeProcess(Process process) => _process = process;

    /// <summary>Starts one on another core than this process is held on. To be called on the program's first thread.</summary>
    /// <param name="key">The API key that both nodes know.</param>
    /// <param name="brokerPort">Where the broker listens.</param>
    /// <param name="events">Events in each round.</param>
    /// <param name="folder">Where the spool is.</param>
    public static EdgeProcess Start(string key, int brokerPort, int events, string folder)
    {
        using var self = Process.GetCurrentProcess();
        var core = self.ProcessorAffinity == 1 && Directory.Exists("/sys/devices/system/cpu/cpu1") ? 1 : 0;
        var process = ChildProcess.StartOn(
            core,
            ["--edge-node", Text(brokerPort), "--events", Text(events), "--dir", folder]);
        process.StandardInput.WriteLine(key);
        return new EdgeProcess(process);
    }

    /// <summary>Lets it store another W1; ends when all of it is confirmed.</summary>
    /// <returns>The processor time of the edge, seconds.</returns>
    public async Task<double> RoundAsync()
    {
        await _process.StandardInput.WriteLineAsync("round");
        await _process.StandardInput.FlushAsync();
        var answer = await _process.StandardOutput.ReadLineAsync();
        return double.Parse(answer ?? throw new InvalidOperationException("The edge has ended."), CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>What that process does.</summary>
    public static async Task<int> RunAsync(int brokerPort, int events, string folder)
    {
        var key = Edge.NewKey(await Console.In.ReadLineAsync() ?? "");
        using var end = new CancellationTokenSource();
        await using var bus = Broker.Connect(brokerPort, Spool.Node);
        var connected = Broker.KeepAsync(bus, end.Token);
        await using (var edge = await Edge.OpenAsync(folder))
        {
            edge.Serve(bus, key);
            for (var round = 1; await Console.In.ReadLineAsync() is not null; round++)
            {
                // Time goes on, so that what arrives is new each time.
                var batch = ReferenceWorkload.Generate(
                    edge.Spool.Intake.Oids, events, (ulong)round, startNs: ReferenceWorkload.StartNs + round * 86_400 * UnixTime.NsPerSecond);
                var before = Environment.CpuUsage.TotalTime;
                await edge.Spool.TakeAsync(batch);
                await edge.Spool.SealAsync();
                while ((await edge.Spool.Mailbox.StatusAsync(CancellationToken.None)).BacklogEvents > 0)
                {
                    await Task.Delay(Pause, TimeProvider.System);
                }

                Console.WriteLine((Environment.CpuUsage.TotalTime - before).TotalSeconds.ToString("R", CultureInfo.InvariantCulture));
            }
        }

        await end.CancelAsync();
        await connected;
        return 0;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
