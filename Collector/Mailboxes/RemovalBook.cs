using System.Text.Json;
using System.Text.Json.Serialization;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>How events left a mailbox.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BookedKind>))]
internal enum BookedKind
{
    /// <summary>The target confirmed their block.</summary>
    Delivered,

    /// <summary>Their block was given up; the loss ledger says so.</summary>
    Lost,

    /// <summary>They vanished with their file; the loss ledger says so.</summary>
    Vanished,
}

/// <summary>An entry of the removal book.</summary>
/// <param name="Kind">How the events left.</param>
/// <param name="Hour">The hour in which their block was begun; where its file vanished, the hour in which that was found.</param>
/// <param name="Block">The block; of vanished events only their numbers.</param>
internal sealed record BookedRemoval(BookedKind Kind, int Hour, ChainBlock Block)
{
    /// <summary>What it adds to the accounts.</summary>
    [JsonIgnore]
    public EventAccounts Accounts
    {
        get
        {
            // Whatever a file says: sums of it never keep a mailbox from opening.
            var span = unchecked(Block.NextSequence - Block.FirstSequence);
            var missing = unchecked(span - Block.Events);
            return Kind switch
            {
                BookedKind.Delivered => new EventAccounts(span, Block.Events, 0, 0, missing),
                BookedKind.Lost => new EventAccounts(span, 0, 0, Block.Events, missing),
                _ => new EventAccounts(span, 0, 0, span, 0),
            };
        }
    }
}

/// <summary>
/// What became of a mailbox's blocks by hour, and the chain over those that were confirmed (docs/adr/0014). The file is written for every
/// few entries (<see cref="MailboxOptions.BookEntriesPerWrite"/>); the entries since stand in the state file, with the removal that they are about. Not thread-safe:
/// the mailbox calls it under its gate.
/// </summary>
internal sealed class RemovalBook
{
    public const string FileName = "mailbox.hours";

    /// <summary>Ninety days; the oldest hours beyond go into one sum.</summary>
    public const int MaxHours = 90 * 24;

    /// <summary>Blocks of the chain that are remembered one by one.</summary>
    public const int MaxListed = 256;

    private const int MaxUnchained = 4096;
    private const int MaxBytes = 8 * 1024 * 1024;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private readonly StreamId _stream;
    private readonly SortedDictionary<int, (ulong Blocks, EventAccounts Events)> _hours = [];
    private readonly SortedDictionary<ulong, ChainBlock> _unchained = [];
    private readonly Queue<ChainBlock> _listed = [];
    private EventAccounts _earlier = EventAccounts.Zero;
    private ulong _firstIndex;
    private ulong _nextIndex;
    private BlockChain _before = BlockChain.Empty;
    private BlockChain _chain = BlockChain.Empty;

    private RemovalBook(StreamId stream) => _stream = stream;

    /// <summary>How many entries were ever made in it.</summary>
    public ulong Entries { get; private set; }

    /// <summary>Reads the book. One that is lost, damaged or of another time begins anew: what was before goes into one sum.</summary>
    /// <param name="storage">The files.</param>
    /// <param name="folder">The mailbox's folder.</param>
    /// <param name="stream">Its stream.</param>
    /// <param name="state">Its state.</param>
    /// <param name="damage">What is wrong with the file's content, or null.</param>
    /// <returns>The book; an error when the file can't be read now, which says nothing of its content.</returns>
    public static StorageResult<RemovalBook> Open(IStorage storage, string folder, StreamId stream, MailboxState state, out string? damage)
    {
        var read = CheckedFile.Read(storage, Path.Combine(folder, FileName), MaxBytes, out damage);
        if (!read.IsOk)
        {
            return read.Error;
        }

        var book = read.Value is { } line ? Parse(stream, line) : null;
        var last = state.BookedFrom + (ulong)state.Booked.Count;
        if (book is null || book.Entries < state.BookedFrom || book.Entries > last || book.Total() != Total(state, (int)(last - book.Entries)))
        {
            book = Begin(stream, state);
        }

        foreach (var entry in state.Booked.Skip((int)(book.Entries - state.BookedFrom)))
        {
            book.Add(entry);
        }

        book.Chain(state.LowIndex);
        return book;
    }

    /// <summary>Enters a removal.</summary>
    public void Add(BookedRemoval entry)
    {
        Entries++;
        var (blocks, events) = _hours.GetValueOrDefault(entry.Hour, (0UL, EventAccounts.Zero));
        _hours[entry.Hour] = (blocks + (entry.Kind == BookedKind.Vanished ? 0UL : 1UL), events + entry.Accounts);
        while (_hours.Count > MaxHours)
        {
            var oldest = _hours.First();
            _earlier += oldest.Value.Events;
            _hours.Remove(oldest.Key);
        }

        if (entry.Kind == BookedKind.Delivered && entry.Block.Index >= Math.Max(_firstIndex, _nextIndex))
        {
            _unchained[entry.Block.Index] = entry.Block;
            if (_unchained.Count > MaxUnchained)
            {
                // The oldest block has been stuck for very long: the chain can't wait for it without end, and begins anew behind what is here.
                BeginChain(_unchained.Keys.Last() + 1);
            }
        }
    }

