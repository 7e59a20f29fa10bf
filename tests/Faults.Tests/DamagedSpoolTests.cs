using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>A spool of a thousand blocks of which several are damaged in different ways: the collector starts at once, and the accounts name what is gone.</summary>
public sealed class DamagedSpoolTests(ITestOutputHelper output)
{
    private const int Blocks = 1000;
    private const int EventsInBlock = 20;

    [FaultFact("mosquitto")]
    public async Task A_thousand_blocks_with_damage_in_many_are_opened_within_seconds_and_every_event_is_accounted_for()
    {
        var random = Seed.Next(output);
        await using var disk = await SmallDisk.MountAsync(64 * 1024);
        await using var feed = new GeneratorFeed(1, "1s");
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Spool = Path.Combine(disk.Path, "spool") }, broker.Port);
        await SpoolFiller.FillAsync(site.MailboxPath, Path.Combine(disk.Path, "aside"), Blocks, EventsInBlock);
        var files = SpoolReader.SealedBlocks(site.MailboxPath);
        Assert.Equal(Blocks, files.Count);
        var hurt = random.GetItems([.. Enumerable.Range(0, Blocks - 1)], 60).Distinct().ToList();
        for (var i = 0; i < hurt.Count; i++)
        {
            Damage(files[hurt[i]], i % 8, random);
        }

        // What was never a block.
        await File.WriteAllBytesAsync(Path.Combine(site.MailboxPath, "mbb_1600000000"), []);
        await File.WriteAllBytesAsync(Path.Combine(site.MailboxPath, "mbb_1600000001.open"), new byte[3000]);

        var watch = Stopwatch.StartNew();
        await site.Collector.StartAsync();
        var opened = watch.Elapsed;
        // What it cost, since how long it took depends on what else this machine does: within five seconds on one that does nothing else.
        using var process = Process.GetProcessById(site.Collector.Process.Id);
        var cost = process.TotalProcessorTime;
        var first = await site.BooksAsync();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{hurt.Count} of {Blocks} blocks hurt; ready after {opened.TotalSeconds:0.00} s, {cost.TotalSeconds:0.00} s of processor time; {first}"));
        Assert.True(first.Balance, first.ToString());
        Assert.InRange(cost.TotalSeconds, 0, 5);

        site.Edge.Launch();
        site.Centre.Launch();
        await SiteWaits.WorksAsync(site.Edge, site.Centre);
        var books = await site.DrainAsync(TimeSpan.FromSeconds(120));
        Assert.True(books.Balance, books.ToString());
        var delivered = (await site.ReadHistoryAsync()).Where(e => e.Oid.Equals(SpoolFiller.Item)).Select(e => (int)e.Value.AsInt64).ToList();
        Assert.Equal(delivered.Count, delivered.Distinct().Count());
        Assert.All(delivered, v => Assert.InRange(v, 1, Blocks * EventsInBlock));
        var safe = Enumerable.Range(0, Blocks).Except(hurt).SelectMany(b => Enumerable.Range((b * EventsInBlock) + 1, EventsInBlock)).Except(delivered);
        Assert.True(!safe.Any(), $"{safe.Count()} intact ones are missing, {delivered.Count} delivered; {books}\n{site.Outputs}");
        // Accounted for, to the event.
        output.WriteLine($"{delivered.Count} of {Blocks * EventsInBlock} delivered; {books}");
        Assert.Equal((Blocks * EventsInBlock) - delivered.Count, books.Lost + books.Quarantined);
        Assert.InRange(delivered.Count, 1, (Blocks * EventsInBlock) - 1);
    }

    private static void Damage(string path, int kind, Random random)
    {
        var bytes = File.ReadAllBytes(path);
        switch (kind)
        {
            case 0: // one bit anywhere
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case 1: // the end is missing
                bytes = bytes[..random.Next(1, bytes.Length)];
                break;
            case 2:
                bytes = [];
                break;
            case 3: // a sector that was never written
                bytes.AsSpan(random.Next(bytes.Length / 2)).Clear();
                break;
            case 4:
                random.NextBytes(bytes);
                break;
            case 5: // the header
                bytes[random.Next(32)] ^= 0xff;
                break;
            case 6: // something of somebody else behind it
                bytes = [.. bytes, .. "not a frame"u8];
                break;
            default:
                File.Delete(path);
                return;
        }

        File.WriteAllBytes(path, bytes);
    }
}
