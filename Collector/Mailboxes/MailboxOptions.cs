using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>When an accepted reading is on disk.</summary>
public enum Durability
{
    /// <summary>Several appends share one sync; each is accepted after it. The default.</summary>
    Group,

    /// <summary>As <see cref="Group"/>, without waiting for company: a sync as soon as the disk is free.</summary>
    Always,

    /// <summary>Accepted after the write, without a sync: a power loss takes the last seconds. LOSS.</summary>
    Relaxed,
}

/// <summary>How a block is kept and sent once it is closed.</summary>
public enum BlockCoding
{
    /// <summary>Written once more at sealing, in columns where that is smaller: a fraction of the size. The default.</summary>
    Columns,

    /// <summary>As the commits wrote it, row by row: every version can read it.</summary>
    Rows,
}

/// <summary>The settings of one mailbox.</summary>
public sealed record MailboxOptions
{
    /// <summary>The mailbox's name: the name of the node that the events are for.</summary>
    public required string Name { get; init; }

    /// <summary>The node that collects: this one.</summary>
    public required string Node { get; init; }

    /// <summary>The mailbox's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The items that are taken.</summary>
    public OidFilter Filter { get; init; } = OidFilter.Everything;

    /// <summary>Whether it collects from the start.</summary>
    public bool AutoEnabled { get; init; } = true;

    /// <summary>A block is closed when it has this many bytes.</summary>
    public long MaxBlockBytes { get; init; } = 2_000_000;

    /// <summary>A block is closed when it is this old.</summary>
    public TimeSpan BlockTtl { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>
    /// A block is closed, and so announced, when its first readings have been accepted for so long; null leaves that to size, age and target.
    /// The price is more and smaller blocks.
    /// </summary>
    public TimeSpan? MaxDelay { get; init; }

    /// <summary>Blocks that nobody fetched are given up after this time; null keeps them for ever.</summary>
    public TimeSpan? Keep { get; init; } = TimeSpan.FromSeconds(86_400);

    /// <summary>How a block is kept and sent once it is closed.</summary>
    public BlockCoding Coding { get; init; } = BlockCoding.Columns;

    /// <summary>Whether blocks that other nodes collected are taken, to be passed on as they are.</summary>
    public bool ReplicatesRemote { get; init; }

    /// <summary>When an accepted reading is on disk.</summary>
    public Durability Durability { get; init; } = Durability.Group;

    /// <summary>How long an append waits for company before the sync.</summary>
    public TimeSpan CommitDelay { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>As many bytes end the waiting at once.</summary>
    public int CommitBytes { get; init; } = 256 * 1024;

    /// <summary>Appends wait when this many bytes are not yet on disk.</summary>
    public int MaxPendingBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Appends wait when so many of them are not yet on disk.</summary>
    public int MaxPendingAppends { get; init; } = 512;

    /// <summary>Filling from the local history pauses while so many bytes wait to be fetched; null for no such limit.</summary>
    public long? FillBacklogBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>
    /// What happens while <see cref="MaxPendingAppends"/> or <see cref="MaxPendingBytes"/> are reached: false has sources wait, true gives the events
    /// up, with an entry in the loss ledger. LOSS with true.
    /// </summary>
    public bool DropsWhenFull { get; init; }

    /// <summary>True takes nothing as it happens: snapshots alone.</summary>
    public bool IgnoresEvents { get; init; }

    /// <summary>How often a snapshot of the last state of all matching items is taken; null for never.</summary>
    public TimeSpan? SnapshotInterval { get; init; }

    /// <summary>True leaves items out of snapshots whose source has no connection.</summary>
    public bool SkipsDisconnected { get; init; }

    /// <summary>How long to wait before a failed write is tried again.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How many entries of the removal book the state file carries before they go into the book's own, from 1.</summary>
    internal int BookEntriesPerWrite { get; init; } = 32;
}
