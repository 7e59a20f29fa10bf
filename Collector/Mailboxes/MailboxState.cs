using System.Text.Json.Serialization;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>A block, or some events, gone on purpose while older ones are still there.</summary>
/// <param name="Index">Its number in the stream.</param>
/// <param name="FirstSequence">Its first sequence number.</param>
/// <param name="NextSequence">The sequence number behind its last event.</param>
/// <param name="IsHole">True when only these events are gone and a block with the number is, or will be, there.</param>
internal sealed record RemovedBlock(ulong Index, ulong FirstSequence, ulong NextSequence, bool IsHole = false);

/// <summary>
/// What a mailbox has to remember when its blocks are gone: identity, numbering, accounts. Written whenever a block is removed, before
/// its file is, so that a file which a power loss brings back is not offered again. What blocks themselves say is not repeated here.
/// </summary>
internal sealed record MailboxState
{
    /// <summary>The stream id, 32 hexadecimal digits.</summary>
    public required string Stream { get; init; }

    /// <summary>The number of the next block, at least.</summary>
    public ulong NextIndex { get; init; } = 1;

    /// <summary>The next sequence number, at least.</summary>
    public ulong NextSequence { get; init; } = 1;

    /// <summary>The newest block name ever used, seconds since 1970.</summary>
    public long NewestName { get; init; }

    /// <summary>Every block with a lower number is gone on purpose.</summary>
    public ulong LowIndex { get; init; } = 1;

    /// <summary>The first sequence number that is not gone on purpose.</summary>
    public ulong LowSequence { get; init; } = 1;

    /// <summary>Blocks gone on purpose above the mark.</summary>
    public IReadOnlyList<RemovedBlock> Removed { get; init; } = [];

    /// <summary>Events whose delivery the target confirmed.</summary>
    public ulong DeliveredEvents { get; init; }

    /// <summary>Events given up, each with an entry in the loss ledger.</summary>
    public ulong LostEvents { get; init; }

    /// <summary>Events in damaged files that are kept aside.</summary>
    public ulong QuarantinedEvents { get; init; }

    /// <summary>Blocks confirmed.</summary>
    public ulong DeliveredBlocks { get; init; }

    /// <summary>
    /// Names of blocks of which nothing can be read, from before their files are moved aside until the loss ledger has their entries; null for none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Unreadable { get; init; }

    /// <summary>How far each source has been taken.</summary>
    public IReadOnlyList<SourcePosition> Positions { get; init; } = [];

    /// <summary>How many entries of the removal book there were before <see cref="Booked"/>.</summary>
    public ulong BookedFrom { get; init; }

    /// <summary>The entries of the removal book that its file may not have yet, oldest first.</summary>
    public IReadOnlyList<BookedRemoval> Booked { get; init; } = [];
}

/// <summary>The file <c>mailbox.state</c>: one line of JSON, one line with its CRC-32C in hexadecimal (docs/format.md).</summary>
internal static class MailboxStateFile
{
    public const string FileName = "mailbox.state";

    private const int MaxBytes = 16 * 1024 * 1024;

    public static StorageResult Write(IStorage storage, string folder, MailboxState state) =>
        CheckedJsonFile.Write(storage, Path.Combine(folder, FileName), state);

    /// <summary>Reads the state.</summary>
    /// <returns>The state; null when there is none or it is damaged (<paramref name="damage"/> then says how); an error when it can't be read.</returns>
    public static StorageResult<MailboxState?> Read(IStorage storage, string folder, out string? damage)
    {
        var read = CheckedJsonFile.Read<MailboxState>(storage, Path.Combine(folder, FileName), MaxBytes, out damage);
        if (read is { IsOk: true, Value: { } state } && !StreamId.TryParse(state.Stream, out _))
        {
            damage = "it names no stream";
            return (MailboxState?)null;
        }

        return read;
    }
}
