using Microsoft.Extensions.Logging;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Storage;

namespace ZfRepl.Replicator.Fetch;

/// <summary>
/// Goes through what an earlier process left in the inbox. The source may have let a block expire meanwhile and never offer it again:
/// what is whole and not imported is imported without waiting for that, and what is imported is removed. Only what is durable in the history
/// database and delivered is ever removed; everything else that can't be imported stays as it is. State and first pass: thread-safe.
/// </summary>
/// <remarks>
/// When a pass meets trouble, fetching begins all the same, and the next pass runs beside it. Both may then come upon the same block:
/// imports are done one at a time, the second one finds the block applied, and a file that is gone by then is no defect.
/// </remarks>
internal sealed partial class InboxLeftovers(
    Inbox inbox,
    IStorage storage,
    BlockImporter importer,
    IHistoryDatabase history,
    string target,
    IReadOnlyDictionary<string, FetchOptions> sources,
    Func<string?> suspended,
    TimeProvider time,
    ILogger logger,
    IBlockRelay? relay = null)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(60);

    private readonly TaskCompletionSource _firstPass = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RetryDelay _retry = new(FirstRetry, LastRetry, RetryDelay.SeedOf(target));
    private HashSet<BlockKey>? _left;
    private volatile LeftoverState _state = new();

    /// <summary>What became of them so far.</summary>
    public LeftoverState State => _state;

    /// <summary>Ends when everything was looked at once, whether or not some of it has to be tried again.</summary>
    public Task FirstPass => _firstPass.Task;

    /// <summary>Goes through the inbox until nothing is to be tried again, and then waits to be cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await PassAsync(cancellationToken) is { } trouble)
        {
            if (_state.Trouble != trouble)
            {
                Troubled(logger, inbox.Folder, trouble);
            }

            _state = _state with { Trouble = trouble };
            _firstPass.TrySetResult();
            await Task.Delay(_retry.Next(), time, cancellationToken);
        }

        _state = _state with { Trouble = null, IsDone = true };
        _firstPass.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
    }

    /// <summary>Looks at everything that is left.</summary>
    /// <returns>Null, or the first thing that has to be tried again.</returns>
    private async Task<string?> PassAsync(CancellationToken cancellationToken)
    {
        var listed = inbox.List();
        if (!listed.IsOk)
        {
            return listed.Error.ToString();
        }

        // What arrives later is not left over: its session takes care of it.
        _left ??= [.. listed.Value.Select(e => e.Block)];
        var whole = listed.Value.Where(e => e.IsComplete).ToDictionary(e => e.Block, e => e.Path);
        string? trouble = null;
        foreach (var block in _left.ToArray())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var step = await LookAsync(block, whole.GetValueOrDefault(block), cancellationToken);
            if (step.Trouble is null)
            {
                _left.Remove(block);
                continue;
            }

            trouble ??= step.Trouble;
            if (step.IsForAll)
            {
                break;
            }
        }

        return trouble;
    }

    private async Task<Step> LookAsync(BlockKey block, string? path, CancellationToken cancellationToken)
    {
        if (suspended() is { } why)
        {
            return new Step(why, IsForAll: true);
        }

        var applied = await history.FindAppliedAsync(block, cancellationToken);
        if (!applied.IsOk)
        {
            return new Step(applied.Error.ToString(), IsForAll: true);
        }

        // Where blocks are handed on, being imported is half of it, and a file that is here may not have been.
        var isHandedOn = path is not null && sources.Values.Any(f => f.RelayTo.Count > 0);
        if (!isHandedOn && applied.Value is { IsComplete: true, IsDelivered: true })
        {
            var removed = Remove(block);
            if (removed.Trouble is null)
            {
                _state = _state with { Removed = _state.Removed + 1 };
                RemovedOne(logger, block);
            }

            return removed;
        }

        // A part of a block is nothing to import: it is received anew when it is offered.
        return path is null ? default : await ImportAsync(block, path, cancellationToken);
    }

    private async Task<Step> ImportAsync(BlockKey block, string path, CancellationToken cancellationToken)
    {
        var header = BlockHeaderFile.Read(storage, path);
        if (!header.IsOk)
        {
            return header.Error.IsNotFound ? default : new Step(header.Error.ToString());
        }

        if (header.Value is null)
        {
            return Keep(block, path, "its header can't be read");
        }

        var note = inbox.ReadNote(block, out var damage);
        if (!note.IsOk)
        {
            return new Step(note.Error.ToString());
        }

        var way = note.Value?.Parsed ?? BlockWay.From(header.Value.Node);
        if (!sources.TryGetValue(way.Last, out var fetch))
        {
            return Keep(block, path, (damage is null ? "" : $"the note of its way is damaged ({damage}), and ") + $"nothing is fetched here from node '{way.Last}'");
        }

        if (RelayRules.Check(way, fetch) is { } forbidden)
        {
            return Keep(block, path, forbidden);
        }

        if (fetch.RelayTo.Count > 0)
        {
            var handed = await Relay.HandOnAsync(path, block, way, fetch.RelayTo, cancellationToken);
            if (handed.Trouble is not null)
            {
                return handed.IsRefused ? Keep(block, path, handed.Trouble) : new Step(handed.Trouble);
            }
        }

        var expected = RelayRules.Expect(block, way, target);
        var imported = await importer.ImportAsync(path, expected, cancellationToken);
        _ = RefusedLog.Say(logger, imported, $"{block}", header.Value.Node);
        switch (imported)
        {
            case ImportOutcome.Applied applied:
                _state = _state with { Imported = _state.Imported + 1, Events = _state.Events + applied.Receipt.Counts.Events };
                ImportedOne(logger, block, header.Value.Node, applied.Receipt.Counts.Events, applied.Receipt.Counts.Duplicates);
                return Remove(block);
            case ImportOutcome.AlreadyApplied:
                // Only the sinks had missed it, or a session was faster.
                _state = _state with { Removed = _state.Removed + 1 };
                return Remove(block);
            case ImportOutcome.Partial partial:
                return Keep(block, path, $"everything readable is imported, {partial.Damages.Count} places could not be read");
            case ImportOutcome.TryLater later:
                return new Step($"{later.Reason} ({later.Remedy})", IsForAll: later.Obstacle != ImportObstacle.File);
            case ImportOutcome.Refused { Kind: RefusalKind.Missing }:
                return default;
            case ImportOutcome.Refused refused:
                return Keep(block, path, refused.Reason);
            case var outcome:
                throw new InvalidOperationException($"The import of {path} ended in a way that nobody knows: {outcome}.");
        }
    }

    private IBlockRelay Relay => relay ?? throw new InvalidOperationException("Blocks are to be handed on, and there is nobody to take them.");

    private Step Remove(BlockKey block)
    {
        var removed = inbox.Remove(block);
        return removed.IsOk ? default : new Step(removed.Error.ToString());
    }

    private Step Keep(BlockKey block, string path, string reason)
    {
        _state = _state with { Kept = _state.Kept + 1 };
        KeptOne(logger, block, reason, path);
        return default;
    }

    /// <summary>Done, or what has to be tried again, and whether that stands in the way of the other blocks too.</summary>
    private readonly record struct Step(string? Trouble, bool IsForAll = false);

    [LoggerMessage(1232, LogLevel.Information, "block {Block} of {Source} lay in the inbox and is imported: {Events} events, {Duplicates} known already")]
    private static partial void ImportedOne(ILogger logger, BlockKey block, string source, long events, long duplicates);

    [LoggerMessage(1233, LogLevel.Information, "block {Block} was imported before; its file is removed from the inbox")]
    private static partial void RemovedOne(ILogger logger, BlockKey block);

    [LoggerMessage(
        1234,
        LogLevel.Warning,
        "block {Block} stays in the inbox: {Reason}; data: the file is kept at {Path}; next: it is dealt with when its source offers it again; "
            + "if that has let it expire, import it by hand (process_dir) and delete it")]
    private static partial void KeptOne(ILogger logger, BlockKey block, string reason, string path);

    [LoggerMessage(1235, LogLevel.Warning, "inbox {Folder}: {Trouble}; data: the blocks stay there; next: it is tried again by itself")]
    private static partial void Troubled(ILogger logger, string folder, string trouble);
}
