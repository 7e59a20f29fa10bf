using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// Edge, broker and centre in networks of their own, and the cables between them cut, cut in one direction, lossy, resetting, slow: what goes through
/// at all goes on, what does not goes on by itself when the cable is whole again, and in the end everything is there once.
/// </summary>
public sealed class NetworkFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan LongCut = TimeSpan.FromSeconds(20);

    [FaultFact("mosquitto", NetworkSpaces.Programs, "nft", "tc")]
    public Task Whatever_happens_to_the_centres_cable_everything_arrives_once() => BreakAsync("centre");

    [FaultFact("mosquitto", NetworkSpaces.Programs, "nft", "tc", IsLong = true)]
    public Task Whatever_happens_to_the_edges_cable_everything_arrives_once() => BreakAsync("edge");

    /// <summary>The centre says that nothing comes; nothing is delivered any more, accepting goes on, the accounts hold.</summary>
    private static async Task HoldsUpAsync(Site site, string what)
    {
        await Eventually.TrueAsync(async () => await TroubleAsync(site) is not null, $"{what}: the centre says so", TimeSpan.FromSeconds(60));
        if (FaultRun.IsAll)
        {
            await Task.Delay(LongCut);
        }

        // What had arrived at the centre may still be confirmed, or not. A block has no more than a few hundred events.
        MailboxBooks? before = null;
        await Eventually.TrueAsync(
            async () =>
            {
                var now = await site.BooksAsync();
                before = now.Delivered == before?.Delivered ? before : now;
                return now.Accepted > before.Accepted + 1000;
            },
            $"{what}: nothing is delivered, and the edge goes on accepting",
            TimeSpan.FromSeconds(60));
    }

    private static async Task<string?> TroubleAsync(Site site) => (await site.ClientAsync()).GetProperty("trouble").GetString();

    private async Task BreakAsync(string side)
    {
        await using var spaces = await NetworkSpaces.CreateAsync();
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync(_ => [], "0.0.0.0", NetworkSpaces.In(spaces.Broker));
        await using var site = new Site(
            new SiteOptions
            {
                Sources = feed.Sources,
                BrokerAddress = NetworkSpaces.BrokerAddress,
                Mailbox = "block_ttl_sec: 1, max_block_size: 8KiB",
                Replicator = ["chunk_size: 4KiB"],
                Fetch = "interval: 200ms, timeout: 2",
            },
            broker.Port);
        site.Edge.Under = NetworkSpaces.In(spaces.Edge);
        site.Centre.Under = NetworkSpaces.In(spaces.Centre);
        await site.StartAsync();
        await GoesOnAsync(site, "nothing", 100);

        var (space, device) = side == "edge" ? (spaces.Edge, "to1") : (spaces.Centre, "to2");
        var port = broker.Port.ToString(CultureInfo.InvariantCulture);
        var seconds = FaultRun.Rounds(usual: 3, all: 20);

        // Nothing goes through.
        await NetworkSpaces.FilterAsync(space, "drop");
        await HoldsUpAsync(site, "nothing is received");
        await NetworkSpaces.FilterAsync(space);
        await GoesOnAsync(site, "nothing is received", 100);

        await NetworkSpaces.FilterAsync(spaces.Broker, $"iifname {device} drop");
        await HoldsUpAsync(site, "what is sent is lost");
        await NetworkSpaces.FilterAsync(spaces.Broker);
        await GoesOnAsync(site, "what is sent is lost", 100);

        await NetworkSpaces.LinkAsync(space, isUp: false);
        await HoldsUpAsync(site, "the cable is out");
        await NetworkSpaces.LinkAsync(space, isUp: true);
        await spaces.RouteAsync(space);
        await GoesOnAsync(site, "the cable is out", 100);

        // Something does.
        await NetworkSpaces.FilterAsync(space, "numgen random mod 100 < 30 counter drop");
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        await GoesOnAsync(site, "30 of 100 packets are lost", FaultRun.Rounds(usual: 50, all: 500));
        await Eventually.TrueAsync(async () => await NetworkSpaces.FilteredAsync(space) >= 5, "packets are lost", TimeSpan.FromSeconds(60));
        await NetworkSpaces.FilterAsync(space);

        await NetworkSpaces.FilterAsync(spaces.Broker, $"iifname {device} tcp dport {port} numgen random mod 100 < 5 counter reject with tcp reset");
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        await GoesOnAsync(site, "5 of 100 packets are answered by a reset", FaultRun.Rounds(usual: 50, all: 500));
        await Eventually.TrueAsync(async () => await NetworkSpaces.FilteredAsync(spaces.Broker) >= 1, "packets are answered by a reset", TimeSpan.FromSeconds(60));
        await NetworkSpaces.FilterAsync(spaces.Broker);

        await NetworkSpaces.RateAsync(space, "up0", "256kbit");
        await NetworkSpaces.RateAsync(spaces.Broker, device, "256kbit");
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        await GoesOnAsync(site, "256 kbit/s", FaultRun.Rounds(usual: 100, all: 2000));
        await NetworkSpaces.RateAsync(space, "up0", null);
        await NetworkSpaces.RateAsync(spaces.Broker, device, null);

        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        var stream = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal((0UL, (ulong)(await site.BooksAsync()).Accepted), (stream.MissingCount, stream.Received));
    }

    private async Task GoesOnAsync(Site site, string what, long events)
    {
        var before = await site.BooksAsync();
        var watch = Stopwatch.StartNew();
        try
        {
            await Eventually.TrueAsync(
                async () => (await site.BooksAsync()).Delivered >= before.Delivered + events && await TroubleAsync(site) is null,
                $"{what}: blocks are delivered",
                TimeSpan.FromSeconds(120));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}: {before}, {await site.BooksAsync()}\n{site.Outputs}", e);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {events} events after {watch.Elapsed.TotalSeconds:0.0} s"));
    }
}
