using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// SIGKILL just before the Nth of each of the system calls that make things durable, in a cycle of start, accept, close, confirm and delete: before
/// every single step there is a process that ends there.
/// </summary>
public sealed class SyscallKillTests(ITestOutputHelper output)
{
    // More than one cycle needs of each call; a number that is never reached is a run without a kill, and is told apart.
    private const int MostCalls = 40;

    // The exit code of a process that SIGKILL ended.
    private const int Killed = 137;

    [FaultTheory("mosquitto", "strace")]
    [InlineData("pwrite64", 1, 4, 9)]
    [InlineData("fsync", 1, 3, 7)]
    [InlineData("fdatasync", 1, 3, 6)]
    [InlineData("rename", 1, 2)]
    [InlineData("unlink", 1, 4)]
    public async Task A_kill_of_the_collector_before_any_step_loses_nothing(string call, params int[] usual)
    {
        await using var feed = new GeneratorFeed(2);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed), broker.Port);
        await site.StartAsync();
        await using var claims = new Claims(site);
        var hits = await KillAtEachAsync(site.Collector, call, usual, () =>
        {
            feed.CollectorKilled(site);
            claims.Keep(Path.Combine(site.Folder, "spool"));
        });
        await ProveAsync(site, feed, call, hits);
        Assert.InRange(claims.MissingIn(await site.ReadHistoryAsync()), long.MinValue, 0);
    }

    /// <summary>Verify, import in one transaction with the row that says so, confirm: the centre ends before each write, sync and message of it.</summary>
    [FaultTheory("mosquitto", "strace")]
    [InlineData("pwrite64", 5, 21)]
    [InlineData("fdatasync", 1, 4)]
    [InlineData("sendto", 3, 9)]
    public async Task A_kill_of_the_centre_before_any_step_doubles_nothing(string call, params int[] usual)
    {
        await using var feed = new GeneratorFeed(2);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed), broker.Port);
        await site.StartAsync();
        var hits = await KillAtEachAsync(site.Centre, call, usual, () => { });
        await ProveAsync(site, feed, call, hits);
    }

    private static SiteOptions Options(GeneratorFeed feed) =>
        new() { Sources = feed.Sources, Mailbox = "block_ttl_sec: 1, max_block_size: 4KiB", Fetch = "interval: 100ms, timeout: 2" };

    private static async Task<(int Hits, int Numbers)> KillAtEachAsync(ZfReplProcess victim, string call, int[] usual, Action killed)
    {
        // The early ones are the recovery's.
        int[] numbers = FaultRun.IsAll ? [.. Enumerable.Range(1, MostCalls)] : usual;
        var hits = 0;
        foreach (var number in numbers)
        {
            await victim.KillAsync();
            killed();
            victim.Under = Strace.KillAt(call, number);
            victim.Launch();
            if (number == numbers[0])
            {
                // Every process that works gets as far as to this one, however long that takes.
                Assert.Equal(Killed, await victim.Process.WaitForExitAsync(TimeSpan.FromMinutes(2)));
                hits++;
            }
            else
            {
                hits += await EndsAsync(victim.Process) ? 1 : 0;
            }
        }

        await victim.KillAsync();
        killed();
        victim.Under = [];
        await victim.StartAsync();
        return (hits, numbers.Length);
    }

    private async Task ProveAsync(Site site, GeneratorFeed feed, string call, (int Hits, int Numbers) done)
    {
        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{call}: killed before {done.Hits} of {done.Numbers} calls; {proof}"));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        var stream = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal((0UL, (ulong)(await site.BooksAsync()).Accepted), (stream.MissingCount, stream.Received));
        Assert.Empty(stream.Losses);
    }

    private static async Task<bool> EndsAsync(ExternalProcess process)
    {
        try
        {
            // Enough for a start and a whole cycle under strace; who does not get to the call, or not in time, is killed where it is.
            Assert.Equal(Killed, await process.WaitForExitAsync(TimeSpan.FromSeconds(FaultRun.IsAll ? 8 : 20)));
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
