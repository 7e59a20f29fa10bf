using ZfRepl.Core.Import;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.History;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Mqtt;
using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Topics;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Keys;
using ZfRepl.Replicator.Repair;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Replicator;

/// <summary>The replicator's section of a service file → options. What is wrong is reported to the file, all of it at once.</summary>
public static class ReplicatorBinder
{
    /// <summary>The section's name.</summary>
    public const string Role = "replicator";

    private const int MinChunkBytes = 1024;
    private const int MaxChunkBytes = 1024 * 1024;
    private const string EverySecond = "* * * * * *";
    private const string OriginalDatabasePrefix = "eva.db.";
    private const string DefaultCollector = "eva.zfrepl.default.collector";

    /// <summary>Binds the section.</summary>
    public static ReplicatorOptions Bind(ServiceFile file)
    {
        var section = file.RoleSection!;
        section.Require("pubsub");
        section.Ignore("key_svc");
        var keys = KeyRing.Bind(section);
        var topics = new TransferTopics(BindPrefix(section));
        var chunkBytes = (int)(section.ByteSize("chunk_size", MinChunkBytes, MaxChunkBytes) ?? 128 * 1024);
        var maxBlockBytes = section.ByteSize("max_block_size", 4096, 1024L * 1024 * 1024) ?? 64L * 1024 * 1024;
        var server = section.Section("server");
        var client = section.Section("client");
        if (server is null && client is null)
        {
            section.Error(null, "the replicator neither serves nor fetches", "add `server:` or `client:`");
        }

        return new ReplicatorOptions
        {
            Id = file.Id,
            Node = file.SystemName,
            Keys = keys.Live,
            SocketFolder = file.SocketFolder,
            Bus = BindBus(section.Section("pubsub")),
            Server = server is null ? null : BindServer(server, file, keys, topics, chunkBytes, maxBlockBytes),
            Client = client is null ? null : BindClient(client, file, keys, topics, chunkBytes, maxBlockBytes, server),
        };
    }

    private static string BindPrefix(ConfigSection section)
    {
        var prefix = section.String("topic_prefix") ?? "zfrepl";
        if (!MqttTopic.IsValidName(prefix) || prefix.StartsWith('$') || prefix.EndsWith('/'))
        {
            section.Error("topic_prefix", $"'{prefix}' can't be the beginning of a topic", "write a plain text, such as zfrepl");
        }

        return prefix;
    }

