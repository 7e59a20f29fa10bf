namespace ZfRepl.Replicator.Fetch;

/// <summary>What became of the blocks that lay in the inbox at the start.</summary>
public sealed record LeftoverState
{
    /// <summary>True once each of them was looked at and nothing is to be tried again.</summary>
    public bool IsDone { get; init; }

    /// <summary>Blocks imported; their confirmation follows when they are offered again.</summary>
    public long Imported { get; init; }

    /// <summary>Events in them.</summary>
    public long Events { get; init; }

    /// <summary>Blocks removed because they had been imported before.</summary>
    public long Removed { get; init; }

    /// <summary>Blocks that stay where they are, for their source to offer again or for a person; the log says why.</summary>
    public long Kept { get; init; }

    /// <summary>What stands in the way and is tried again, or null.</summary>
    public string? Trouble { get; init; }
}
