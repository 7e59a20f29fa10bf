using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Sources.Generator;

/// <summary>What a generator counts.</summary>
public enum GeneratorValue
{
    /// <summary>The time, seconds since 1970 as a float.</summary>
    Time,

    /// <summary>1, 2, 3… since the start.</summary>
    Counter,
}

/// <summary>The settings of a generator.</summary>
/// <param name="Name">The source's name.</param>
/// <param name="Oid">The item that it updates.</param>
/// <param name="Interval">How often.</param>
/// <param name="Value">What it counts.</param>
public sealed record GeneratorOptions(string Name, Oid Oid, TimeSpan Interval, GeneratorValue Value);

/// <summary>
/// A heartbeat: one item, updated at a fixed interval, so that silence of the link can be told from silence of the plant. A beat that could
/// not be taken in time, as while the disk is full, is left out: that is just what a heartbeat is to show.
/// </summary>
internal sealed class GeneratorSource(GeneratorOptions options, TimeProvider time) : ITelemetrySource
{
    private long _beats;

    public string Name => options.Name;

    public SourceState State => new(true, $"{Interlocked.Read(ref _beats)} beats on {options.Oid}");

    public async Task RunAsync(IIntake intake, CancellationToken cancellationToken)
    {
        var batch = new EventBatch(intake.Oids, 1);
        var item = intake.Oids.GetOrAdd(options.Oid);
        using var timer = new PeriodicTimer(options.Interval, time);
        do
        {
            var now = time.GetUtcNow();
            var timeNs = UnixTime.FromDateTimeOffset(now);
            var beat = Interlocked.Increment(ref _beats);
            var value = options.Value == GeneratorValue.Counter
                ? TelemetryValue.From(beat)
                : TelemetryValue.From(now.ToUnixTimeMilliseconds() / 1000.0);
            batch.Clear();
            batch.Add(item, timeNs, 1, 0, value.Kind, value.Bits, null, intake.NextIeids(1), EventFlags.None);
            var durable = await intake.TakeAsync(batch, position: null, cancellationToken);
            await durable.WaitAsync(cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }
}
