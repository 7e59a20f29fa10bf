using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Sources.Generator;
using ZfRepl.Collector.Sources.OpcUa;
using ZfRepl.Core.History;

namespace ZfRepl.Collector;

/// <summary>Everything that a collector's configuration says.</summary>
public sealed record CollectorOptions
{
    /// <summary>The service's id.</summary>
    public required string Id { get; init; }

    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    /// <summary>The folder of the mailboxes.</summary>
    public required string SpoolPath { get; init; }

    /// <summary>Where damaged files go; on the same file system as the spool.</summary>
    public required string QuarantinePath { get; init; }

    /// <summary>The folder of OPC UA certificates.</summary>
    public required string PkiPath { get; init; }

    /// <summary>The mailboxes.</summary>
    public required IReadOnlyList<MailboxOptions> Mailboxes { get; init; }

    /// <summary>The heartbeats.</summary>
    public IReadOnlyList<GeneratorOptions> Generators { get; init; } = [];

    /// <summary>The OPC UA sources.</summary>
    public IReadOnlyList<OpcUaSourceOptions> OpcUa { get; init; } = [];

    /// <summary>The local history database, or null when there is none.</summary>
    public HistoryOptions? History { get; init; }

    /// <summary>What the local history is called in calls.</summary>
    public string HistoryName { get; init; } = "default";
}
