using System.Text.Json.Serialization;
using ZfRepl.Core.Repair;

namespace ZfRepl.Replicator.Repair;

/// <summary>How a gap was found.</summary>
internal enum GapKind
{
    /// <summary>The heartbeats are silent.</summary>
    Heartbeat,

    /// <summary>Sequence numbers of a stream are missing.</summary>
    Sequence,

    /// <summary>A proof found that events of some items are not in the history, or are not what they were.</summary>
    Proof,
}

/// <summary>What has become of a gap.</summary>
internal enum GapState
{
    /// <summary>The source has not been asked yet.</summary>
    Found,

    /// <summary>The source fills it.</summary>
    Asked,

    /// <summary>The source has filled it; the blocks are on their way.</summary>
    Filled,

    /// <summary>It is closed.</summary>
    Closed,

    /// <summary>
    /// Nobody can fill it: the source has nothing for it either, somebody ended the task there, or its time is not known. One of the heartbeats
    /// stands in the loss ledger; missing sequence numbers stay missing in the account.
    /// </summary>
    Unfillable,

    /// <summary>
    /// No gap after all: neither here nor at the source is there a heartbeat from before it, and the source's history has not lost its beginning. Nothing is
    /// known of that time, and it is no loss.
    /// </summary>
    NotKnown,
}

/// <summary>A gap in the history of one source, and what is done about it. Times are nanoseconds since 1970. Immutable.</summary>
internal sealed record Gap
{
    /// <summary>Its id, and that of the fill task at the source.</summary>
    public required string Id { get; init; }

    /// <summary>The source node.</summary>
    public required string Node { get; init; }

    public required GapKind Kind { get; init; }

    /// <summary>Where it begins: the last heartbeat before it, or the earliest time that missing events can have.</summary>
    public required long FromNs { get; init; }

    /// <summary>Where it ends: the first heartbeat behind it, the end of the search, or the latest time that missing events can have.</summary>
    public required long ToNs { get; init; }

    /// <summary>True when no heartbeat had come behind it when it was found.</summary>
    public bool IsOpen { get; init; }

    /// <summary>True when there was no heartbeat before it at all when it was found.</summary>
    public bool IsFirst { get; init; }

    /// <summary>The heartbeats that are silent.</summary>
    public IReadOnlyList<string> Heartbeats { get; init; } = [];

    /// <summary>The longest silence of them that is no gap.</summary>
    public long AllowedNs { get; init; }

    /// <summary>The items that a proof found, by their OIDs; else empty.</summary>
    public IReadOnlyList<string> Items { get; init; } = [];

    /// <summary>The stream with missing numbers, else empty.</summary>
    public string MissingStream { get; init; } = "";

    /// <summary>The first missing sequence number, else 0.</summary>
    public ulong FirstSequence { get; init; }

    /// <summary>The last missing sequence number, else 0.</summary>
    public ulong LastSequence { get; init; }

    public required long FoundNs { get; init; }

    public GapState State { get; init; }

    /// <summary>When it was closed or given up, 0 before.</summary>
    public long EndedNs { get; init; }

    /// <summary>How often the source filled it and nothing arrived.</summary>
    public int Repeats { get; init; }

    /// <summary>Events that the source has filled.</summary>
    public ulong Events { get; init; }

    /// <summary>The stream in which they travel, once the source is done.</summary>
    public string FillStream { get; init; } = "";

    /// <summary>The sequence number behind the last of them.</summary>
    public ulong FillNextSequence { get; init; }

    /// <summary>When the source said that it is done.</summary>
    public long FilledNs { get; init; }

    /// <summary>For people: what is waited for, or how it ended.</summary>
    public string Detail { get; init; } = "";

    [JsonIgnore]
    public TimeRange Range => new(FromNs, ToNs);

    [JsonIgnore]
    public bool IsInFlight => State is GapState.Found or GapState.Asked or GapState.Filled;
}
