using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>
/// The strategies of the manual as an operator sets them up: the ready configurations of <c>templates</c>, an OPC UA server and a broker that are
/// not ours, and commands typed into a shell.
/// </summary>
public sealed class StrategyTests(ITestOutputHelper output)
{
    private static readonly (string Old, string New) Hurry = ("interval: 10 ", "interval: 200ms ");

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto")]
    public async Task Continuous_everything_that_changes_is_at_the_centre_by_itself()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var plant = await Plant.StartAsync();
        await using var site = new TemplateSite();
        site.Edge.Use("edge-collector.yml", plant.Address).Use("edge-replicator.yml", Broker(broker));
        site.Centre.Use("centre-replicator.yml", Broker(broker), Hurry);
        await site.StartAsync();
        await site.CollectsAsync(Plant.Variables);
        await plant.ChangeAsync(400);
        var proof = await plant.WaitForAllAsync(site.HistoryPath);
        Assert.True(proof.Holds && proof.Delivered == 400, $"{proof}\n{site.Outputs}");
        var books = await site.BooksAsync();
        Assert.True(books is { Balance: true, Lost: 0, Quarantined: 0 }, books.ToString());
        Assert.Equal(0, await site.Edge.Process.TerminateAsync());
        Assert.Equal(0, await site.Centre.Process.TerminateAsync());
    }

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto")]
    public async Task Manual_nothing_goes_by_itself_and_the_range_that_an_operator_names_goes_whole()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var plant = await Plant.StartAsync();
        await using var site = new TemplateSite();
        site.Edge.Use("manual-edge-collector.yml", plant.Address).Use("edge-replicator.yml", Broker(broker));
        site.Centre.Use("centre-replicator.yml", Broker(broker), Hurry);
        await site.StartAsync();
        await site.CollectsAsync(Plant.Variables);
        await plant.ChangeAsync(200);
        var middle = TimeProvider.System.GetUtcNow();
        await plant.ChangeAsync(200);
        await site.CollectsAsync(Plant.Variables + 400);
        Assert.Equal(0, await CentreDatabase.CountAsync(site.HistoryPath));

        // The line of the manual, with a name and times put in.
        await site.Edge.SucceedAsync(Line(middle.AddMinutes(-5), middle));
        await DeliveredAsync(site);
        var half = UnixTime.FromDateTimeOffset(middle);
        var edge = await CentreDatabase.ReadAsync(site.LocalHistoryPath);
        var centre = await CentreDatabase.ReadAsync(site.HistoryPath);
        Assert.All(centre, e => Assert.InRange(e.TimeNs, long.MinValue, half));
        var proof = FillProof.Check(edge, centre, half);
        Assert.True(proof.Holds && proof.Delivered > 200, $"{proof}\n{site.Outputs}");

        await site.Edge.SucceedAsync(Line(middle, TimeProvider.System.GetUtcNow()));
        proof = await plant.WaitForAllAsync(site.HistoryPath);
        Assert.True(proof.Holds && proof.Delivered == 400, $"{proof}\n{site.Outputs}");
        var books = await site.BooksAsync();
        Assert.True(books is { Balance: true, Lost: 0, Quarantined: 0 }, books.ToString());

        static string Line(DateTimeOffset from, DateTimeOffset to) => string.Create(
            CultureInfo.InvariantCulture,
            $"eva svc call eva.zfrepl.default.collector mailbox.fill i=centre t_start={Seconds(from):0.000} t_end={Seconds(to):0.000}");
    }

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto")]
    public async Task Untrusted_only_what_the_key_may_write_is_in_the_database_and_the_rest_is_accounted_for()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var plant = await Plant.StartAsync();
        await using var site = new TemplateSite();
        site.Edge.Use("edge-collector.yml", plant.Address).Use("untrusted-edge-replicator.yml", Broker(broker));
        site.Centre.Use("untrusted-centre-replicator.yml", Broker(broker), Hurry);

        // The line of the ready configuration's head; the edge is not behind ssh here.
        const string Makes = "zfrepl key new edge1 --write 'sensor:plant/#' | ssh edge1 zfrepl key add edge1";
        Assert.Contains(Makes, TemplateNode.Template("untrusted-centre-replicator.yml"), StringComparison.Ordinal);
        await site.Centre.SucceedAsync(Makes.Replace("ssh edge1", $"ZFREPL_DIR='{site.Edge.Folder}'", StringComparison.Ordinal));
        await site.StartAsync();
        await site.CollectsAsync(Plant.Variables);
        await plant.ChangeAsync(200);
        var proof = await plant.WaitForAllAsync(site.HistoryPath);
        Assert.True(proof.Holds && proof.Delivered == 200, $"{proof}\n{site.Outputs}");

        // The heartbeat is not on the list.
        Assert.DoesNotContain(await CentreDatabase.ReadAsync(site.HistoryPath), e => e.Oid.Text == "sensor:edge1/heartbeat");
        var losses = JsonDocument.Parse(await site.Centre.SucceedAsync("eva svc call eva.zfrepl.default.replicator loss.list")).RootElement;
        Assert.All(losses.EnumerateArray(), l => Assert.Equal("refused", l.GetProperty("reason").GetString()));
        Assert.InRange(losses.GetArrayLength(), 1, int.MaxValue);
        Assert.NotEmpty((await site.Centre.CallAsync(TemplateNode.ReplicatorId, "quarantine.list")).EnumerateArray());
        var books = await site.BooksAsync();
        Assert.True(books is { Balance: true, Lost: 0, Quarantined: 0 }, books.ToString());
    }

    [RequiresFact(ProgramLookup.NodeOpcUa)]
    public async Task Hand_carried_blocks_are_imported_once_also_while_the_source_goes_on_writing()
    {
        await using var plant = await Plant.StartAsync();
        await using var site = new TemplateSite();
        site.Edge.Use("edge-collector.yml", plant.Address);
        site.Centre.Use("standalone.yml");
        await site.StartAsync();
        await site.CollectsAsync(Plant.Variables);

        // Everything that lies there while it is being written: a sealed block, and the open one as it happens to be.
        await plant.StartChangesAsync();
        await site.CollectsAsync(Plant.Variables + 100);
        await site.Edge.SucceedAsync("eva svc call eva.zfrepl.default.collector mailbox.seal i=centre");
        await site.CollectsAsync((await site.BooksAsync()).Accepted + 50);
        await CarryAsync(site);
        var first = await ImportAsync(site, partial: 1);
        Assert.Equal(1, first.GetProperty("applied").GetInt32());
        await plant.StopAsync();
        var log = await plant.LogAsync();
        Assert.True((await Plant.ProveAsync(site.HistoryPath, log)) is { Missing: > 0, Duplicates: 0, Invented: 0 }, "the source went on");

        // The second walk brings the rest, and what was there before again.
        await site.CollectsAsync(Plant.Variables + log.Count(c => c.Number > 0));
        await site.Edge.SucceedAsync("eva svc call eva.zfrepl.default.collector mailbox.disable 'i=*'");
        await site.Edge.SucceedAsync("eva svc call eva.zfrepl.default.collector mailbox.seal i=centre");
        await CarryAsync(site);
        var second = await ImportAsync(site, partial: 1);
        Assert.InRange(second.GetProperty("already_applied").GetInt64(), 1, long.MaxValue);
        var proof = await Plant.ProveAsync(site.HistoryPath, log);
        output.WriteLine($"{proof}\n{first}\n{second}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");

        // What was imported whole is gone from the stick; the copy of a block that was open then stays, since nobody knows what is behind its end.
        Assert.EndsWith(".open", Assert.Single(Directory.EnumerateFiles(site.Stick)), StringComparison.Ordinal);

        // In the database is just what the edge accepted, every single event of it.
        var books = await site.BooksAsync();
        Assert.True(books is { Balance: true, Lost: 0, Quarantined: 0 }, books.ToString());
        Assert.Equal(books.Accepted, await CentreDatabase.CountAsync(site.HistoryPath));
    }

    private static (string Old, string New) Broker(MosquittoServer broker) => ("localhost:1883", $"127.0.0.1:{broker.Port}");

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    private static Task DeliveredAsync(TemplateSite site) => Eventually.TrueAsync(
        async () =>
        {
            var tasks = (await site.Edge.CallAsync(TemplateNode.CollectorId, "fill.list")).EnumerateArray().ToList();
            return tasks.TrueForAll(t => t.GetProperty("state").GetString() == "done") && await site.BooksAsync() is { Backlog: 0, Delivered: > 0 };
        },
        "what was filled is delivered");

    // A block may be sealed, and so renamed, between the listing and the copy.
    private static Task<string> CarryAsync(TemplateSite site) => site.Edge.SucceedAsync($"cp runtime/zfrepl/spool/centre/mbb_* '{site.Stick}' || true");

    private static async Task<JsonElement> ImportAsync(TemplateSite site, int partial)
    {
        var run = await site.Centre.ShellAsync($"eva svc call eva.zfrepl.default.standalone \\\n    process_dir path='{site.Stick}' node=edge1 delete=true");

        // A script sees by the exit code that there was a block without its end.
        Assert.True(run.ExitCode == (partial > 0 ? ExitCode.Partial : 0), $"{run.ExitCode}\n{run.Output}\n{run.Error}");
        var report = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal((partial, 0), (report.GetProperty("partial").GetInt32(), report.GetProperty("refused").GetInt32()));
        return report;
    }
}
