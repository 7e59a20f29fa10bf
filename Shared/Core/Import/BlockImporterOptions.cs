namespace ZfRepl.Core.Import;

/// <summary>The bounds of an import.</summary>
public sealed record BlockImporterOptions
{
    /// <summary>The most events in one transaction, and in memory; from 1. A single frame with more is in memory as a whole.</summary>
    public int MaxEventsPerTransaction { get; init; } = 65_536;

    /// <summary>The largest block file that is read, in bytes.</summary>
    public long MaxBlockBytes { get; init; } = 2L * 1024 * 1024 * 1024;

    /// <summary>By node, what the sources that are not trusted may write; every other node may write everything.</summary>
    public IReadOnlyDictionary<string, SourceGuard> Guards { get; init; } = new Dictionary<string, SourceGuard>();

    /// <summary>
    /// Where events go that a guarded source may not write, or that a rule of the database keeps out. Without one the former are counted, and gone; for
    /// the latter the import waits.
    /// </summary>
    public Quarantine? Quarantine { get; init; }

    /// <summary>The book of what was imported, by item and hour; null where none is kept.</summary>
    public Proof.ImportDigests? Digests { get; init; }

    /// <summary>How many OIDs are remembered from block to block; from 1.</summary>
    public int MaxOids { get; init; } = 500_000;
}
