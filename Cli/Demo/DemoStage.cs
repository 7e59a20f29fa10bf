using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ZfRepl.Cli.Commands;

namespace ZfRepl.Cli.Demo;

/// <summary>
/// The demo's processes and the link between them: sets them up, lets the blows fall, and clears everything away. Whatever happens, no
/// process outlives it.
/// </summary>
internal sealed class DemoStage : IAsyncDisposable
{
    private const string ReadyText = "ready ";
    private static readonly TimeSpan RestartAfter = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan WatchLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly DemoFiles _files;
    private readonly DemoServices _services;
    private readonly TimeProvider _time;
    private readonly DemoLink _link;
    private readonly int _brokerPort;
    private readonly DemoNode _plant;
    private readonly Dictionary<string, DemoNode> _nodes = new(StringComparer.Ordinal);

    /// <summary>A stage that <see cref="SetUpAsync"/> fills.</summary>
    public DemoStage(DemoFiles files, DemoServices services, int variables, TimeProvider time)
    {
        _files = files;
        _services = services;
        _time = time;
        _brokerPort = FreePort();
        _link = new DemoLink(_brokerPort);
        _plant = new DemoNode(
            DemoNames.Plant,
            files.Root,
            [
                "demo", "plant", "--pki", files.PlantPki, "--log", files.PlantLog, "--variables", variables.ToString(CultureInfo.InvariantCulture),
            ],
            time);
    }

    /// <summary>How often the link was cut.</summary>
    public int LinkCuts { get; private set; }

    /// <summary>How many processes were killed.</summary>
    public int Kills { get; private set; }

    /// <summary>Whether the link is up.</summary>
    public bool IsLinkUp => _link.IsUp;

    /// <summary>Bytes that passed the link, both ways.</summary>
    public long WireBytes => _link.Bytes;

    /// <summary>Starts everything and waits until the collector watches the plant.</summary>
    public async Task SetUpAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_files.Root);
        _link.Mend();
        var ready = await _plant.StartAsync(ReadyText, cancellationToken);
        _files.Write(int.Parse(ready.AsSpan(ReadyText.Length), CultureInfo.InvariantCulture), _brokerPort, _link.Port);
        Trust(_files.PlantPki, _files.CollectorPki);
        foreach (var name in new[] { DemoNames.Broker, DemoNames.Collector, DemoNames.EdgeReplicator, DemoNames.Centre })
        {
            var node = new DemoNode(name, _files.Root, ["run", _files.ServiceFile(name), "--log-level", "info", RunCommand.EndWithInput], _time);
            _nodes.Add(name, node);
            await node.StartAsync(ReadyText, cancellationToken);
            if (name == DemoNames.Collector)
            {
                // The collector has made its certificate; the plant's operator takes it into the trust list.
                Trust(_files.CollectorPki, _files.PlantPki);
            }
        }

        await WaitUntilWatchingAsync(cancellationToken);
    }

    /// <summary>Lets the plant change at a rate, changes per second.</summary>
    public Task StartPlantAsync(double rate) => _plant.SayAsync(string.Create(CultureInfo.InvariantCulture, $"start {rate}"));

    /// <summary>How many changes the plant has made.</summary>
    public async Task<long> PlantCountAsync(CancellationToken cancellationToken)
    {
        const string Made = "made ";
        await _plant.SayAsync("count");
        var line = await _plant.WaitForLineAsync(Made, cancellationToken);
        return long.Parse(line.AsSpan(Made.Length), CultureInfo.InvariantCulture);
    }

    /// <summary>Lets the plant stand still; its log is complete then.</summary>
    /// <returns>How many changes it made.</returns>
    public async Task<long> StopPlantAsync(CancellationToken cancellationToken)
    {
        const string Done = "done ";
        await _plant.SayAsync("stop");
        var line = await _plant.WaitForLineAsync(Done, cancellationToken);
        return long.Parse(line.AsSpan(Done.Length), CultureInfo.InvariantCulture);
    }

    /// <summary>Lets one blow fall; a killed process is started again a moment later, before this returns.</summary>
    public async Task StrikeAsync(DemoBlow blow, CancellationToken cancellationToken)
    {
        switch (blow)
        {
            case DemoBlow.CutLink:
                _link.Cut();
                LinkCuts++;
                return;
            case DemoBlow.MendLink:
                _link.Mend();
                return;
        }

        var node = _nodes[blow switch
        {
            DemoBlow.KillCollector => DemoNames.Collector,
            DemoBlow.KillEdgeReplicator => DemoNames.EdgeReplicator,
            DemoBlow.KillCentre => DemoNames.Centre,
            _ => DemoNames.Broker,
        }];
        await node.KillAsync();
        Kills++;
        await Task.Delay(RestartAfter, _time, cancellationToken);
        await node.StartAsync(ReadyText, cancellationToken);
    }

    /// <summary>Ends the services in order, so that everything they hold is on disk.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, node) in _nodes.Reverse())
        {
            if (await _services.StopAsync(name, cancellationToken))
            {
                await node.WaitForExitAsync(cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }

        await _plant.DisposeAsync();
        await _link.DisposeAsync();
    }

    private static void Trust(string ownPki, string trustingPki)
    {
        var target = Path.Combine(trustingPki, "trusted", "certs");
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(Path.Combine(ownPki, "own", "certs"), "*.der"))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        }
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private async Task WaitUntilWatchingAsync(CancellationToken cancellationToken)
    {
        var begun = _time.GetTimestamp();
        while (true)
        {
            var (isWatching, state) = await _services.SourceAsync(cancellationToken);
            if (isWatching)
            {
                return;
            }

            if (_time.GetElapsedTime(begun) > WatchLimit)
            {
                throw new DemoException($"the collector does not get to watch the plant: {state}; see {_nodes[DemoNames.Collector].LogPath}");
            }

            await Task.Delay(PollInterval, _time, cancellationToken);
        }
    }
}
