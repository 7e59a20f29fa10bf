using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Sources.Generator;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.History;

namespace ZfRepl.Collector;

/// <summary>The collector's section of a service file → options. What is wrong is reported to the file, all of it at once.</summary>
public static class CollectorBinder
{
    /// <summary>The section's name.</summary>
    public const string Role = "collector";

    private const string DefaultSpool = "runtime/zfrepl/spool";
    private const string DefaultPki = "runtime/zfrepl/pki";
    private const long MinBlockBytes = 4096;
    private static readonly TimeSpan ShortestMaxDelay = TimeSpan.FromMilliseconds(10);
    private const long MaxBlockBytes = 64 * 1024 * 1024;

    /// <summary>Binds the section.</summary>
    public static CollectorOptions Bind(ServiceFile file)
    {
        var section = file.RoleSection!;
        section.Require("mailboxes");
        var spool = section.FilePath("path") ?? section.ResolvePath(DefaultSpool);
        var mailboxes = section.SectionMap("mailboxes") ?? [];
        var sources = section.SectionMap("sources") ?? [];
        if (sources.Count == 0 && !mailboxes.Any(m => m.Bool("replicate_remote") == true))
        {
            section.Warning(
                null,
                "the collector has no `sources`, so it collects nothing",
                "add an opcua source or a generator below `sources`");
        }

        var options = new CollectorOptions
        {
            Id = file.Id,
            Node = file.SystemName,
            SpoolPath = spool,
            QuarantinePath = section.FilePath("quarantine") ?? Path.Combine(spool, ".quarantine"),
            PkiPath = section.FilePath("pki") ?? section.ResolvePath(DefaultPki),
            Mailboxes = [.. mailboxes.Select(m => BindMailbox(m, file.SystemName, spool))],
            Generators = [.. sources.Where(s => KindOf(s) == SourceKind.Generator).Select(BindGenerator).OfType<GeneratorOptions>()],
            OpcUa = [.. sources.Where(s => KindOf(s) == SourceKind.Opcua).Select(OpcUaBinder.Bind).OfType<Sources.OpcUa.OpcUaSourceOptions>()],
            HistoryName = section.String("default_history_db_svc") ?? "default",
            History = section.Has(HistoryBinder.Key)
                ? HistoryBinder.Bind(section, section.ResolvePath("runtime/zfrepl/local-history.db"), file.Folders)
                : null,
        };
        AddFolders(file.Folders, section, options);
        return options;
    }

    private static void AddFolders(FolderNeeds folders, ConfigSection section, CollectorOptions options)
    {
        folders.Add(options.SpoolPath, section, "path");
        if (section.Has("quarantine"))
        {
            folders.Add(options.QuarantinePath, section, "quarantine", sameAs: options.SpoolPath);
        }

        if (options.OpcUa.Count > 0)
        {
            folders.Add(options.PkiPath, section, "pki");
        }
    }

    private static SourceKind? KindOf(ConfigSection source)
    {
        source.Require("kind");
        var kind = source.Enum<SourceKind>("kind");
        if (kind is null)
        {
            // Which keys belong here can't be told; calling them all unknown would hide the one mistake.
            source.Ignore([.. source.Keys]);
        }

        return kind;
    }

    private static MailboxOptions BindMailbox(ConfigSection section, string node, string spool)
    {
        if (TransferTopics.CheckNodeName(section.Name) is { } badName)
        {
            section.Error(null, $"a mailbox is named like the node that fetches it: {badName}", "choose another name");
        }

        var interval = section.IsNull("interval") ? null : section.Duration("interval", TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1));
        var ignoresEvents = section.Bool("ignore_events") ?? false;
        var skipsDisconnected = section.Bool("skip_disconnected") ?? false;
        WarnOfSnapshots(section, interval, ignoresEvents, skipsDisconnected);
        var queueFull = section.Enum<QueueFull>("queue_full") ?? QueueFull.Block;
        if (queueFull == QueueFull.Drop)
        {
            section.Warning(
                "queue_full", "LOSS: with `drop`, readings are given up while the disk is too slow, with an entry in the loss ledger", "use block, the default");
        }

        var autoFlush = section.Bool("auto_flush") ?? false;
        var durability = section.Enum<Durability>("durability") ?? (autoFlush ? Durability.Always : Durability.Group);
        if (durability == Durability.Relaxed)
        {
            section.Warning("durability", "LOSS: with `relaxed`, a power cut takes readings that were accepted", "use group, the default");
        }

