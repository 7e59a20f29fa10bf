using System.Globalization;

namespace ZfRepl.Cli.Demo;

/// <summary>The settings of a demo.</summary>
/// <param name="Length">How long the plant runs.</param>
/// <param name="Rate">Its changes per second.</param>
/// <param name="Variables">Its variables.</param>
/// <param name="Folder">The folder of the demo's data.</param>
internal sealed record DemoOptions(TimeSpan Length, double Rate, int Variables, string Folder);

/// <summary>What came of a demo.</summary>
/// <param name="Proof">The comparison.</param>
/// <param name="Accepted">Events that became durable at the edge.</param>
/// <param name="LostAtEdge">Events that the edge gave up.</param>
/// <param name="LinkCuts">How often the link was cut.</param>
/// <param name="Kills">How many processes were killed.</param>
/// <param name="WireBytes">Bytes over the link, both ways.</param>
/// <param name="Seconds">How long it took, draining included.</param>
internal sealed record DemoOutcome(DemoProof Proof, long Accepted, long LostAtEdge, int LinkCuts, int Kills, long WireBytes, double Seconds);

/// <summary>The main job from end to end, under fire: plant → edge → broker → centre, while the link is cut and processes are killed.</summary>
internal sealed class DemoRun(DemoOptions options, DemoProgress progress, TimeProvider time)
{
    private static readonly TimeSpan ShowInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(120);

    private DemoAccounts _accounts;
    private long _received;

    /// <summary>Runs it.</summary>
    /// <exception cref="DemoException">It can't go on; the message says why.</exception>
    public async Task<DemoOutcome> RunAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var files = new DemoFiles(options.Folder);
        var services = new DemoServices(files.SocketFolder, time);
        await using var stage = new DemoStage(files, services, options.Variables, time);
        progress.Say($"starting a plant with {options.Variables} variables, a broker, two nodes in {files.Root}");
        await stage.SetUpAsync(cancellationToken);
        progress.Say(string.Create(
            CultureInfo.InvariantCulture, $"the collector watches the plant; {options.Rate:0.#} changes a second for {options.Length.TotalSeconds:0} s"));
        await stage.StartPlantAsync(options.Rate);
        await RunUnderFireAsync(stage, services, cancellationToken);
        var produced = await stage.StopPlantAsync(cancellationToken);
        progress.Say(string.Create(CultureInfo.InvariantCulture, $"the plant stands still after {produced:N0} changes; what waits is drained"));
        await DrainAsync(stage, services, produced, cancellationToken);
        await stage.CloseAsync(cancellationToken);
        progress.Say("all services have ended; comparing the plant's log with the centre's database");
        var proof = await DemoProof.CompareAsync(files.PlantLog, files.Database, cancellationToken);
        return new DemoOutcome(
            proof, _accounts.Accepted, _accounts.Lost, stage.LinkCuts, stage.Kills, stage.WireBytes, time.GetElapsedTime(begun).TotalSeconds);
    }

    private async Task RunUnderFireAsync(DemoStage stage, DemoServices services, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        foreach (var (at, blow) in DemoPlan.For(options.Length))
        {
            await ShowUntilAsync(begun, at, stage, services, cancellationToken);
            progress.Say(DemoPlan.Describe(blow));
            await stage.StrikeAsync(blow, cancellationToken);
        }

        await ShowUntilAsync(begun, options.Length, stage, services, cancellationToken);
    }

    private async Task ShowUntilAsync(long begun, TimeSpan at, DemoStage stage, DemoServices services, CancellationToken cancellationToken)
    {
        while (time.GetElapsedTime(begun) is var now && now < at)
        {
            await ShowAsync(stage, services, cancellationToken);
            var left = at - time.GetElapsedTime(begun);
            await Task.Delay(left < ShowInterval ? TimeSpan.FromTicks(Math.Max(1, left.Ticks)) : ShowInterval, time, cancellationToken);
        }
    }

    private async Task DrainAsync(DemoStage stage, DemoServices services, long produced, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (time.GetElapsedTime(begun) < DrainLimit)
        {
            await ShowAsync(stage, services, cancellationToken);
            if (_accounts.Backlog == 0 && _accounts.Accepted >= produced && _received >= _accounts.Accepted - _accounts.Lost)
            {
                return;
            }

            await Task.Delay(ShowInterval, time, cancellationToken);
        }

        progress.Say(string.Create(CultureInfo.InvariantCulture, $"not drained within {DrainLimit.TotalSeconds:0} s; the comparison will tell what is missing"));
    }

    private async Task ShowAsync(DemoStage stage, DemoServices services, CancellationToken cancellationToken)
    {
        // A service that is being started again does not answer; the figures before stand until it does.
        _accounts = await services.AccountsAsync(cancellationToken) ?? _accounts;
        _received = await services.ReceivedAsync(cancellationToken) ?? _received;
        progress.Show(new DemoFigures(
            await stage.PlantCountAsync(cancellationToken), _accounts.Accepted, _accounts.Backlog, _received, stage.IsLinkUp));
    }
}
