namespace ZfRepl.Collector.Fill;

/// <summary>Where a fill task stands.</summary>
internal enum FillState
{
    /// <summary>Something of its range is still to be read.</summary>
    Open,

    /// <summary>All of its range is durable in the mailbox.</summary>
    Done,

    /// <summary>An operator ended it.</summary>
    Cancelled,
}

/// <summary>
/// A wish to have a range of time filled into a mailbox from the local history. Times are nanoseconds since 1970, both ends of the range are
/// part of it. Immutable.
/// </summary>
internal sealed record FillTask
{
    /// <summary>The task's id, up to 64 characters; who asks again with the same id gets the task that is there.</summary>
    public required string Id { get; init; }

    /// <summary>The mailbox.</summary>
    public required string Mailbox { get; init; }

    /// <summary>Who asked: a node's name, empty for an operator here.</summary>
    public string Origin { get; init; } = "";

    /// <summary>These items alone, by their OIDs; none for all of the mailbox.</summary>
    public IReadOnlyList<string> Items { get; init; } = [];

    /// <summary>The first time wanted.</summary>
    public required long StartNs { get; init; }

    /// <summary>The last time wanted.</summary>
    public required long EndNs { get; init; }

    /// <summary>When it was asked for.</summary>
    public required long RequestedNs { get; init; }

    /// <summary>Everything of the range before this time is durable in the mailbox; the next process goes on here.</summary>
    public required long NextNs { get; init; }

    /// <summary>Events filled so far; what a restart made necessary to fill again counts again.</summary>
    public ulong Events { get; init; }

    /// <summary>What those events take in memory, in bytes: a measure of the work, not of the disk.</summary>
    public ulong Bytes { get; init; }

    /// <summary>Where it stands.</summary>
    public FillState State { get; init; }

    /// <summary>When it ended, 0 while it is open.</summary>
    public long EndedNs { get; init; }

    /// <summary>The mailbox's stream, known when it is done.</summary>
    public string Stream { get; init; } = "";

    /// <summary>The sequence number behind its last event in that stream, known when it is done.</summary>
    public ulong NextSequence { get; init; }
}