    /// <summary>Takes confirmed blocks into the chain, up to the oldest block that is still there.</summary>
    public void Chain(ulong lowIndex)
    {
        while (_unchained.Count > 0 && _unchained.First() is var (index, block) && index < lowIndex)
        {
            _unchained.Remove(index);
            _chain = Add(_chain, block);
            _listed.Enqueue(block);
            if (_listed.Count > MaxListed)
            {
                _before = Add(_before, _listed.Dequeue());
            }
        }

        _nextIndex = Math.Max(_nextIndex, lowIndex);
    }

    /// <summary>Writes the file.</summary>
    public StorageResult Write(IStorage storage, string folder) => CheckedFile.Write(
        storage,
        Path.Combine(folder, FileName),
        JsonSerializer.SerializeToUtf8Bytes(
            new Content(
                _stream.ToString(),
                Entries,
                _earlier,
                [.. _hours.Select(h => new Hour(h.Key, h.Value.Blocks, h.Value.Events))],
                State(),
                [.. _unchained.Values]),
            Json));

    /// <summary>The chain as it stands.</summary>
    public ChainStatement State() => new(
        _firstIndex, Math.Max(_nextIndex, _firstIndex), _chain.Blocks, _chain.Value.ToString(), _before.Blocks, _before.Value.ToString(), [.. _listed]);

    /// <summary>What left the mailbox, by hour.</summary>
    /// <returns>The sum of what is not known by hour any more, and the hours, ascending.</returns>
    public (EventAccounts Earlier, IReadOnlyList<(int Hour, ulong Blocks, EventAccounts Events)> Hours) Accounts() =>
        (_earlier, [.. _hours.Select(h => (h.Key, h.Value.Blocks, h.Value.Events))]);

    private static EventAccounts Total(MailboxState state, int without)
    {
        var booked = state.Booked.TakeLast(without).Aggregate(EventAccounts.Zero, (sum, b) => sum + b.Accounts);
        return unchecked(new EventAccounts(
            state.DeliveredEvents + state.LostEvents + state.QuarantinedEvents - booked.Accepted,
            state.DeliveredEvents - booked.Delivered,
            0,
            state.LostEvents - booked.Lost,
            state.QuarantinedEvents - booked.Quarantined));
    }

    private static RemovalBook Begin(StreamId stream, MailboxState state)
    {
        var book = new RemovalBook(stream) { Entries = state.BookedFrom, _earlier = Total(state, state.Booked.Count) };

        // Of what was removed before the entries that are still here, nobody knows the hashes any more.
        var known = state.Booked.Select(b => b.Block.Index).ToHashSet();
        var first = state.LowIndex;
        while (first > 1 && known.Contains(first - 1))
        {
            first--;
        }

        book.BeginChain(state.Removed.Where(r => !r.IsHole && !known.Contains(r.Index)).Select(r => r.Index + 1).Append(first).Max());
        return book;
    }

    private static RemovalBook? Parse(StreamId stream, byte[] line)
    {
        try
        {
            if (JsonSerializer.Deserialize<Content>(line, Json) is not { } content || content.Stream != stream.ToString())
            {
                return null;
            }

            if (content.Chain.Check(stream) is not null
                || !BlockHash.TryParse(content.Chain.Value, out var value) || !BlockHash.TryParse(content.Chain.ValueBefore, out var before)
                || content.Hours.Any(h => h is null || h.Number < BookHour.Of(long.MinValue) || h.Number > BookHour.Of(long.MaxValue) || h.Blocks > long.MaxValue)
                || content.Unchained.Any(b => b?.Name is null || b.Index < Math.Max(content.Chain.FirstIndex, content.Chain.NextIndex) || !BlockHash.TryParse(b.Hash, out _)))
            {
                return null;
            }

            var book = new RemovalBook(stream)
            {
                Entries = content.Entries,
                _earlier = content.Earlier,
                _firstIndex = content.Chain.FirstIndex,
                _nextIndex = content.Chain.NextIndex,
                _before = new BlockChain(before!, content.Chain.BlocksBefore),
                _chain = new BlockChain(value!, content.Chain.Blocks),
            };
            foreach (var hour in content.Hours)
            {
                book._hours[hour.Number] = (hour.Blocks, hour.Events);
            }

            foreach (var block in content.Chain.Listed)
            {
                book._listed.Enqueue(block);
            }

            foreach (var block in content.Unchained)
            {
                book._unchained[block.Index] = block;
            }

            return book;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private EventAccounts Total() => _hours.Values.Aggregate(_earlier, (sum, h) => sum + h.Events);

    private void BeginChain(ulong firstIndex)
    {
        _firstIndex = firstIndex;
        (_before, _chain) = (BlockChain.Empty, BlockChain.Empty);
        _listed.Clear();
        _unchained.Clear();
    }

    private BlockChain Add(BlockChain chain, ChainBlock block) => BlockHash.TryParse(block.Hash, out var hash)
        ? chain.Add(_stream, block.Index, hash!)
        : throw new InvalidOperationException($"Block {block.Index} of the chain has no hash.");

    private sealed record Hour(int Number, ulong Blocks, EventAccounts Events);

    private sealed record Content(
        string Stream, ulong Entries, EventAccounts Earlier, IReadOnlyList<Hour> Hours, ChainStatement Chain, IReadOnlyList<ChainBlock> Unchained);
}
