using ZfRepl.Core.Blocks;
using ZfRepl.Core.History;

namespace ZfRepl.Core.Import;

/// <summary>What to import from a folder.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Node">The node that must have collected the blocks; <see cref="AnyNode"/> takes them all.</param>
/// <param name="Delete">True to remove what was fully applied, and to move what is damaged into quarantine.</param>
/// <param name="Mailbox">The node that the blocks must be for, or null for any.</param>
public sealed record FolderImportRequest(string Path, string Node, bool Delete, string? Mailbox = null)
{
    /// <summary>Stands for every node.</summary>
    public const string AnyNode = "any";
}

/// <summary>Where a file of the folder is afterwards.</summary>
public enum FileFate
{
    /// <summary>Where it was.</summary>
    Left,

    /// <summary>Removed: all of it is applied and durable.</summary>
    Deleted,

    /// <summary>In quarantine: what could be read of it is applied.</summary>
    Quarantined,
}

/// <summary>What became of a file.</summary>
/// <param name="Name">Its name in the folder.</param>
/// <param name="Header">The block's header, or null when it is no block or the header is damaged.</param>
/// <param name="Outcome">What the import said; null for a file that is no block by name and content, or that was not reached.</param>
/// <param name="Fate">Where it is.</param>
/// <param name="Detail">A sentence for people.</param>
public sealed record FolderFile(string Name, BlockHeader? Header, ImportOutcome? Outcome, FileFate Fate, string Detail)
{
    /// <summary>What became of its events, if this run wrote them.</summary>
    public WriteCounts Counts => Outcome switch
    {
        ImportOutcome.Applied applied => applied.Receipt.Counts,
        ImportOutcome.Partial some => some.Receipt.Counts,
        _ => default,
    };
}

/// <summary>How far an import of a folder is.</summary>
/// <param name="Done">Files done.</param>
/// <param name="Total">Files in the folder.</param>
/// <param name="DoneBytes">The length of the files done.</param>
/// <param name="TotalBytes">The length of all files in the folder.</param>
/// <param name="Counts">What became of the events, over all blocks written so far.</param>
/// <param name="File">The file done last; null before the first one.</param>
public sealed record FolderImportProgress(int Done, int Total, long DoneBytes, long TotalBytes, WriteCounts Counts, FolderFile? File);

/// <summary>What became of a folder.</summary>
/// <param name="Files">Every file, in the order in which they were done.</param>
/// <param name="StoppedBy">What stood in the way so that the rest was not tried, or null.</param>
public sealed record FolderImportReport(IReadOnlyList<FolderFile> Files, ImportOutcome.TryLater? StoppedBy)
{
    /// <summary>Blocks that are wholly applied, now or before.</summary>
    public int Applied => Files.Count(f => f.Outcome is ImportOutcome.Applied or ImportOutcome.AlreadyApplied);

    /// <summary>Blocks that were applied before.</summary>
    public int AlreadyApplied => Files.Count(f => f.Outcome is ImportOutcome.AlreadyApplied);

    /// <summary>Blocks that are applied as far as they are intact or written.</summary>
    public int Partial => Files.Count(f => f.Outcome is ImportOutcome.Partial);

    /// <summary>Blocks that were not taken, and files that could not be read.</summary>
    public int Refused => Files.Count(f => f.Outcome is ImportOutcome.Refused or ImportOutcome.TryLater);

    /// <summary>What became of the events, over all blocks that this run wrote.</summary>
    public WriteCounts Counts => Files.Select(f => f.Counts).Aggregate(default(WriteCounts), (sum, counts) => sum + counts);

    /// <summary>True when every file of the folder is a block that is wholly applied.</summary>
    public bool IsClean => StoppedBy is null && Applied == Files.Count;
}
