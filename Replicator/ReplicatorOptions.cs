using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Keys;
using ZfRepl.Replicator.Repair;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Replicator;

/// <summary>Everything that a replicator's configuration says.</summary>
public sealed record ReplicatorOptions
{
    /// <summary>The service's id.</summary>
    public required string Id { get; init; }

    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    /// <summary>The folder of service sockets.</summary>
    public required string SocketFolder { get; init; }

    /// <summary>The broker.</summary>
    public required MqttBusOptions Bus { get; init; }

    /// <summary>The store of keys, watched while the service runs; null where there is none.</summary>
    public LiveKeys? Keys { get; init; }

    /// <summary>The serving side, or null.</summary>
    public ServerOptions? Server { get; init; }

    /// <summary>The fetching side, or null.</summary>
    public ClientOptions? Client { get; init; }
}

/// <summary>The serving side.</summary>
/// <param name="CollectorService">The collector's service id.</param>
/// <param name="Blocks">What is served, and how.</param>
public sealed record ServerOptions(string CollectorService, BlockServerOptions Blocks);

/// <summary>The fetching side.</summary>
public sealed record ClientOptions
{
    /// <summary>The sources.</summary>
    public required IReadOnlyList<(FetchOptions Fetch, SourceLinkOptions Link)> Mailboxes { get; init; }

    /// <summary>How gaps in what comes of a source are repaired, by source; those that are not here are searched by hand alone.</summary>
    public IReadOnlyDictionary<string, RepairOptions> Repairs { get; init; } = new Dictionary<string, RepairOptions>();

    /// <summary>The folder of everything that the target keeps.</summary>
    public required string StatePath { get; init; }

    /// <summary>Where it is kept which gaps there are.</summary>
    public required string RepairPath { get; init; }

    /// <summary>The services that have to run while anything is fetched.</summary>
    public IReadOnlyList<WatchedService> WatchedServices { get; init; } = [];

    /// <summary>The book of what was imported by item and hour; null where none is kept.</summary>
    public string? DigestsPath { get; init; }

    /// <summary>The id of the collector that blocks are handed on to.</summary>
    public string CollectorService { get; init; } = "";

    /// <summary>Where blocks arrive.</summary>
    public required string InboxPath { get; init; }

    /// <summary>Where damaged files go.</summary>
    public required string QuarantinePath { get; init; }

    /// <summary>The history database.</summary>
    public required HistoryOptions History { get; init; }

    /// <summary>By node, what the sources that are not trusted may write.</summary>
    public IReadOnlyDictionary<string, SourceGuard> Guards { get; init; } = new Dictionary<string, SourceGuard>();

    /// <summary>The most events in one transaction of an import, from 1.</summary>
    public int EventsPerTransaction { get; init; } = new BlockImporterOptions().MaxEventsPerTransaction;

    /// <summary>The archive topic, or null when nothing is published.</summary>
    public ArchiveOptions? Archive { get; init; }

    /// <summary>A file that gets every event as a line of JSON, or null.</summary>
    public string? JsonLinesPath { get; init; }
}

/// <summary>The archive topic.</summary>
/// <param name="Bus">Its broker; null for the one that blocks travel over.</param>
/// <param name="TopicPrefix">What stands before the OID's path.</param>
public sealed record ArchiveOptions(MqttBusOptions? Bus, string TopicPrefix)
{
    /// <summary>The most events published in a second; null for as many as there are.</summary>
    public int? MaxEventsPerSecond { get; init; }
}
