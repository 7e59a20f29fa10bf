using System.Text.RegularExpressions;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Pages;

/// <summary>docs/manual-coverage.md: a row for each key and method of the original's manual, and every test that it names is there.</summary>
public sealed partial class ManualCoverageTests
{
    private static readonly string Page = Documents.Read("docs", "manual-coverage.md");

    private static readonly string[] Common = ["command", "workers", "bus.path", "user"];

    private static readonly string[] Collector =
    [
        .. Below("collector", "path", "default_history_db_svc", "mailboxes"),
        .. Below(
            "collector.mailboxes", "auto_enabled", "max_block_size", "block_ttl_sec", "keep", "queue_size", "auto_flush", "interval",
            "skip_disconnected", "ignore_events", "oids", "oids_exclude", "replicate_remote"),
    ];

    private static readonly string[] Replicator =
    [
        .. Below(
            "replicator.pubsub", "proto", "ca_certs", "host", "cluster_hosts_randomize", "username", "password", "ping_interval", "queue_size", "qos"),
        .. Below("replicator", "key_svc", "client.watch_svcs", "client.mailboxes", "server.collector_svc", "server.mailboxes"),
        .. Below("replicator.client.mailboxes", "key_id", "schedule", "interval", "duration", "timeout", "trusted", "self_repair"),
        .. Below("replicator.client.mailboxes.self_repair", "oid", "repair_interval", "history_db_svc", "range", "gap"),
        .. Below("replicator.server.mailboxes", "key_id", "allow_fill"),
    ];

    /// <summary>The keys of the manual's template.</summary>
    public static TheoryData<string> Keys => [.. Common, "standalone", .. Collector, .. Replicator];

    /// <summary>The keys of the manual's template that stand in it for a role, those above others included.</summary>
    public static IReadOnlySet<string> KeysOf(string role)
    {
        string[] keys = [.. Common, .. role switch { "collector" => Collector, "replicator" => Replicator, _ => ["standalone"] }];
        return keys.SelectMany(k => k.Split('.').Select((_, i) => string.Join('.', k.Split('.').Take(i + 1)))).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>The manual's methods, each with its parameters, and those that it lacks.</summary>
    public static TheoryData<string> Methods =>
    [
        "client.self_repair", "client.self_repair i", "client.self_repair range", "client.self_repair force", "client.start", "client.start i",
        "disable", "enable", "mailbox.delete_block", "mailbox.delete_block i", "mailbox.delete_block block_id", "mailbox.disable", "mailbox.disable i",
        "mailbox.enable", "mailbox.enable i", "mailbox.fill", "mailbox.fill i", "mailbox.fill db_svc", "mailbox.fill t_start", "mailbox.fill t_end",
        "mailbox.fill xopts", "mailbox.get_block", "mailbox.get_block i", "mailbox.list", "mailbox.list_blocks", "mailbox.list_blocks i",
        "mailbox.rotate", "mailbox.rotate i", "process_dir", "process_dir path", "process_dir node", "process_dir delete", "status",
        "mailbox.seal", "process.list", "fill.list", "fill.cancel", "gap.list", "loss.list",
        "quarantine.list", "quarantine.retry", "quarantine.export", "quarantine.delete", "block.verify",
    ];

    [Theory]
    [MemberData(nameof(Keys))]
    [MemberData(nameof(Methods))]
    public void Every_key_and_method_has_one_row(string name) =>
        Assert.Single(Page.Split('\n'), line => line.StartsWith($"| `{name}` |", StringComparison.Ordinal));

    [Fact]
    public void Every_row_names_a_test_or_says_that_it_is_not_there_yet()
    {
        foreach (var row in Page.Split('\n').Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Select(l => l.Split('|', StringSplitOptions.TrimEntries)))
        {
            Assert.True(row.Length == 5, string.Join('|', row));
            Assert.True(
                row[3] == "test" || Named().IsMatch(row[3]) || row[2].Contains("**not yet**", StringComparison.Ordinal), $"{row[1]} names no test");
        }
    }

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(ProgramLookup.RepositoryRoot, "tests"), "*.cs", SearchOption.AllDirectories)
            .Select(File.ReadAllText)
            .ToList();
        var names = Named().Matches(Page).Select(m => (Class: m.Groups["class"].Value, Method: m.Groups["method"].Value)).Distinct().ToList();
        Assert.True(names.Count > 40);
        Assert.All(names, name => Assert.Contains(
            sources,
            s => Regex.IsMatch(s, $@"\bclass {name.Class}\b") && Regex.IsMatch(s, $@"\b{name.Method}\(")));
    }

    private static IEnumerable<string> Below(string section, params string[] keys) => keys.Select(k => $"{section}.{k}");

    [GeneratedRegex(@"`(?<class>[A-Z]\w+Tests)\.(?<method>[A-Z]\w+)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Named();
}
