using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// The power of a database server's box fails: what it had committed, the centre confirmed and the edge deleted is there afterwards. A server that is told
/// to do without syncs loses it, and the same check says so.
/// </summary>
public sealed class DatabasePowerCutTests(ITestOutputHelper output)
{
    private const int Cuts = 30;

    [FaultTheory("mosquitto", PostgresServer.Programs, "mkfs.ext4", IsLong = true)]
    [InlineData("fsync=on", true)]
    [InlineData("fsync=off", false)]
    public async Task Power_cuts_of_postgres_take_nothing_that_was_confirmed(string setting, bool isSafe)
    {
        await using var disk = await LoopDisk.CreateAsync("ext4", sizeMiB: 256);
        await using var server = await PostgresServer.StartInAsync(Path.Combine(disk.Path, "data"), setting);
        using var folder = new TempFolder();
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(DatabaseFaultTests.PostgresOptions(feed, server, folder), broker.Port);
        if (!isSafe)
        {
            // It would not work with this server otherwise.
            site.Edit("centre.yml", "kind: postgresql,", "kind: postgresql, allow_unsafe_server: true,");
        }

        await SettleAsync(site, disk, server.StopAsync, server.StartAgainAsync);
        await CutAsync(site, disk, isSafe ? Cuts : 1, server.KillAsync, server.StartAgainAsync);
        await ProveAsync(site, feed, isSafe);
    }

    [FaultFact("mosquitto", InfluxServer.Program, "mkfs.ext4", IsLong = true)]
    public async Task Power_cuts_of_influxdb_take_nothing_that_was_confirmed()
    {
        await using var disk = await LoopDisk.CreateAsync("ext4", sizeMiB: 256);
        await using var influx = await InfluxServer.StartAsync(folder: disk.Path);
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = DatabaseFaultTests.InfluxSite(feed, influx, broker);
        await SettleAsync(site, disk, () => influx.Process.TerminateAsync(), influx.StartAgainAsync);
        await CutAsync(site, disk, Cuts, () => influx.Process.KillAsync(), influx.StartAgainAsync);
        await ProveAsync(site, feed, isSafe: true);
    }

    /// <summary>What was made before, such as the server's own files and our tables, is on the disk for good.</summary>
    private static async Task SettleAsync(Site site, LoopDisk disk, Func<Task> stopServer, Func<Task> startServer)
    {
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 0, "blocks are confirmed", TimeSpan.FromSeconds(90));
        await stopServer();
        await disk.RestorePowerAsync();
        await startServer();
    }

    private static async Task CutAsync(Site site, LoopDisk disk, int cuts, Func<Task> killServer, Func<Task> startServer)
    {
        for (var cut = 0; cut < cuts; cut++)
        {
            var before = await site.BooksAsync();
            await Eventually.TrueAsync(
                async () => (await site.BooksAsync()).Delivered > before.Delivered + 50, "blocks are confirmed", TimeSpan.FromSeconds(90));

            // It must not hear what a server says whose sync was under way when the disk went: see docs/reliability.md.
            site.Centre.Process.Freeze();
            disk.CutPower();
            await site.Centre.KillAsync();
            await killServer();
            await disk.RestorePowerAsync();
            await startServer();
            site.Centre.Launch();
        }
    }

    private async Task ProveAsync(Site site, GeneratorFeed feed, bool isSafe)
    {
        await SiteWaits.WorksAsync(site.Centre);
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(
            async () => (await site.BooksAsync()).Delivered > before.Delivered + 50, "blocks are confirmed again", TimeSpan.FromSeconds(90));
        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{proof}"));
        if (isSafe)
        {
            Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        }
        else
        {
            Assert.InRange(proof.Missing, 1, long.MaxValue);
            Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
        }
    }
}
