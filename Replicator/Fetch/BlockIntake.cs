using Microsoft.Extensions.Logging;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>A block that is here, or whose import is done already.</summary>
/// <param name="Offer">What the source offered.</param>
/// <param name="Path">Its file in the inbox; null when it is in memory alone, or was imported before.</param>
/// <param name="Content">Its bytes, when it is in memory.</param>
internal sealed record FetchedBlock(BlockOffer Offer, string? Path, ReadOnlyMemory<byte>? Content = null)
{
    /// <summary>True when nothing is left to do but to tell the source.</summary>
    public bool IsImported => Path is null && Content is null;
}

/// <summary>A block, nothing yet, or what stands in the way.</summary>
internal readonly record struct Held(FetchedBlock? Block, string? Trouble);

/// <summary>How an import ended: done, with counts, or not, with the trouble; a refused block is no reason to keep others waiting.</summary>
internal readonly record struct Taken(string? Trouble, long Events = 0, long Duplicates = 0, bool IsRefused = false, long RefusedEvents = 0);

/// <summary>
/// The last stretch at the target: inbox, mailboxes that it is handed on to, import, quarantine. What it calls done is durable, so that the source
/// may be told. Thread-safe.
/// </summary>
internal sealed partial class BlockIntake(
    Inbox inbox,
    BlockImporter importer,
    IHistoryDatabase history,
    Quarantine quarantine,
    ILogger logger,
    IBlockRelay? relay = null,
    TimeProvider? time = null)
{
    /// <summary>Looks whether a block was imported before, or lies in the inbox since an earlier start.</summary>
    public async Task<Held> FindAsync(BlockOffer offer, FetchOptions fetch, CancellationToken cancellationToken)
    {
        var key = offer.Block;
        if (fetch.RelayTo.Count > 0)
        {
            // That it was imported does not say that it was handed on: somebody may have carried it here.
            return InInbox(offer);
        }

        var applied = await history.FindAppliedAsync(key, cancellationToken);
        if (!applied.IsOk)
        {
            return new Held(null, applied.Error.ToString());
        }

        if (applied.Value is { IsComplete: true, IsDelivered: true })
        {
            return new Held(new FetchedBlock(offer, null), null);
        }

        return InInbox(offer);
    }

    private Held InInbox(BlockOffer offer)
    {
        var found = inbox.Find(offer.Block);
        return found.IsOk ? new Held(found.Value is { } path ? new FetchedBlock(offer, path) : null, null) : new Held(null, found.Error.ToString());
    }

    /// <summary>
    /// Imports a block. Only when the result has no trouble, the source may forget it. One that is in memory goes into the inbox, durably, when it
    /// can't be imported now: its source may let it expire meanwhile.
    /// </summary>
    public async Task<Taken> ImportAsync(FetchedBlock block, FetchOptions fetch, CancellationToken cancellationToken)
    {
        var (source, target) = (fetch.Source, fetch.Target);
        if (block.IsImported)
        {
            return new Taken(null, (long)block.Offer.EventCount, (long)block.Offer.EventCount);
        }

        var way = block.Offer.Way ?? BlockWay.From(source);
        if (RelayRules.Check(way, fetch) is { } forbidden)
        {
            return Refuse(block, source, forbidden);
        }

        if (fetch.RelayTo.Count > 0)
        {
            (block, var stopped) = await HandOnAsync(block, way, fetch, cancellationToken);
            if (stopped is { } end)
            {
                return end;
            }
        }

        var expected = RelayRules.Expect(block.Offer.Block, way, target);
        var outcome = block.Content is { } content
            ? await importer.ImportAsync(new MemoryFile(block.Offer.Name, content), expected, cancellationToken)
            : await importer.ImportAsync(block.Path!, expected, cancellationToken);
        var refusedEvents = RefusedLog.Say(logger, outcome, block.Offer.Name, source);
        switch (outcome)
        {
            case ImportOutcome.Applied applied:
                return new Taken(null, applied.Receipt.Counts.Events, applied.Receipt.Counts.Duplicates, RefusedEvents: refusedEvents);
            case ImportOutcome.AlreadyApplied already:
                return new Taken(null, already.Receipt.Counts.Events, already.Receipt.Counts.Events);
            case ImportOutcome.Partial { IsAsSealed: true } when fetch.IsGuarded && way.IsRelayed:
                // Kept aside it could be tried again without the guard of the node that brought it.
                return Refuse(block, source, "it can't be read to its end, and the node that relays it is not trusted; what can be read is imported");
            case ImportOutcome.Partial { IsAsSealed: true } partial:
                // The source's own copy is no better: what can be read is in, the rest is kept here for a person to look at.
                return SetAside(block, $"{partial.Damages.Count} places could not be read{(partial.Damages.Count > 0 ? $": {partial.Damages[0].Reason}" : "")}")
                    is { } trouble
                    ? new Taken(trouble)
                    : new Taken(null, partial.Receipt.Counts.Events, partial.Receipt.Counts.Duplicates, RefusedEvents: refusedEvents);
            case ImportOutcome.Partial partial:
                return new Taken($"block {block.Offer.Name} arrived damaged ({partial.Damages.Count} places); it is fetched again{Discard(block)}");
            case ImportOutcome.TryLater later:
                return new Taken($"{later.Reason} ({later.Remedy}){Store(block).Trouble}");
            case ImportOutcome.Refused { Kind: RefusalKind.Missing } gone:
                // It lay in the inbox since an earlier start, and has been imported and removed meanwhile: the next look finds that.
                return new Taken($"block {block.Offer.Name} is not in the inbox any more ({gone.Reason}); it is looked for again");
            case ImportOutcome.Refused refused:
                return Refuse(block, source, refused.Reason);
            default:
                throw new InvalidOperationException($"The import of {block.Offer.Name} ended in a way that nobody knows: {outcome}.");
        }
    }

    /// <summary>The source has forgotten the block: so does the inbox.</summary>
    /// <returns>Null, or what stands in the way.</returns>
    public string? Release(FetchedBlock block, FetchOptions fetch)
    {
        if (block.Path is null && fetch.RelayTo.Count == 0)
        {
            return null;
        }

        var removed = inbox.Remove(block.Offer.Block);
        return removed.IsOk ? null : removed.Error.ToString();
    }

    /// <summary>Hands a block on to mailboxes here, which need it as a file.</summary>
    /// <returns>The block, in the inbox; and how it ends here when it could not be handed on.</returns>
    private async Task<(FetchedBlock Block, Taken? Stopped)> HandOnAsync(
        FetchedBlock block, BlockWay way, FetchOptions fetch, CancellationToken cancellationToken)
    {
        var (path, trouble) = Store(block, way);
        if (path is null)
        {
            return (block, new Taken($"block {block.Offer.Name} can't be handed on{trouble}"));
        }

        // Where it ends here, the import goes on from memory.
        var handed = await Relay.HandOnAsync(path, block.Offer.Block, way, fetch.RelayTo, cancellationToken);
        block = block with { Path = path };
        return (block, handed switch
        {
            { IsRefused: true } => Refuse(block, fetch.Source, handed.Trouble!),
            { Trouble: { } later } => new Taken($"block {block.Offer.Name} can't be handed on: {later}"),
            _ => null,
        });
    }

    private IBlockRelay Relay => relay ?? throw new InvalidOperationException("Blocks are to be handed on, and there is nobody to take them.");

    private Taken Refuse(FetchedBlock block, string source, string reason)
    {
        Refused(logger, block.Offer.Name, source, reason);
        return new Taken($"block {block.Offer.Name} is refused: {reason}{Discard(block)}", IsRefused: true);
    }

    /// <summary>Puts a block that is in memory into the inbox, durably.</summary>
    private (string? Path, string? Trouble) Store(FetchedBlock block, BlockWay? way = null)
    {
        if (block.Path is not null || block.Content is not { } content)
        {
            return (block.Path, null);
        }

        way ??= block.Offer.Way;
        var note = way is { IsRelayed: true }
            ? new InboxNote { Way = way.Nodes, ArrivedNs = UnixTime.FromDateTimeOffset((time ?? TimeProvider.System).GetUtcNow()) }
            : null;
        var stored = inbox.Put(block.Offer.Block, content.Span, note);
        return stored.IsOk ? (stored.Value, null) : (null, $"; and {stored.Error}");
    }

    private string? SetAside(FetchedBlock block, string reason)
    {
        var (path, trouble) = Store(block);
        if (trouble is not null)
        {
            return $"block {block.Offer.Name} is damaged{trouble}";
        }

        var moved = quarantine.Move(path!, reason);
        if (!moved.IsOk)
        {
            return moved.Error.ToString();
        }

        SetAside(logger, block.Offer.Name, reason, moved.Value);
        return null;
    }

    private string Discard(FetchedBlock block)
    {
        if (block.Path is null)
        {
            return "";
        }

        var removed = inbox.Remove(block.Offer.Block);
        return removed.IsOk ? "" : $"; and {removed.Error}";
    }

    [LoggerMessage(1230, LogLevel.Error, "block {Block} of {Source} is refused: {Reason}; data: it stays at the source")]
    private static partial void Refused(ILogger logger, string block, string source, string reason);

    [LoggerMessage(1231, LogLevel.Error, "block {Block}: {Reason}; data: everything readable is imported, the file is kept at {Path}")]
    private static partial void SetAside(ILogger logger, string block, string reason, string path);
}
