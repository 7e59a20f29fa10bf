using ZfRepl.Core.History;

namespace ZfRepl.Standalone;

/// <summary>Everything that a standalone importer's configuration says.</summary>
public sealed record StandaloneOptions
{
    /// <summary>The service's id.</summary>
    public required string Id { get; init; }

    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    /// <summary>The history database.</summary>
    public required HistoryOptions History { get; init; }

    /// <summary>Where damaged files go.</summary>
    public required string QuarantinePath { get; init; }

    /// <summary>A file that gets every event as a line of JSON, or null.</summary>
    public string? JsonLinesPath { get; init; }
}
