using ZfRepl.Benchmarks.Running;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>One spool that was filled and emptied.</summary>
/// <param name="Events">The events that went through.</param>
/// <param name="OpenBytes">What they took on the edge's disk before the last block was closed.</param>
/// <param name="SpoolBytes">What they took on the edge's disk in closed blocks.</param>
/// <param name="BusBytes">What was given to the bus, both directions.</param>
/// <param name="Taken">What fetching, importing and confirming took, both nodes together.</param>
internal sealed record Drained(EventBatch Events, long OpenBytes, long SpoolBytes, long BusBytes, Taken Taken);

/// <summary>
/// A spool that waits is fetched, verified, imported, confirmed and removed, by the product's own classes on both sides. That
/// nothing is lost, nothing is left and nothing came twice is checked each time.
/// </summary>
internal static class Drain
{
    /// <summary>Fills a spool and drains it over any bus.</summary>
    /// <param name="bench">Where.</param>
    /// <param name="edgeBus">The edge's side of the bus.</param>
    /// <param name="centreBus">The other side.</param>
    /// <param name="make">Makes the events.</param>
    /// <param name="oneByOne">True to hand in each event when the one before is durable, so that each gets a frame of its own.</param>
    /// <param name="history">The centre's history database, which is disposed with the centre; null for SQLite.</param>
    public static async Task<Drained> RunAsync(
        Bench bench,
        IMessageBus edgeBus,
        IMessageBus centreBus,
        Func<OidTable, EventBatch> make,
        bool oneByOne = false,
        IHistoryDatabase? history = null)
    {
        var key = Edge.NewKey(ApiKey.Generate());
        var folder = bench.Folder.New("edge");
        await using var edge = await Edge.OpenAsync(folder);
        var centreFolder = bench.Folder.New("centre");
        await using var centre = history is null
            ? await Centre.OpenAsync(centreBus, key, centreFolder)
            : Centre.Open(centreBus, key, centreFolder, history);
        edge.Serve(edgeBus, key);

        // Meanwhile both get to their broker: a drain is measured, not a connection.
        var events = make(edge.Spool.Intake.Oids);
        await (oneByOne ? edge.Spool.TakeOneByOneAsync(events) : edge.Spool.TakeAsync(events));
        var openBytes = BenchFolder.BytesIn(folder);
        await edge.Spool.SealAsync();
        var spoolBytes = (await edge.Spool.Mailbox.ListAsync(CancellationToken.None)).Sum(b => b.Block.LengthBytes);
        var taken = await Meter.MeasureAsync(() =>
        {
            centre.Start();
            return centre.FetchedAsync(events.Count);
        });
        await centre.ExpectAsync(events.Count);
        var left = (await edge.Spool.Mailbox.StatusAsync(CancellationToken.None)).BacklogEvents;
        if (left > 0)
        {
            throw new InvalidOperationException($"{left} events are still in the spool.");
        }

        return new Drained(events, openBytes, spoolBytes, centre.State.SentBytes + centre.State.ReceivedBytes, taken);
    }
}
