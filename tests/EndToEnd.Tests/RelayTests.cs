using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>Edge, site, centre: what the edge collected passes the site as it is, and the centre has all of it, once, under the edge's own numbers.</summary>
public sealed class RelayTests
{
    [RequiresFact("mosquitto")]
    public async Task Everything_of_the_edge_is_at_the_centre_once_although_the_site_is_killed_again_and_again()
    {
        await using var lower = await MosquittoServer.StartAsync();
        await using var upper = await MosquittoServer.StartAsync();
        await using var plant = new RelayPlant(lower.Port, upper.Port);
        await plant.StartAsync();
        var seen = new List<TelemetryEvent>();
        for (var round = 0; round < (Seed.IsLong ? 10 : 1); round++)
        {
            await FlowsAsync(plant);
            await plant.SiteCollector.KillAsync();
            await plant.SiteCollector.StartAsync();
            await FlowsAsync(plant);
            await plant.SiteReplicators.KillAsync();
            seen.AddRange(SpoolReader.Read(plant.EdgeMailbox));
            await plant.SiteReplicators.StartAsync();
        }

        await FlowsAsync(plant);
        await plant.SiteCollector.KillAsync();
        await plant.SiteReplicators.KillAsync();
        await plant.StartAsync();

        var proof = await plant.ProveAsync(seen);
        Assert.True(proof.Holds, $"{proof}\n{plant.Outputs}");
        var edge = await plant.BooksAsync(RelayPlant.EdgeCollectorId);
        var stream = await plant.StreamAsync("edge1");
        Assert.Equal(("site", 0UL, (ulong)edge.Accepted), (stream.Facts.Mailbox, stream.MissingCount, stream.Facts.HighestSequence));
        Assert.Equal(0UL, (await plant.StreamAsync("site")).MissingCount);
        var (own, relayed) = (await plant.BooksAsync(RelayPlant.SiteCollectorId), await plant.RelayBooksAsync());
        Assert.True(own.Balance && relayed.Balance, $"{own} {relayed}");
        Assert.Equal((0, 0), (relayed.Lost, relayed.Quarantined));
        Assert.InRange(relayed.Delivered, edge.Accepted, long.MaxValue);
        Assert.Equal(edge.Accepted, (await CentreDatabase.ReadAsync(plant.SiteDatabasePath)).Count(RelayPlant.IsOfEdge));
    }

    [RequiresFact("mosquitto")]
    public async Task A_site_that_confirms_before_the_centres_mailbox_has_the_block_is_found_out()
    {
        await using var lower = await MosquittoServer.StartAsync();
        await using var upper = await MosquittoServer.StartAsync();
        await using var tap = await BusTap.StartAsync(lower.Port);
        await using var plant = new RelayPlant(lower.Port, upper.Port);
        await plant.Edge.StartAsync();
        await Eventually.TrueAsync(() => SpoolReader.SealedBlocks(plant.EdgeMailbox).Count >= 3, "blocks are closed");
        var lied = await LyingTarget.ConfirmAllAsync(plant.Key, "edge1", "site", tap);
        await plant.StartAsync();

        var proof = await plant.ProveAsync([]);
        Assert.Equal((long)lied, proof.Missing);
        Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
        // Two levels up the hole is seen all the same: by the edge's own sequence numbers.
        Assert.Equal(lied, (await plant.StreamAsync("edge1")).MissingCount);
    }

    [RequiresFact("mosquitto")]
    public async Task What_expires_at_the_site_is_named_in_the_ledger_and_is_a_hole_in_the_edges_stream_at_the_centre()
    {
        await using var lower = await MosquittoServer.StartAsync();
        await using var upper = await MosquittoServer.StartAsync();
        await using var plant = new RelayPlant(lower.Port, upper.Port, "replicate_remote: true, keep: 1");
        await plant.Edge.StartAsync();
        await plant.SiteCollector.StartAsync();
        await plant.SiteReplicators.StartAsync();
        await Eventually.TrueAsync(async () => (await plant.RelayBooksAsync()).Lost > 0, "relayed blocks expire", TimeSpan.FromSeconds(30));
        // No more of them, so that none is given up while it is on its way.
        Assert.Equal(0, await plant.SiteCollector.TerminateAsync());
        plant.Edit("site-collector.yml", "keep: 1 ", "keep: 1h ");
        await plant.SiteCollector.StartAsync();
        await plant.Centre.StartAsync();
        await Eventually.TrueAsync(async () => (await plant.RelayBooksAsync()).Delivered > 0, "the centre fetches", TimeSpan.FromSeconds(30));

        var proof = await plant.ProveAsync([]);
        var relayed = await plant.RelayBooksAsync();
        Assert.True(relayed.Balance, relayed.ToString());
        Assert.Equal(relayed.Lost, proof.Missing);
        Assert.Equal((ulong)proof.Missing, (await plant.StreamAsync("edge1")).MissingCount);
        var losses = (await plant.StreamAsync("site")).Losses;
        Assert.InRange((long)losses.Sum(l => (decimal)l.Events), proof.Missing, long.MaxValue);
    }

    /// <summary>Some blocks have gone all the way since now.</summary>
    private static async Task FlowsAsync(RelayPlant plant)
    {
        var before = (await plant.RelayBooksAsync()).Delivered;
        await Eventually.TrueAsync(
            async () => (await plant.RelayBooksAsync()).Delivered > before + 100, "blocks of the edge go through the site", TimeSpan.FromSeconds(30));
    }
}
