namespace ZfRepl.Cli.Tests.Pages;

/// <summary>The keys and values of the original's service template, one role at a time, with everything switched on that it shows.</summary>
internal static class OriginalTemplate
{
    private const string Head = """
        command: svc/eva-zfrepl
        workers: 1
        bus:
          path: var/bus.ipc
        config:

        """;

    private const string Tail = """

        user: eva
        """;

    private const string Collector = """
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
                oids:
                  - "#"
                oids_exclude: []
                replicate_remote: true
        """;

    private const string Replicator = """
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
                    timeout: 60
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

    /// <summary>The roles that it knows.</summary>
    public static TheoryData<string> Roles => ["collector", "standalone", "replicator"];

    /// <summary>The template for a role.</summary>
    public static string Of(string role) => Head + role switch
    {
        "collector" => Collector,
        "replicator" => Replicator,
        _ => "  standalone: {}",
    } + Tail;
}