    private static MqttBusOptions BindBus(ConfigSection? section)
    {
        if (section is null)
        {
            return new MqttBusOptions { Hosts = [] };
        }

        section.Require("host");
        var protocol = section.String("proto") ?? "mqtt";
        if (protocol == "psrt")
        {
            section.Warning(
                "proto",
                "PSRT, a protocol of the original's makers, is not spoken here: these hosts are taken for MQTT brokers",
                "write mqtt, and hosts with any MQTT 3.1.1 or 5 broker");
        }
        else if (protocol != "mqtt")
        {
            section.Error("proto", $"the protocol '{protocol}' is not known", "use mqtt, with any MQTT 3.1.1 or 5 broker");
        }

        var caFile = section.FilePath("ca_certs");
        if (caFile is not null && !File.Exists(caFile))
        {
            section.Error("ca_certs", $"the file {caFile} is not there", "give the PEM file with the authority's certificate");
        }

        var qos = section.Int32("qos", 0, 2) ?? 1;
        if (qos == 2)
        {
            section.Warning("qos", "QoS 2 is treated as 1: repeats are recognised end to end", "write 1");
        }

        var defaultPort = caFile is null ? MqttHost.DefaultPort : MqttHost.DefaultTlsPort;
        var reconnectMax = section.Duration("reconnect_max", TimeSpan.FromMilliseconds(500), TimeSpan.FromMinutes(10));
        return new MqttBusOptions
        {
            Hosts = [.. (section.Hosts("host", defaultPort) ?? []).Select(h => new MqttHost(h.Host, h.Port))],
            RandomizeHosts = section.Bool("cluster_hosts_randomize") ?? false,
            Version = BindVersion(section),
            UserName = section.String("username"),
            Password = section.Secret("password"),
            CaFile = caFile,
            QoS = qos == 0 ? MqttQoS.AtMostOnce : MqttQoS.AtLeastOnce,
            PingInterval = section.Duration("ping_interval", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)) ?? TimeSpan.FromSeconds(10),
            QueueSize = section.Int32("queue_size", 16, 1_000_000, "messages") ?? 1024,
            ReconnectDelayMax = reconnectMax ?? TimeSpan.FromSeconds(30),
        };
    }

    private static MqttProtocolVersion BindVersion(ConfigSection section)
    {
        var text = section.String("mqtt_version") ?? "5";
        if (text is "5" or "5.0")
        {
            return MqttProtocolVersion.V5;
        }

        if (text != "3.1.1")
        {
            section.Error("mqtt_version", $"there is no MQTT version '{text}' here", "write 5 or 3.1.1");
        }

        return MqttProtocolVersion.V311;
    }

    private static ServerOptions BindServer(
        ConfigSection section, ServiceFile file, KeyRing keys, TransferTopics topics, int chunkBytes, long maxBlockBytes)
    {
        section.Require("mailboxes");
        var mailboxes = new List<ServedMailbox>();
        foreach (var mailbox in section.SectionMap("mailboxes") ?? [])
        {
            CheckName(mailbox);
            var coding = BindCoding(mailbox);
            var allowFill = mailbox.Bool("allow_fill") ?? false;
            if (keys.Find(mailbox) is { } key)
            {
                mailboxes.Add(new ServedMailbox(mailbox.Name, key, coding) { AllowFill = allowFill, Live = keys.LiveOf(mailbox) });
            }
        }

        return new ServerOptions(
            BindCollector(section, file, usual: null),
            new BlockServerOptions
            {
                Node = file.SystemName,
                Topics = topics,
                Mailboxes = mailboxes,
                ChunkBytes = chunkBytes,
                MaxBlockBytes = maxBlockBytes,
            });
    }

    private static string BindCollector(ConfigSection section, ServiceFile file, string? usual)
    {
        var collector = section.String("collector_svc") ?? usual ?? DefaultCollector;
        if (!ServiceSockets.TryPathOf(file.SocketFolder, collector, out _, out var badService))
        {
            section.Error("collector_svc", badService, "write the collector's service id");
        }

        return collector;
    }

    /// <summary>The collector's mailboxes that blocks of a source are handed on to.</summary>
    private static IReadOnlyList<string> BindRelayTo(ConfigSection mailbox)
    {
        var names = mailbox.Strings("relay_to") ?? [];
        foreach (var name in names)
        {
            if (TransferTopics.CheckNodeName(name) is { } bad)
            {
                mailbox.Error("relay_to", bad, "write names of mailboxes of this node's collector");
            }
            else if (name == mailbox.Name)
            {
                mailbox.Error("relay_to", $"a loop: blocks of {name} would be handed back to {name}", "name the mailboxes of nodes further up");
            }
        }

        return names;
    }

    private static TransferCoding BindCoding(ConfigSection mailbox)
    {
        switch (mailbox.String("codec"))
        {
            case null or "columnar+brotli":
                return TransferCoding.ColumnarBrotli;
            case "bzip2":
                return TransferCoding.Bzip2;
            case "none":
                return TransferCoding.None;
            case var other:
                mailbox.Error("codec", $"there is no codec '{other}' here", "write columnar+brotli, bzip2 or none");
                return TransferCoding.ColumnarBrotli;
        }
    }

    private static ClientOptions BindClient(
        ConfigSection section, ServiceFile file, KeyRing keys, TransferTopics topics, int chunkBytes, long maxBlockBytes, ConfigSection? server)
    {
        section.Require("mailboxes");
        var watched = BindWatched(section, file);
        var guards = new Dictionary<string, SourceGuard>(StringComparer.Ordinal);
        var repairs = new Dictionary<string, RepairOptions>(StringComparer.Ordinal);
        var mailboxes = new List<(FetchOptions, SourceLinkOptions)>();
        foreach (var mailbox in section.SectionMap("mailboxes") ?? [])
        {
            CheckName(mailbox);
            var timeout = mailbox.Duration("timeout", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)) ?? TimeSpan.FromSeconds(60);
            var fetch = new FetchOptions
            {
                Source = mailbox.Name,
                Target = file.SystemName,
                Schedule = BindSchedule(mailbox),
                Interval = mailbox.Duration("interval", TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1)) ?? TimeSpan.FromSeconds(30),
                Duration = mailbox.Duration("duration", TimeSpan.FromSeconds(1), TimeSpan.FromDays(365)) ?? TimeSpan.FromSeconds(3600),
                AcceptsRelayed = mailbox.Bool("accept_relayed") ?? false,
                IsGuarded = mailbox.Bool("trusted") == false,
                RelayTo = BindRelayTo(mailbox),
            };
            if (mailbox.Bool("trusted") == false)
            {
                var keyId = mailbox.String("key_id") ?? KeyRing.DefaultId;
                guards[mailbox.Name] = new SourceGuard(keyId, keys.RightsOf(mailbox))
                {
                    Live = () => keys.Live.RightsOf(keyId),
                };
            }

            if (mailbox.Section("self_repair") is { } repair)
            {
                repairs[mailbox.Name] = RepairBinder.Bind(repair);
            }

            if (keys.Find(mailbox) is { } key)
            {
                mailboxes.Add((fetch, new SourceLinkOptions
                {
                    Source = mailbox.Name,
                    Target = file.SystemName,
                    Key = key,
                    Live = keys.LiveOf(mailbox),
                    Topics = topics,
                    Timeout = timeout,
                    RepeatAfter = TimeSpan.FromSeconds(Math.Clamp(timeout.TotalSeconds / 12, 0.5, 5)),
                    MaxChunkBytes = chunkBytes,
                    MaxBlockBytes = maxBlockBytes,
                    AcceptsRelayed = fetch.AcceptsRelayed,
                }));
            }
        }

        var data = section.FilePath("path") ?? section.ResolvePath("runtime/zfrepl/target");
        var options = new ClientOptions
        {
            Mailboxes = mailboxes,
            Guards = guards,
            WatchedServices = watched,
            Repairs = repairs,
            StatePath = data,
            DigestsPath = section.Bool("digests") == true ? Path.Combine(data, "digests.db") : null,
            RepairPath = Path.Combine(data, "repair"),
            CollectorService = BindCollector(section, file, server?.String("collector_svc")),
            InboxPath = Path.Combine(data, "inbox"),
            QuarantinePath = Path.Combine(data, "quarantine"),
            History = HistoryBinder.Bind(section, Path.Combine(data, "history.db"), file.Folders),
            Archive = BindArchive(section),
            JsonLinesPath = section.FilePath("json_lines"),
        };
        file.Folders.Add(data, section, "path");
        if (options.JsonLinesPath is { } lines)
        {
            file.Folders.Add(Path.GetDirectoryName(lines)!, section, "json_lines");
        }

        return options;
    }

    /// <summary>The services to watch, with their sockets.</summary>
    private static List<WatchedService> BindWatched(ConfigSection section, ServiceFile file)
    {
        var watched = new List<WatchedService>();
        foreach (var id in section.Strings("watch_svcs") ?? [])
        {
            if (!ServiceSockets.TryPathOf(file.SocketFolder, id, out var socket, out var bad))
            {
                section.Error("watch_svcs", bad, "write ids of services of this node");
            }
            else if (id.StartsWith(OriginalDatabasePrefix, StringComparison.Ordinal) && !File.Exists(socket))
            {
                section.Warning(
                    "watch_svcs",
                    $"{id} is a database service of the original and is not watched: no service of that name has a socket in {file.SocketFolder}. "
                        + "The history database is watched anyway: import waits while it is down",
                    "remove it, or name a service of this node");
            }
            else
            {
                watched.Add(new WatchedService(id, socket));
            }
        }

        return watched;
    }

    private static ArchiveOptions? BindArchive(ConfigSection section)
    {
        if (section.IsNull("archive"))
        {
            return null;
        }

        var archive = section.Section("archive");
        var prefix = archive?.String("topic") ?? "ST/RAR/";
        if (!prefix.EndsWith('/') || !MqttTopic.IsValidName(prefix.AsSpan(0, prefix.Length - 1)))
        {
            archive!.Error("topic", $"'{prefix}' can't be the beginning of topics", "write a topic that ends with a slash, such as ST/RAR/");
        }

        return new ArchiveOptions(archive is not null && archive.Has("host") ? BindBus(archive) : null, prefix)
        {
            MaxEventsPerSecond = archive?.Int32("max_rate", 1, 10_000_000, "events per second"),
        };
    }

    private static CronSchedule? BindSchedule(ConfigSection mailbox)
    {
        if (mailbox.IsNull("schedule"))
        {
            return null;
        }

        var text = mailbox.String("schedule") ?? EverySecond;
        if (CronSchedule.TryParse(text, out var schedule, out var error))
        {
            return schedule;
        }

        mailbox.Error(
            "schedule", $"the schedule is no schedule at column {error.Column}: {error.Message}", "write second minute hour day month weekday [year]");
        return null;
    }

    private static void CheckName(ConfigSection mailbox)
    {
        if (TransferTopics.CheckNodeName(mailbox.Name) is { } badName)
        {
            mailbox.Error(null, badName, "name the mailbox like the remote node");
        }
    }
}
