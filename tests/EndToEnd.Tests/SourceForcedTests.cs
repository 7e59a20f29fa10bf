using System.Globalization;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>
/// The source-forced strategy: the shell line and the macro of the manual, as they are written there, switch the mailboxes while the link to the
/// broker comes and goes.
/// </summary>
public sealed class SourceForcedTests
{
    // As in the manual, with the broker's host put in.
    private const string ManualLine = """
        ping -c1 PUBSUB_HOST && \
            svc call eva.zfrepl.default.collector mailbox.disable "i=*" || \
            svc call eva.zfrepl.default.collector mailbox.enable "i=*"
        """;

    private const string ManualMacro = """
        try:
            rpc_call('test', _target='eva.repl.default')
            rpc_call('mailbox.disable',
                     i='*',
                     _target='eva.zfrepl.default.collector')
        except:
            rpc_call('mailbox.enable',
                     i='*',
                     _target='eva.zfrepl.default.collector')
        """;

    private const string Host = "127.0.0.1";

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto", "mosquitto_pub", "python3")]
    public async Task The_shell_line_and_the_macro_of_the_manual_switch_the_mailboxes_and_what_changed_meanwhile_arrives()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var link = new LinkRelay(broker.Port);
        await using var plant = await Plant.StartAsync();
        await using var site = new TemplateSite();
        site.Edge
            .Use("source-forced-edge-collector.yml", plant.Address)
            .Use("edge-replicator.yml", ("localhost:1883", $"{Host}:{link.Port}"));
        site.Centre.Use("centre-replicator.yml", ("localhost:1883", $"{Host}:{broker.Port}"), ("interval: 10 ", "interval: 200ms "));
        await WritePingAsync(site, link);
        await site.StartAsync();
        await site.CollectsAsync(Plant.Variables);

        // All is well: nothing is taken, since the readings reach the centre on another way.
        await SwitchAsync(site, ManualLine.Replace("PUBSUB_HOST", Host, StringComparison.Ordinal), isEnabled: false);
        await ChangeAsync(site, plant, 100);

        // The link breaks, and cron's line finds it.
        link.Cut();
        var brokenNs = Now();
        await SwitchAsync(site, CronLine(), isEnabled: true);
        await ChangeAsync(site, plant, 200);
        var repairedNs = Now();
        Assert.Equal(0, await CentreDatabase.CountAsync(site.HistoryPath));
        link.Restore();
        await SwitchAsync(site, CronLine(), isEnabled: false);
        await ChangeAsync(site, plant, 100);

        // What changed meanwhile, all of it, and nothing else.
        var log = await plant.LogAsync();
        var meanwhile = log.Where(c => c.Number is > 100 and <= 300).ToList();
        Assert.All(meanwhile, c => Assert.InRange(c.Time100Ns * 100, brokenNs, repairedNs));
        await Eventually.TrueAsync(
            async () => (await Plant.ProveAsync(site.HistoryPath, meanwhile)).Missing == 0 && (await site.BooksAsync()).Backlog == 0,
            "what changed meanwhile is at the centre",
            TimeSpan.FromSeconds(90));
        var proof = await Plant.ProveAsync(site.HistoryPath, meanwhile);
        Assert.True(proof.Holds && proof.Delivered == 200, $"{proof}\n{site.Outputs}");
        var books = await site.BooksAsync();
        Assert.True(books is { Balance: true, Lost: 0, Quarantined: 0 }, books.ToString());
    }

    [RequiresFact("python3")]
    public async Task The_macro_of_the_manual_switches_the_mailboxes_when_the_real_time_service_goes_and_comes()
    {
        var script = TemplateNode.Template("source-forced.py");
        Assert.EndsWith(ManualMacro + "\n", script, StringComparison.Ordinal);
        await using var site = new TemplateSite();
        site.Edge.Use("source-forced-edge-collector.yml");

        // Any service that answers `test`, by the name of the original's real-time replication.
        site.Centre.Use("broker.yml", ("eva.zfrepl.default.broker", "eva.repl.default"), ("127.0.0.1:1883", $"{Host}:{FreePort.Next()}"), ("var/bus.ipc", $"{site.Edge.Folder}/var/bus.ipc"));
        await site.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(site.Edge.Folder, "source-forced.py"), script);
        await SwitchAsync(site, "python3 source-forced.py", isEnabled: false);
        await site.Centre.Process.KillAsync();
        await SwitchAsync(site, "python3 source-forced.py", isEnabled: true);
        await site.Centre.Process.StartAsync();
        await SwitchAsync(site, "python3 source-forced.py", isEnabled: false);
    }

    /// <summary>The command of the ready crontab, in its environment as far as that is not the node's own.</summary>
    private static string CronLine()
    {
        var line = TemplateNode.Template("source-forced.cron").Split('\n').Single(l => l.StartsWith("* * * * * ", StringComparison.Ordinal));
        var command = line["* * * * * plant ".Length..];

        // On one line, which is all that cron reads, it is the manual's.
        Assert.Equal(string.Join(' ', ManualLine.Split((char[])[' ', '\\', '\n'], StringSplitOptions.RemoveEmptyEntries)), command);
        return command.Replace("PUBSUB_HOST", Host, StringComparison.Ordinal);
    }

    private static async Task SwitchAsync(TemplateSite site, string line, bool isEnabled)
    {
        await site.Edge.SucceedAsync(line);
        var mailbox = Assert.Single((await site.Edge.CallAsync(TemplateNode.CollectorId, "mailbox.list")).EnumerateArray());
        Assert.Equal(isEnabled, mailbox.GetProperty("enabled").GetBoolean());
    }

    private static async Task ChangeAsync(TemplateSite site, Plant plant, int count)
    {
        var before = (await site.Edge.CallAsync(TemplateNode.CollectorId, "status")).GetProperty("events").GetInt64();
        await plant.ChangeAsync(count);
        await site.CollectsAsync(before + count);
    }

    /// <summary>
    /// The network of the test is a link that can be cut, which no echo request goes through: this <c>ping</c> is told of a host as the real one is,
    /// and asks whether a message goes through the link.
    /// </summary>
    private static async Task WritePingAsync(TemplateSite site, LinkRelay link)
    {
        var path = Path.Combine(site.Bin, "ping");
        await File.WriteAllTextAsync(path, string.Create(
            CultureInfo.InvariantCulture,
            $"""
            #!/bin/sh
            [ "$1" = -c1 ] && [ "$2" = {Host} ] || exit 2
            exec mosquitto_pub -h "$2" -p {link.Port} -t ping -n
            """));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private static long Now() => UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
}
