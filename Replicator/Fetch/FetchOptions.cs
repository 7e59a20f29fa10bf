using ZfRepl.Core.Schedule;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Progress;

namespace ZfRepl.Replicator.Fetch;

/// <summary>When and how long blocks are fetched from one source.</summary>
public sealed record FetchOptions
{
    /// <summary>The source node's name.</summary>
    public required string Source { get; init; }

    /// <summary>This node's name.</summary>
    public required string Target { get; init; }

    /// <summary>When a client session starts; null means by hand only.</summary>
    public CronSchedule? Schedule { get; init; }

    /// <summary>How often the source is asked while it has nothing; an announcement cuts the waiting short.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a client session lasts.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(3600);

    /// <summary>The most blocks asked for at once.</summary>
    public int OffersLimit { get; init; } = NextReply.MaxOffers;

    /// <summary>Whether blocks are taken that the source has from other nodes.</summary>
    public bool AcceptsRelayed { get; init; }

    /// <summary>Whether the source is not trusted: what it may write is checked for each event.</summary>
    public bool IsGuarded { get; init; }

    /// <summary>The mailboxes of the collector next door that every block is handed on to before the source may forget it.</summary>
    public IReadOnlyList<string> RelayTo { get; init; } = [];

    /// <summary>Says why nothing is to be fetched or imported at present, or null; asked before each round and each block.</summary>
    public Func<string?> Suspended { get; init; } = () => null;

    /// <summary>
    /// The most blocks between their offer and their confirmation, from 1. They are requests of one session, of which the other side tells
    /// repeats within a window of 1,024; what they take in memory is bounded apart.
    /// </summary>
    public int BlocksInFlight { get; init; } = 128;
}

/// <summary>How fetching from one source is going.</summary>
public sealed record FetchState
{
    /// <summary>The source node's name.</summary>
    public required string Source { get; init; }

    /// <summary>True while a client session runs.</summary>
    public bool IsActive { get; init; }

    /// <summary>Blocks imported and confirmed since the start.</summary>
    public long Blocks { get; init; }

    /// <summary>Events in them.</summary>
    public long Events { get; init; }

    /// <summary>Events among them that were known already.</summary>
    public long Duplicates { get; init; }

    /// <summary>Events among them that the source may not write: they are kept aside in the quarantine.</summary>
    public long RefusedEvents { get; init; }

    /// <summary>Blocks that wait at the source, as it said last.</summary>
    public ulong BacklogBlocks { get; init; }

    /// <summary>Events that wait at the source, as it said last.</summary>
    public ulong BacklogEvents { get; init; }

    /// <summary>Bytes given to the bus.</summary>
    public long SentBytes { get; init; }

    /// <summary>Bytes received from the bus.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>Messages in the source's name that were refused.</summary>
    public long Refused { get; init; }

    /// <summary>When the source answered last, or null.</summary>
    public DateTimeOffset? LastContact { get; init; }

    /// <summary>What keeps blocks from coming, or null.</summary>
    public string? Trouble { get; init; }

    /// <summary>Client sessions begun since the start.</summary>
    public long Sessions { get; init; }

    /// <summary>How far the session that runs is, or null.</summary>
    public FetchSession? Session { get; init; }
}

/// <summary>How far a client session is.</summary>
public sealed record FetchSession
{
    /// <summary>True when the source has said in this session what waits there.</summary>
    public required bool IsInTouch { get; init; }

    /// <summary>Blocks imported and confirmed in this session.</summary>
    public required long Blocks { get; init; }

    /// <summary>Events in them.</summary>
    public required long Events { get; init; }

    /// <summary>Bytes received from the bus in this session.</summary>
    public required long ReceivedBytes { get; init; }

    /// <summary>How fast it goes on; what remains is what waits at the source.</summary>
    public required WorkRate Rate { get; init; }

    /// <summary>When it ends by itself.</summary>
    public required TimeSpan EndsIn { get; init; }
}
