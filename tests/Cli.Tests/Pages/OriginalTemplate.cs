namespace ZfRepl.Cli.Tests.Pages;

/// <summary>
/// The original's service template, line by line with its keys, values and marks: what it switches off is switched off here, too. Only the words
/// for people are left out.
/// </summary>
internal static class OriginalTemplate
{
    private const string Text = """
        command: svc/eva-zfrepl
        workers: 1
        bus:
          path: var/bus.ipc
        config:
          collector:
            path: runtime/zfrepl/spool
            #default_history_db_svc: default
            mailboxes:
              node1:
                #auto_enabled: false
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
                #replicate_remote: true
          #standalone: {}
          #replicator:
            #pubsub:
              #proto: psrt
              #ca_certs: null
              #host:
                #- 127.0.0.1:2873
              #cluster_hosts_randomize: false
              #username: null
              #password: null
              #ping_interval: 10
              #queue_size: 1024
              #qos: 1
            #key_svc: eva.aaa.localauth
            #client:
              #watch_svcs:
                #- eva.db.i1
                #- eva.db.i2
              #mailboxes:
                #node_remote:
                    #key_id: default
                    #schedule: "* * * * * *"
                    #interval: 30
                    #duration: 3600
                    #timeout: 60 # override the default timeout
                    #trusted: true
                    #self_repair:
                      #oid: sensor:NODENAME/heartbeat
                      #repair_interval: 600
                      #history_db_svc: default
                      #range: 86400
                      #gap: 5
            #server:
              #collector_svc: eva.zfrepl.default.collector
              #mailboxes:
                #node_remote:
                  #key_id: default
                  #allow_fill: true
        user: eva
        """;

    /// <summary>The names that people choose: they are no keys.</summary>
    private static readonly string[] Names = ["node1", "node_remote"];

    /// <summary>The roles that it knows.</summary>
    public static TheoryData<string> Roles => ["collector", "standalone", "replicator"];

    /// <summary>The template for a role: the other roles are taken out.</summary>
    /// <param name="role">The role, whose own line is always switched on.</param>
    /// <param name="isSwitchedOn">True for everything below it that the template shows, false for the collector as the template has it.</param>
    public static string Of(string role, bool isSwitchedOn = true)
    {
        var lines = new List<string>();
        var (part, isBelowConfig) = ("", false);
        foreach (var line in Text.Split('\n'))
        {
            var indent = line.Length - line.TrimStart().Length;
            var text = line.TrimStart().TrimStart('#');
            isBelowConfig = indent == 0 ? text == "config:" : isBelowConfig;
            part = isBelowConfig && indent == 2 ? text[..text.IndexOf(':', StringComparison.Ordinal)] : part;
            if (isBelowConfig && indent > 0 && part != role)
            {
                continue;
            }

            // The replicator is switched off as a whole: its own keys come with it.
            var isOn = !line.TrimStart().StartsWith('#') || isSwitchedOn || indent == 2 || role == "replicator";
            lines.Add(isOn ? new string(' ', indent) + text : line);
        }

        return string.Join('\n', lines);
    }

    /// <summary>The paths of all keys of such a text that are switched on, as the page on the manual has them: from the role on, without the names that people choose.</summary>
    public static IReadOnlyList<string> PathsOf(string yaml)
    {
        var paths = new List<string>();
        var above = new Stack<(int Indent, string Name)>();
        foreach (var line in yaml.Split('\n'))
        {
            var text = line.TrimStart();
            if (text.StartsWith('-') || text.StartsWith('#') || !text.Contains(':', StringComparison.Ordinal))
            {
                continue;
            }

            var indent = line.Length - text.Length;
            while (above.TryPeek(out var top) && top.Indent >= indent)
            {
                above.Pop();
            }

            above.Push((indent, text[..text.IndexOf(':', StringComparison.Ordinal)]));
            if (above.Peek().Name is var name && name != "config" && !Names.Contains(name))
            {
                paths.Add(string.Join('.', above.Reverse().Select(a => a.Name).Where(n => n != "config" && !Names.Contains(n))));
            }
        }

        return paths;
    }
}
