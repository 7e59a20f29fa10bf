using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Check;

/// <summary>What <c>zfrepl check</c> says about wrong files: where, what, and what would be right.</summary>
public sealed class CheckTests : IDisposable
{
    private const string Collector = """
        id: test.collector
        system_name: edge1
        config:
          collector:
            mailboxes:
              centre:
                oids: ["#"]
            sources:
              beat: {kind: generator, oid: "sensor:edge1/heartbeat"}
        """;

    private const string Replicator = """
        id: test.replicator
        system_name: centre
        config:
          replicator:
            pubsub:
              host: localhost:1883
            client:
              mailboxes:
                edge1:
                  key_id: default
        """;

    private const string OpcUa = """
        id: test.collector
        system_name: edge1
        config:
          collector:
            mailboxes: {centre: {}}
            sources:
              plant:
                kind: opcua
                endpoint: opc.tcp://localhost:4840
                items:
                  - {node: "ns=1;s=A", oid: "sensor:plant/a"}
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string, string> WrongCollectors => new()
    {
        { "oids: [", "odis: [", "7:9: error: unknown key `odis` in `config.collector.mailboxes.centre`", "did you mean `oids`?" },
        { "oids: [\"#\"]", "block_ttl_sec: soon", "7:24: error: `block_ttl_sec` is 'soon', expected a duration", "write seconds" },
        { "oids: [\"#\"]", "max_block_size: 17", "7:25: error: `max_block_size` is '17', allowed is 4096 to", "within the limits" },
        { "oids: [\"#\"]", "durability: grup", "7:21: error: `durability` is 'grup', expected one of group, always, relaxed", "did you mean `group`?" },
        { "[\"#\"]", "[\"sensr:a/#\"]", "7:9: error: ", "docs/configuration.md" },
        { "\"sensor:edge1/heartbeat\"", "heartbeat", "9:36: error: ", "sensor:edge1/heartbeat" },
        { "kind: generator", "kind: genarator", "9:20: error: `kind` is 'genarator'", "did you mean `generator`?" },
        { "kind: generator, ", "", "9:7: error: `kind` is missing", "add `kind: ...`" },
        { "    sources:", "    surces:", "8:5: error: unknown key `surces`", "did you mean `sources`?" },
        { "  collector:", "  colector:", "4:3: error: unknown key `colector`", "did you mean `collector`?" },
        { "      centre:", "      ce/ntre:", "6:7: error: a mailbox is named like the node that fetches it", "choose another name" },
        { "system_name: edge1", "system_name: a b", "2:14: error: 'a b' can't be the node's name", "short plain name" },
        { "id: test.collector", "id: ../x", "1:5: error: '../x' can't be a service id", "letters, digits" },
        { "config:\n", "log_level: loud\nconfig:\n", "3:12: error: 'loud' is no log level", "trace, debug, info" },
        { "id: test.collector", "id: test.collector\nid: twice", "2:1: error: ", "" },
        { "config:", "konfig:", "3:1: error: unknown key `konfig`", "did you mean `config`?" },
        { "system_name: edge1", "system_name: ${ZFREPL_TEST_NOT_SET}", "2:14: error: `system_name`: the environment variable ZFREPL_TEST_NOT_SET is not set", "" },
    };

    public static TheoryData<string, string, string, string> WrongReplicators => new()
    {
        { "key_id: default", "schedule: \"* * * *\"", "10:21: error: the schedule is no schedule at column ", "second minute hour day month weekday [year]" },
        { "key_id: default", "schedule: \"61 * * * * *\"", "10:21: error: the schedule is no schedule at column 1", "second minute hour" },
        { "key_id: default", "key_id: plant7", "10:19: error: there is no key 'plant7'", "zfrepl key new" },
        { "key_id: default", "relay_to: [edge1]", "10:11: error: a loop: blocks of edge1 would be handed back to edge1", "name the mailboxes of nodes further up" },
        { "key_id: default", "relay_to: a/b", "10:21: error: a node name holds no slash", "write names of mailboxes of this node's collector" },
        { "key_id: default", "trusted: false", "10:20: error: the source is not trusted, and key 'default' may write nothing", "zfrepl key new default --write" },
        { "host: localhost:1883", "host: mqtt://localhost", "6:13: error: `host`: 'mqtt://localhost' has a scheme in front", "write host:port" },
        { "host: localhost:1883", "hosts: localhost", "6:7: error: unknown key `hosts`", "did you mean `host`?" },
        { "host: localhost:1883", "host: localhost:1883\n      proto: amqp", "7:14: error: the protocol 'amqp' is not known", "use mqtt" },
        { "    pubsub:\n      host: localhost:1883\n", "", "4:3: error: `pubsub` is missing", "add `pubsub: ...`" },
        { "    client:", "    topic_prefix: a/#\n    client:", "7:19: error: 'a/#' can't be the beginning of a topic", "such as zfrepl" },
    };

    public static TheoryData<string, string, string, string> WrongOpcUaSources => new()
    {
        { "opc.tcp://localhost:4840", "http://localhost", "9:19: error: the endpoint is no opc.tcp address", "write opc.tcp://host:4840/path" },
        { "\"ns=1;s=A\"", "\"A\"", "11:20: error: 'A' is no node id", "write ns=2;s=Name" },
        { "\"sensor:plant/a\"", "plant", "11:", "write for example sensor:plant/line1/temperature" },
        { "kind: opcua", "kind: opcua\n        security_policy: Basic128", "9:26: error: the security policy 'Basic128' is not known", "Basic256Sha256" },
        { "kind: opcua", "kind: opcua\n        username: me", "9:19: error: a user name without a password", "add `password`" },
        { "        items:\n          - {node: \"ns=1;s=A\", oid: \"sensor:plant/a\"}", "        queue_size: 5", "7:7: error: the source names no items", "add `items:` or `browse:`" },
        { "items:", "browse:", "11:", "unknown key `node`" },
    };

    [Theory]
    [MemberData(nameof(WrongCollectors))]
    public Task A_wrong_collector_file_is_named_with_its_place(string right, string wrong, string finding, string remedy) =>
        AssertFindingAsync(Collector, right, wrong, finding, remedy);

    [Theory]
    [MemberData(nameof(WrongReplicators))]
    public async Task A_wrong_replicator_file_is_named_with_its_place(string right, string wrong, string finding, string remedy)
    {
        await MakeKeyAsync();
        await AssertFindingAsync(Replicator, right, wrong, finding, remedy);
    }

    [Theory]
    [MemberData(nameof(WrongOpcUaSources))]
    public Task A_wrong_OPC_UA_source_is_named_with_its_place(string right, string wrong, string finding, string remedy) =>
        AssertFindingAsync(OpcUa, right, wrong, finding, remedy);

    [Fact]
    public async Task Right_files_exit_0_and_leave_nothing_behind()
    {
        await MakeKeyAsync();
        Write("collector.yml", Collector);
        Write("opcua.yml", OpcUa.Replace("test.collector", "test.opcua", StringComparison.Ordinal));
        Write("replicator.yml", Replicator);
        var before = Everything();
        var run = await CheckAsync("collector.yml", "opcua.yml", "replicator.yml");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("collector.yml: ok: test.collector: collects on node edge1 into 1 mailbox", run.Lines[0]);
        Assert.Equal(3, run.Lines.Length);
        Assert.Equal(before, Everything());
    }

    [Fact]
    public async Task All_mistakes_come_out_at_once()
    {
        Write("a.yml", Collector.Replace("oids:", "odis:", StringComparison.Ordinal).Replace("generator", "genarator", StringComparison.Ordinal));
        Write("b.yml", Collector.Replace("oids: [\"#\"]", "keep: long", StringComparison.Ordinal));
        var run = await CheckAsync("a.yml", "b.yml");
        Assert.Equal(78, run.ExitCode);
        Assert.Equal(3, run.ErrorLines.Length);
        Assert.Equal(["a.yml:7:9", "a.yml:9:20", "b.yml:7:15"], run.ErrorLines.Select(l => string.Join(':', l.Split(':')[..3])));
    }

    [Fact]
    public Task A_file_with_two_roles_is_refused() => AssertFindingAsync(
        Collector, "config:\n", "config:\n  standalone: {}\n", "4:3: error: a service has one role, this file describes collector and standalone", "a file of its own");

    [Fact]
    public Task A_file_without_a_role_is_refused() =>
        AssertFindingAsync("config: {}", "", "", "1:1: error: `config` describes no role", "add one of the sections collector, replicator, standalone, broker");

    [Fact]
    public Task A_file_without_config_is_refused() =>
        AssertFindingAsync("id: a", "", "", "1:1: error: `config` is missing", "add `config:`");

    [Fact]
    public Task A_collector_without_mailboxes_is_refused() =>
        AssertFindingAsync("config:\n  collector: {}", "", "", "2:3: error: `mailboxes` is missing in `config.collector`", "add `mailboxes: ...`");

    [Fact]
    public Task A_broker_that_nobody_could_use_is_refused() =>
        AssertFindingAsync("config:\n  broker: {}", "", "", "2:3: error: nobody could log in", "add `users:`");

    [Fact]
    public Task Text_that_is_no_YAML_is_refused() => AssertFindingAsync("a: [1,\nb", "", "", "", "");

    [Fact]
    public async Task A_file_that_is_not_there_is_named()
    {
        var run = await CheckAsync("none.yml");
        Assert.Equal(78, run.ExitCode);
        Assert.StartsWith("none.yml:1:1: error: the file cannot be read: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_services_of_one_id_are_refused()
    {
        Write("a.yml", Collector);
        Write("b.yml", Collector);
        var run = await CheckAsync("a.yml", "b.yml");
        Assert.Equal(78, run.ExitCode);
        Assert.Equal("b.yml:1:5: error: another file describes the service test.collector too (give one of them another `id`)", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task Warnings_alone_exit_0()
    {
        Write("a.yml", Collector.Replace("oids: [\"#\"]", "durability: relaxed", StringComparison.Ordinal));
        var run = await CheckAsync("a.yml");
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("a.yml:7:21: warning: LOSS: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("path: a.file/spool", "5:11: error: {0}/a.file/spool can't be a folder, because {0}/a.file is a file")]
    [InlineData("path: /proc/zfrepl", "5:11: error: /proc/zfrepl can't be written by the account ")]
    [InlineData("quarantine: /proc/zfrepl", "5:17: error: /proc/zfrepl can't be written")]
    [InlineData("history: {path: a.file/h.db}", "5:21: error: {0}/a.file can't be a folder")]
    public async Task A_folder_that_cannot_be_written_is_found_before_the_start(string line, string finding)
    {
        Write("a.file", "");
        await AssertFindingAsync(
            Collector, "  collector:\n", $"  collector:\n    {line}\n", finding.Replace("{0}", _folder.Path, StringComparison.Ordinal), "");
    }

    [Theory]
    [InlineData("path: /proc/zfrepl", "8:13")]
    [InlineData("json_lines: /proc/zfrepl/e.jsonl", "8:19")]
    [InlineData("history: {path: /proc/zfrepl/h.db}", "8:23")]
    public async Task A_target_folder_that_cannot_be_written_is_found_before_the_start(string line, string place)
    {
        await MakeKeyAsync();
        await AssertFindingAsync(
            Replicator, "    client:\n", $"    client:\n      {line}\n", $"{place}: error: /proc/zfrepl can't be written by the account ", "");
    }

    [Fact]
    public async Task A_socket_folder_that_cannot_be_written_is_found_before_the_start() => await AssertFindingAsync(
        Collector, "config:\n", "bus: {path: /proc/zfrepl/bus.ipc}\nconfig:\n", "3:13: error: /proc/zfrepl can't be written", "");

    [Fact]
    public async Task A_socket_path_that_is_too_long_is_found_before_the_start() => await AssertFindingAsync(
        Collector, "config:\n", $"bus: {{path: {new string('x', 120)}/bus.ipc}}\nconfig:\n", "3:1: error: the socket's path ", "choose a shorter folder");

    [Fact]
    public async Task A_quarantine_on_another_file_system_is_refused()
    {
        const string SharedMemory = "/dev/shm";
        if (!Directory.Exists(SharedMemory))
        {
            return;
        }

        var quarantine = Path.Combine(SharedMemory, Path.GetFileName(_folder.Path));
        await AssertFindingAsync(
            Collector,
            "  collector:\n",
            $"  collector:\n    quarantine: {quarantine}\n",
            $"5:17: error: {quarantine} is on another file system than {_folder["runtime", "zfrepl", "spool"]}",
            "on the same file system");
        Assert.False(Directory.Exists(quarantine));
    }

    [Fact]
    public async Task A_key_that_others_can_read_is_refused()
    {
        await MakeKeyAsync();
        File.SetUnixFileMode(_folder["etc", "zfrepl", "default.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await AssertFindingAsync(Replicator, "", "", "10:19: error: `key_id`: the secret's file ", "chmod 600 ");
    }

    [Fact]
    public async Task A_key_that_can_be_guessed_is_refused_and_not_shown()
    {
        var run = await AssertFindingAsync(
            Replicator, "    client:", "    keys: {default: hunter2}\n    client:", "7:21: error: key 'default' has 7 characters", "zfrepl key new");
        Assert.DoesNotContain("hunter2", run.Error + run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_refuses_what_check_refuses_and_starts_nothing()
    {
        Write("good.yml", Collector);
        Write("bad.yml", Replicator);
        var before = Everything();
        var run = await ZfReplProgram.RunAsync(_folder.Path, "run", "good.yml", "bad.yml");
        Assert.Equal(78, run.ExitCode);
        Assert.StartsWith("bad.yml:10:19: error: there is no key 'default'", run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
        Assert.Equal(before, Everything());
    }

    private async Task<ProgramRun> AssertFindingAsync(string text, string right, string wrong, string finding, string remedy)
    {
        if (right.Length > 0)
        {
            Assert.Contains(right, text, StringComparison.Ordinal);
            text = text.Replace(right, wrong, StringComparison.Ordinal);
        }

        Write("service.yml", text);
        var run = await CheckAsync("service.yml");
        Assert.Equal(78, run.ExitCode);
        var expected = $"service.yml:{finding}";
        Assert.True(
            Array.Exists(run.ErrorLines, l => l.StartsWith(expected, StringComparison.Ordinal) && l.Contains(remedy, StringComparison.Ordinal)),
            $"expected: {expected} … {remedy}\nactual:\n{run.Error}");
        Assert.All(run.ErrorLines, l => Assert.Matches(@"^service\.yml:\d+:\d+: (error|warning): [^\n]+$", l));
        return run;
    }

    private Task<ProgramRun> CheckAsync(params string[] files) => ZfReplProgram.RunAsync(_folder.Path, ["check", .. files]);

    private async Task MakeKeyAsync()
    {
        var made = await ZfReplProgram.RunAsync(_folder.Path, "key", "new");
        Assert.Equal(0, made.ExitCode);
        Directory.CreateDirectory(_folder["etc", "zfrepl"]);
        Write(Path.Combine("etc", "zfrepl", "default.key"), made.Output);
        File.SetUnixFileMode(_folder["etc", "zfrepl", "default.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private void Write(string name, string text) => File.WriteAllText(_folder[name], text);

    private string[] Everything() => [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
}
