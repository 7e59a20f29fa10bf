using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// SIGKILL so soon after the start that most starts are not done, again and again, of one process while the others work: what is in the middle of a
/// recovery is killed in it, and its successor too.
/// </summary>
public sealed class TightKillTests(ITestOutputHelper output)
{
    [FaultTheory("mosquitto")]
    [InlineData("collector")]
    [InlineData("edge")]
    [InlineData("centre")]
    public async Task Thirty_kills_within_milliseconds_lose_nothing(string victim)
    {
        var rounds = FaultRun.Rounds(usual: 30, all: 300);
        var random = Seed.Next(output);
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 1, max_block_size: 4KiB" }, broker.Port);
        await site.StartAsync();
        await using var claims = new Claims(site);
        var process = victim switch { "collector" => site.Collector, "edge" => site.Edge, _ => site.Centre };
        var works = 0;
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < rounds; round++)
        {
            // A start takes about this long on a quiet machine; every fifth one gets as far as to work.
            if (round % 5 == 0)
            {
                await SiteWaits.WorksAsync(process);
                works++;
            }

            await Task.Delay(random.Next(5, 300));
            await process.KillAsync();
            if (victim == "collector")
            {
                feed.CollectorKilled(site);
                claims.Keep(Path.Combine(site.Folder, "spool"));
            }

            process.Launch();
        }

        await SiteWaits.WorksAsync(site.Collector, site.Edge, site.Centre);
        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{rounds} kills of the {victim} in {watch.Elapsed.TotalSeconds:0} s, {works} of them at work; {proof}"));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(proof.Delivered, 1, long.MaxValue);
        if (victim == "collector")
        {
            Assert.InRange(claims.MissingIn(await site.ReadHistoryAsync()), long.MinValue, 0);
        }

        var stream = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal((0UL, (ulong)(await site.BooksAsync()).Accepted), (stream.MissingCount, stream.Received));
        Assert.Empty(stream.Losses);
    }
}
