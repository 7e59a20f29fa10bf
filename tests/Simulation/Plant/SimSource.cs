using ZfRepl.Collector.Sources;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Simulation.Plant;

/// <summary>
/// A collector's source that stands for OPC UA: hands in notifications one after the other, and acknowledges each when all mailboxes have made it
/// durable; some come twice.
/// </summary>
/// <param name="server">The plant.</param>
/// <param name="process">The collector.</param>
/// <param name="random">Decides what comes twice.</param>
/// <param name="acksEarly">Acknowledges without waiting for anything.</param>
/// <param name="acknowledged">Told of what the collector answers for from now on.</param>
internal sealed class SimSource(
    PlantServer server, SimProcess process, Random random, bool acksEarly, Action<PlantNotification> acknowledged) : ITelemetrySource
{
    public const string SourceName = "plant";

    public string Name => SourceName;

    public SourceState State { get; } = new(true, "simulated");

    public async Task RunAsync(IIntake intake, CancellationToken cancellationToken)
    {
        var batch = new EventBatch(intake.Oids);
        var behind = (0UL, 0UL);
        while (true)
        {
            var notification = await server.NextAsync(behind, cancellationToken);
            behind = (notification.Incarnation, notification.Sequence);
            await HandInAsync(intake, batch, notification, cancellationToken);
            if (random.Next(20) == 0)
            {
                await HandInAsync(intake, batch, notification, cancellationToken);
            }
        }
    }

    private async Task HandInAsync(IIntake intake, EventBatch batch, PlantNotification notification, CancellationToken cancellationToken)
    {
        batch.Clear();
        var first = intake.NextIeids(notification.Readings.Count);
        for (var i = 0; i < notification.Readings.Count; i++)
        {
            var reading = notification.Readings[i];
            batch.Add(new TelemetryEvent(
                reading.Oid, reading.TimeNs, reading.Status, reading.Quality, reading.Value, first with { Counter = first.Counter + (ulong)i }));
        }

        if (acksEarly)
        {
            Acknowledge(notification);
        }

        var durable = await intake.TakeAsync(batch, new SourcePosition(Name, notification.Incarnation, notification.Sequence), cancellationToken);
        _ = AcknowledgeAsync(notification, durable);
    }

    private async Task AcknowledgeAsync(PlantNotification notification, Task<bool> durable)
    {
        try
        {
            if (await durable)
            {
                process.Enter();
                Acknowledge(notification);
            }
        }
        catch (SimulatedCrashException)
        {
            // The server keeps it.
        }
    }

    private void Acknowledge(PlantNotification notification)
    {
        server.Acknowledge(notification);
        acknowledged(notification);
    }
}
