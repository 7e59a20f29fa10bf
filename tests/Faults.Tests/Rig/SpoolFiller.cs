using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>A mailbox with as many blocks as a long outage leaves, made in a moment by the product's own mailbox.</summary>
internal static class SpoolFiller
{
    /// <summary>The item of all events.</summary>
    public static readonly Oid Item = Oid.Parse("sensor:edge1/filled");

    /// <summary>Makes a mailbox whose events have the values 1, 2, 3… in the order of their times.</summary>
    public static async Task FillAsync(string folder, string aside, int blocks, int eventsInBlock)
    {
        var quarantine = Quarantine.Open(DiskStorage.Instance, aside, TimeProvider.System).Value;
        var options = new MailboxOptions
        {
            Name = Site.Target,
            Node = Site.Source,
            Folder = folder,
            Durability = Durability.Always,
            MaxBlockBytes = 64,
            Coding = BlockCoding.Rows,
        };
        await using var mailbox = new Mailbox(DiskStorage.Instance, quarantine, TimeProvider.System, options, NullLogger.Instance);
        Assert.Null(await mailbox.OpenAsync(CancellationToken.None));
        using var end = new CancellationTokenSource();
        var run = mailbox.RunAsync(end.Token);
        var batch = new EventBatch(new OidTable());
        var start = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow()) - (blocks * eventsInBlock * 1_000_000L);
        for (var block = 0; block < blocks; block++)
        {
            batch.Clear();
            for (var i = (block * eventsInBlock) + 1; i <= (block + 1) * eventsInBlock; i++)
            {
                batch.Add(new TelemetryEvent(Item, start + (i * 1_000_000L), 1, 0, TelemetryValue.From(i), new Ieid(1, (ulong)i)));
            }

            Assert.Equal(AppendResult.Accepted, await await mailbox.EnqueueAsync(batch, null, CancellationToken.None));
        }

        await end.CancelAsync();
        await run;
    }
}
