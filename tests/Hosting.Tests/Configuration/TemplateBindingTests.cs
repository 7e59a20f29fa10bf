using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.Tests.Configuration;

/// <summary>Every key of the original service template, per role, with all of its optional keys switched on.</summary>
public sealed class TemplateBindingTests
{
    private const string Head = """
        command: svc/eva-zfrepl
        workers: 1
        bus:
          path: var/bus.ipc
        user: eva
        config:

        """;

    private const string Collector = Head + """
          collector:
            path: runtime/zfrepl/spool
            default_history_db_svc: default
            mailboxes:
              node1:
                auto_enabled: false
                max_block_size: 2_000_000
                block_ttl_sec: 600
                keep: 86400
                queue_size: 512
                auto_flush: false
                interval: null
                skip_disconnected: false
                ignore_events: false
                # a comment between the keys
                oids:
                  - "#"
                oids_exclude: []
                replicate_remote: true
        """;

    private const string Replicator = Head + """
          replicator:
            pubsub:
              proto: psrt
              ca_certs: null
              host:
                - 127.0.0.1:2873
              cluster_hosts_randomize: false
              username: null
              password: null
              ping_interval: 10
              queue_size: 1024
              qos: 1
            key_svc: eva.aaa.localauth
            client:
              watch_svcs:
                - eva.db.i1
                - eva.db.i2
              mailboxes:
                node_remote:
                    key_id: default
                    schedule: "* * * * * *"
                    interval: 30
                    duration: 3600
                    timeout: 60 # with a comment behind it
                    trusted: true
                    self_repair:
                      oid: sensor:NODENAME/heartbeat
                      repair_interval: 600
                      history_db_svc: default
                      range: 86400
                      gap: 5
            server:
              collector_svc: eva.zfrepl.default.collector
              mailboxes:
                node_remote:
                  key_id: default
                  allow_fill: true
        """;

    [Fact]
    public void The_collector_template_binds_without_a_finding()
    {
        var document = ConfigValueTests.Read(Collector);
        var collector = Config(document).Section("collector")!;
        Assert.Equal("/srv/zf/runtime/zfrepl/spool", collector.FilePath("path"));
        Assert.Equal("default", collector.String("default_history_db_svc"));
        var mailbox = Assert.Single(collector.SectionMap("mailboxes")!);
        Assert.Equal("node1", mailbox.Name);
        Assert.False(mailbox.Bool("auto_enabled"));
        Assert.Equal(2_000_000, mailbox.ByteSize("max_block_size"));
        Assert.Equal(TimeSpan.FromMinutes(10), mailbox.Duration("block_ttl_sec"));
        Assert.Equal(TimeSpan.FromDays(1), mailbox.Duration("keep"));
        Assert.Equal(512, mailbox.Int32("queue_size", 1, 1_000_000));
        Assert.True(mailbox.IsNull("interval"));
        Assert.Null(mailbox.Duration("interval"));
        Assert.All(["auto_flush", "skip_disconnected", "ignore_events"], key => Assert.False(mailbox.Bool(key)));
        Assert.Equal(["#"], mailbox.Strings("oids"));
        Assert.Empty(mailbox.Strings("oids_exclude")!);
        Assert.True(mailbox.Bool("replicate_remote"));
        AssertNoFinding(document);
    }

    [Fact]
    public void The_replicator_template_binds_without_a_finding()
    {
        var document = ConfigValueTests.Read(Replicator);
        var replicator = Config(document).Section("replicator")!;
        var pubsub = replicator.Section("pubsub")!;
        Assert.Equal("psrt", pubsub.String("proto"));
        Assert.Null(pubsub.FilePath("ca_certs"));
        Assert.Equal([new HostPort("127.0.0.1", 2873)], pubsub.Hosts("host"));
        Assert.False(pubsub.Bool("cluster_hosts_randomize"));
        Assert.Null(pubsub.String("username"));
        Assert.Null(pubsub.Secret("password"));
        Assert.Equal(TimeSpan.FromSeconds(10), pubsub.Duration("ping_interval"));
        Assert.Equal(1024, pubsub.Int32("queue_size"));
        Assert.Equal(1, pubsub.Int32("qos", 0, 2));
        Assert.Equal("eva.aaa.localauth", replicator.String("key_svc"));
        var client = replicator.Section("client")!;
        Assert.Equal(["eva.db.i1", "eva.db.i2"], client.Strings("watch_svcs"));
        var mailbox = Assert.Single(client.SectionMap("mailboxes")!);
        Assert.Equal("* * * * * *", mailbox.String("schedule"));
        Assert.Equal("default", mailbox.String("key_id"));
        Assert.Equal([30, 3600, 60], new[] { "interval", "duration", "timeout" }.Select(k => (int)mailbox.Duration(k)!.Value.TotalSeconds));
        Assert.True(mailbox.Bool("trusted"));
        var repair = mailbox.Section("self_repair")!;
        Assert.Equal(["sensor:NODENAME/heartbeat"], repair.Strings("oid"));
        Assert.Equal("default", repair.String("history_db_svc"));
        Assert.Equal([600, 86400, 5], new[] { "repair_interval", "range", "gap" }.Select(k => (int)repair.Duration(k)!.Value.TotalSeconds));
        var server = replicator.Section("server")!;
        Assert.Equal("eva.zfrepl.default.collector", server.String("collector_svc"));
        var served = Assert.Single(server.SectionMap("mailboxes")!);
        Assert.Equal("default", served.String("key_id"));
        Assert.True(served.Bool("allow_fill"));
        AssertNoFinding(document);
    }

    [Theory]
    [InlineData("  standalone: {}\n")]
    [InlineData("  standalone:\n")]
    public void The_standalone_template_binds_without_a_finding(string role)
    {
        var document = ConfigValueTests.Read(Head + role);
        Assert.NotNull(Config(document).Section("standalone"));
        AssertNoFinding(document);
    }

    [Fact]
    public void A_key_forgotten_by_a_binder_is_a_finding_at_its_level()
    {
        var document = ConfigValueTests.Read(Replicator);
        var repair = Config(document).Section("replicator")!.Section("client")!.SectionMap("mailboxes")![0].Section("self_repair")!;
        repair.Ignore("oid", "repair_interval", "history_db_svc", "range");
        repair.Finish();
        var error = Assert.Single(document.Errors);
        Assert.Equal("config.replicator.client.mailboxes.node_remote.self_repair.gap", error.Path);
        Assert.Equal((37, 15), (error.Line, error.Column));
    }

    private static ConfigSection Config(ConfigDocument document)
    {
        document.Root.Ignore("command", "workers", "user");
        Assert.Equal("/srv/zf/var/bus.ipc", document.Root.Section("bus")!.FilePath("path"));
        return document.Root.Section("config")!;
    }

    private static void AssertNoFinding(ConfigDocument document)
    {
        document.Finish();
        Assert.Empty(document.Errors);
        Assert.Empty(document.Warnings);
    }
}