        TimeSpan? keep = section.IsNull("keep") ? null : section.Duration("keep", TimeSpan.FromSeconds(1), TimeSpan.FromDays(36_500)) ?? TimeSpan.FromDays(1);
        var maxDelay = section.IsNull("max_delay") ? null : section.Duration("max_delay", ShortestMaxDelay, TimeSpan.FromHours(1));
        var defaults = new MailboxOptions { Name = section.Name, Node = node, Folder = Path.Combine(spool, section.Name) };
        return defaults with
        {
            AutoEnabled = section.Bool("auto_enabled") ?? defaults.AutoEnabled,
            ReplicatesRemote = BindRelay(section),
            MaxBlockBytes = section.ByteSize("max_block_size", MinBlockBytes, MaxBlockBytes) ?? defaults.MaxBlockBytes,
            BlockTtl = section.Duration("block_ttl_sec", TimeSpan.FromMilliseconds(100)) ?? defaults.BlockTtl,
            Keep = keep,
            MaxPendingAppends = section.Int32("queue_size", 1, 1_000_000) ?? defaults.MaxPendingAppends,
            DropsWhenFull = queueFull == QueueFull.Drop,
            SnapshotInterval = interval,
            IgnoresEvents = ignoresEvents,
            SkipsDisconnected = skipsDisconnected,
            Coding = section.Enum<BlockCoding>("coding") ?? defaults.Coding,
            Durability = durability,
            MaxDelay = maxDelay,
            CommitDelay = section.Duration("commit_delay", maximum: TimeSpan.FromSeconds(10)) ?? CommitDelayFor(maxDelay, defaults.CommitDelay),
            FillBacklogBytes = section.IsNull("fill_max_backlog")
                ? null
                : section.ByteSize("fill_max_backlog", MinBlockBytes, long.MaxValue / 2) ?? defaults.FillBacklogBytes,
            Filter = BindFilter(section),
        };
    }

    /// <summary>Blocks of other nodes pass as they are: masks choose among this node's own readings alone.</summary>
    private static bool BindRelay(ConfigSection section)
    {
        var isOn = section.Bool("replicate_remote") ?? false;
        if (isOn && ((section.Strings("oids") is { } oids && !oids.Contains("#")) || section.Strings("oids_exclude") is { Count: > 0 }))
        {
            section.Warning(
                "replicate_remote",
                "`oids` and `oids_exclude` choose among this node's own readings; blocks of other nodes are passed on whole",
                "choose at the node that collects what this one gets");
        }

        return isOn;
    }

    /// <summary>Waiting for company is a part of the delay, and no more than a tenth of it.</summary>
    private static TimeSpan CommitDelayFor(TimeSpan? maxDelay, TimeSpan usual) => maxDelay / 10 is { } tenth && tenth < usual ? tenth : usual;

    private static OidFilter BindFilter(ConfigSection section)
    {
        var include = section.Strings("oids");
        return new OidFilter(
            include is null ? [OidMask.All] : BindMasks(section, "oids", include),
            BindMasks(section, "oids_exclude", section.Strings("oids_exclude") ?? []));
    }

    private static List<OidMask> BindMasks(ConfigSection section, string key, IReadOnlyList<string> texts)
    {
        var masks = new List<OidMask>();
        foreach (var text in texts.SelectMany(t => texts.Count == 1 ? t.Split(',', StringSplitOptions.TrimEntries) : [t]))
        {
            if (OidMask.TryParse(text, out var mask, out var error))
            {
                masks.Add(mask);
            }
            else
            {
                section.Error(key, error, "see the masks in docs/configuration.md");
            }
        }

        return masks;
    }

    private static GeneratorOptions? BindGenerator(ConfigSection section)
    {
        section.Require("oid");
        var text = section.String("oid");
        var interval = section.Duration("interval", TimeSpan.FromMilliseconds(10)) ?? TimeSpan.FromSeconds(1);
        var value = section.Enum<GeneratorValue>("value") ?? GeneratorValue.Time;
        if (text is null)
        {
            return null;
        }

        if (!Oid.TryParse(text, out var oid, out var error))
        {
            section.Error("oid", error, "write for example sensor:edge1/heartbeat");
            return null;
        }

        return new GeneratorOptions(section.Name, oid, interval, value);
    }

    private static void WarnOfSnapshots(ConfigSection section, TimeSpan? interval, bool ignoresEvents, bool skipsDisconnected)
    {
        if (ignoresEvents && interval is null)
        {
            section.Warning("ignore_events", "LOSS: without `interval` this mailbox takes nothing", "add interval, or set ignore_events to false");
        }

        if (skipsDisconnected && interval is null)
        {
            section.Warning(
                "skip_disconnected", "`skip_disconnected` is about the snapshots of `interval`, and there are none", "add interval, or remove it");
        }
    }

    private enum QueueFull
    {
        Block,
        Drop,
    }

    private enum SourceKind
    {
        Opcua,
        Generator,
    }
}
