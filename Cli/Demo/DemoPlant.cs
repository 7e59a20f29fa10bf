using System.Globalization;
using Microsoft.Extensions.Logging;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Logging;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Cli.Demo;

/// <summary>
/// The demo's plant, a process of its own: an OPC UA server whose variables change at a rate, and which writes a line for every change, so
/// that what arrived can be held against what happened. It listens to its input: <c>start RATE</c>, <c>count</c>, <c>stop</c>; it ends with its
/// input, so that it never outlives the demo.
/// </summary>
internal sealed class DemoPlant(DemoPlantOptions options, TimeProvider time)
{
    /// <summary>What OIDs of the plant begin with.</summary>
    public const string OidPrefix = "sensor:plant/";

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly List<PlantVariable> _variables = [];
    private long _made;
    private int _next;

    /// <summary>Runs until its input ends.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(TextReader input, CancellationToken cancellationToken)
    {
        using var loggers = ServiceLogging.Create(LogLevel.Warning);
        var pki = new PkiFolder(options.PkiPath, time);
        var own = pki.OpenOrCreateOwn(new CertificateRequestOptions
        {
            ApplicationName = "ZfRepl demo plant",
            ApplicationUri = "urn:zfrepl:demo:plant",
            HostNames = ["localhost"],
            Addresses = [System.Net.IPAddress.Loopback],
            KeyBits = 2048,
        });
        if (own.Certificate is null)
        {
            await Console.Error.WriteLineAsync(own.Problem);
            return ExitCode.Failed;
        }

        using var certificate = own.Certificate;
        await using var log = new StreamWriter(options.LogPath, append: false);
        await using var server = new UaServer(
            new UaServerOptions
            {
                ApplicationUri = "urn:zfrepl:demo:plant",
                ApplicationName = "ZfRepl demo plant",
                Certificate = certificate,
                Validator = new CertificateValidator(pki, new CertificateValidatorOptions(), time),
                Endpoints = [(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt)],
            },
            loggers.CreateLogger("plant"),
            time);
        Build(server.AddressSpace, log);
        var started = await server.StartAsync(cancellationToken);
        if (!started.IsOk)
        {
            await Console.Error.WriteLineAsync(started.Error!.ToString());
            return ExitCode.Failed;
        }

        await SayAsync($"ready {started.Value.ToString(CultureInfo.InvariantCulture)}");
        await ObeyAsync(input, log, cancellationToken);
        return ExitCode.Ok;
    }

    private static async Task SayAsync(string line)
    {
        await Console.Out.WriteLineAsync(line);
        await Console.Out.FlushAsync();
    }

    private void Build(AddressSpace space, StreamWriter log)
    {
        var plant = space.AddFolder("Plant");
        var kinds = Enum.GetValues<PlantKind>();
        for (var i = 0; i < options.Variables; i++)
        {
            var variable = new PlantVariable(kinds[i % kinds.Length], i);
            var first = variable.Next(NowTicks());
            variable.Attach(space.AddVariable(plant, variable.Name, new NodeId(1, variable.Name), first.Value));
            _variables.Add(variable);
            Write(log, first.Event);
        }
    }

    private async Task ObeyAsync(TextReader input, StreamWriter log, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pace = new PlantPace();
        var changing = ChangeAsync(pace, log, end.Token);
        try
        {
            while (await input.ReadLineAsync(cancellationToken) is { } line)
            {
                switch (line.Split(' '))
                {
                    case ["start", var rate]:
                        pace.Set(double.Parse(rate, CultureInfo.InvariantCulture));
                        break;
                    case ["count"]:
                        await SayAsync($"made {Interlocked.Read(ref _made).ToString(CultureInfo.InvariantCulture)}");
                        break;
                    case ["stop"]:
                        pace.Set(0);
                        if (await Task.WhenAny(pace.Idle, changing) == changing)
                        {
                            // It has ended by itself, as when its log can't be written: say why instead of waiting for it.
                            await changing;
                        }

                        await log.FlushAsync(cancellationToken);
                        await SayAsync($"done {Interlocked.Read(ref _made).ToString(CultureInfo.InvariantCulture)}");
                        break;
                    default:
                        await Console.Error.WriteLineAsync($"the plant does not understand '{line}'");
                        break;
                }
            }
        }
        finally
        {
            await end.CancelAsync();
            await changing;
        }
    }

    /// <summary>Makes as many changes as the pace says are due, at every tick.</summary>
    private async Task ChangeAsync(PlantPace pace, StreamWriter log, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        var begun = time.GetTimestamp();
        var rate = 0.0;
        var due = 0.0;
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (pace.Take(out var wanted))
                {
                    (rate, due, begun) = (wanted, 0, time.GetTimestamp());
                }

                var target = rate * time.GetElapsedTime(begun).TotalSeconds;
                for (; due + 1 <= target; due++)
                {
                    Change(log);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the demo.
        }
    }

    private void Change(StreamWriter log)
    {
        var variable = _variables[_next];
        _next = (_next + 1) % _variables.Count;
        var change = variable.Next(NowTicks());

        // Written first: a change that is known to anybody is in the log.
        Write(log, change.Event);
        variable.Set(change.Value);
    }

    private void Write(StreamWriter log, in TelemetryEvent change)
    {
        log.WriteLine(DemoProof.LineOf(change));
        Interlocked.Increment(ref _made);
    }

    private long NowTicks() => UaDateTime.From(time.GetUtcNow()).Ticks;
}

/// <summary>The settings of the plant.</summary>
/// <param name="PkiPath">Its certificates.</param>
/// <param name="LogPath">Where it writes every change.</param>
/// <param name="Variables">How many variables it has.</param>
internal sealed record DemoPlantOptions(string PkiPath, string LogPath, int Variables);

/// <summary>Hands the wanted rate from whoever reads the input to the loop that makes the changes. Thread-safe.</summary>
internal sealed class PlantPace
{
    private readonly Lock _gate = new();
    private double? _wanted;
    private TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the last wanted rate is in force.</summary>
    public Task Idle
    {
        get
        {
            lock (_gate)
            {
                return _taken.Task;
            }
        }
    }

    /// <summary>Wishes for a rate, changes per second.</summary>
    public void Set(double rate)
    {
        lock (_gate)
        {
            _wanted = rate;
            _taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Takes a new wish; false when there is none. What was due at the rate before has been done.</summary>
    public bool Take(out double rate)
    {
        lock (_gate)
        {
            rate = _wanted ?? 0;
            if (_wanted is null)
            {
                return false;
            }

            _wanted = null;
            _taken.SetResult();
            return true;
        }
    }
}
