using System.Text.Json;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Proof;

/// <summary>Where events are: each accepted one is in exactly one of the four places.</summary>
/// <param name="Accepted">Events that were durable at the source.</param>
/// <param name="Delivered">Those whose import the target confirmed.</param>
/// <param name="Backlog">Those that wait at the source.</param>
/// <param name="Lost">Those that were given up, each with an entry in the loss ledger.</param>
/// <param name="Quarantined">Those in damaged files that are kept aside.</param>
public sealed record EventAccounts(ulong Accepted, ulong Delivered, ulong Backlog, ulong Lost, ulong Quarantined)
{
    /// <summary>Accounts over nothing.</summary>
    public static EventAccounts Zero { get; } = new(0, 0, 0, 0, 0);

    /// <summary>True when every accepted event is in one place.</summary>
    public bool IsBalanced() => (UInt128)Accepted == (UInt128)Delivered + Backlog + Lost + Quarantined;

    /// <summary>The sum of both.</summary>
    public static EventAccounts operator +(EventAccounts a, EventAccounts b) => unchecked(new(
        a.Accepted + b.Accepted, a.Delivered + b.Delivered, a.Backlog + b.Backlog, a.Lost + b.Lost, a.Quarantined + b.Quarantined));
}

/// <summary>The accounts of the blocks that were begun in one hour.</summary>
/// <param name="Hour">The hour, ISO 8601 in UTC.</param>
/// <param name="Blocks">How many blocks of it were removed or wait.</param>
/// <param name="Events">Their events.</param>
public sealed record HourAccounts(string Hour, ulong Blocks, EventAccounts Events);

/// <summary>A block in a chain.</summary>
/// <param name="Index">Its number in the stream.</param>
/// <param name="Name">Its name at the source; empty where nobody knows it.</param>
/// <param name="FirstSequence">Its first sequence number.</param>
/// <param name="NextSequence">The sequence number behind its last event.</param>
/// <param name="Events">Its events.</param>
/// <param name="Hash">SHA-256 of its content, 64 hexadecimal digits.</param>
public sealed record ChainBlock(ulong Index, string Name, ulong FirstSequence, ulong NextSequence, ulong Events, string Hash);

/// <summary>A chain over the confirmed blocks of a stream, and its last blocks.</summary>
/// <param name="FirstIndex">The block number from which on it counts.</param>
/// <param name="NextIndex">Blocks of this number and above are not in it yet.</param>
/// <param name="Blocks">How many blocks it is over.</param>
/// <param name="Value">Its value, 64 hexadecimal digits.</param>
/// <param name="BlocksBefore">How many blocks it is over before the first one listed.</param>
/// <param name="ValueBefore">Its value before the first one listed.</param>
/// <param name="Listed">The last blocks, in the order of their numbers.</param>
public sealed record ChainStatement(
    ulong FirstIndex, ulong NextIndex, ulong Blocks, string Value, ulong BlocksBefore, string ValueBefore, IReadOnlyList<ChainBlock> Listed)
{
    /// <summary>Computes the value again out of what is listed.</summary>
    /// <returns>Null, or what does not fit.</returns>
    public string? Check(StreamId stream)
    {
        if (!BlockHash.TryParse(ValueBefore, out var before))
        {
            return "a value of the chain is no hash";
        }

        var chain = new BlockChain(before!, BlocksBefore);
        ulong? last = null;
        foreach (var block in Listed)
        {
            if (block is null)
            {
                return "a block of the chain is null";
            }

            if (block.Index <= last || block.Index < FirstIndex || block.Index >= NextIndex || !BlockHash.TryParse(block.Hash, out var hash))
            {
                return $"block {block.Index} stands in the wrong place of the chain, or its hash is none";
            }

            last = block.Index;
            chain = chain.Add(stream, block.Index, hash!);
        }

        return chain.Value.ToString() == Value && chain.Blocks == Blocks ? null : "the chain's value does not follow from the blocks listed";
    }
}

/// <summary>What a source states about one of its mailboxes, at one moment.</summary>
public sealed record SourceStatement
{
    /// <summary>The format of the signed document around it.</summary>
    public const string Format = "zfrepl-statement/1";

    /// <summary>The source keeps a local history of everything that it collects.</summary>
    public const string HistoryKept = "kept";

    /// <summary>The source keeps no local history.</summary>
    public const string HistoryNone = "none";

    /// <summary>The mailbox takes snapshots alone, which are in no local history.</summary>
    public const string HistorySnapshots = "snapshots";

    /// <summary>How statements are written.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        MaxDepth = 16,
    };

    /// <summary>The source node.</summary>
    public required string Node { get; init; }

    /// <summary>The mailbox, which has the target's name.</summary>
    public required string Mailbox { get; init; }

    /// <summary>The mailbox's stream, 32 hexadecimal digits.</summary>
    public required string Stream { get; init; }

    /// <summary>When it was stated, nanoseconds since 1970 by the source's clock.</summary>
    public required long StatedNs { get; init; }

    /// <summary>The program's version.</summary>
    public required string Version { get; init; }

    /// <summary>What there is to compare with: <see cref="HistoryKept"/>, <see cref="HistoryNone"/> or <see cref="HistorySnapshots"/>.</summary>
    public required string History { get; init; }

    /// <summary>True when snapshots go into the mailbox beside the events: the target has more than the local history then.</summary>
    public required bool Snapshots { get; init; }

    /// <summary>The accounts since the stream began.</summary>
    public required EventAccounts Accounts { get; init; }

    /// <summary>The part of the accounts that is of the hours listed in none of <see cref="Hours"/>.</summary>
    public required EventAccounts OtherHours { get; init; }

    /// <summary>The accounts by hour, ascending.</summary>
    public required IReadOnlyList<HourAccounts> Hours { get; init; }

    /// <summary>The chain over the confirmed blocks.</summary>
    public required ChainStatement Chain { get; init; }

    /// <summary>Checks the sums in it.</summary>
    /// <returns>What does not fit; empty when everything does.</returns>
    public IReadOnlyList<string> Check()
    {
        var wrong = new List<string>();
        if (!StreamId.TryParse(Stream, out var stream))
        {
            wrong.Add("the source's statement names no stream");
        }
        else if (Chain.Check(stream) is { } broken)
        {
            wrong.Add($"the source's chain: {broken}");
        }

        if (!Accounts.IsBalanced())
        {
            wrong.Add("the source's accounts: accepted is not delivered + backlog + lost + quarantined");
        }

        var sum = OtherHours;
        foreach (var hour in Hours)
        {
            sum += hour.Events;
            if (!hour.Events.IsBalanced())
            {
                wrong.Add($"the source's accounts of {hour.Hour}: accepted is not delivered + backlog + lost + quarantined");
            }
        }

        if (sum != Accounts)
        {
            wrong.Add("the source's accounts by hour do not add up to those of the whole stream");
        }

        return wrong;
    }
}
