using System.Threading.Channels;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>What a pipeline tells its owner. Calls come one after the other for each member, from any thread.</summary>
internal interface IFetchBooks
{
    /// <summary>Whether a block was refused in this session.</summary>
    bool IsRefused(BlockKey block);

    /// <summary>The source has answered.</summary>
    void NoteContact(NextReply reply);

    /// <summary>A block can never be imported.</summary>
    void Refuse(BlockKey block, string trouble);

    /// <summary>A block is imported, and the source has forgotten it.</summary>
    void Confirmed(BlockOffer offer, in Taken imported);
}

/// <summary>
/// Brings in what a source offers, one stage beside the other: the next offers are asked for while blocks are on their way, some blocks are on
/// their way while one is unpacked and another one imported, and confirmations are under way meanwhile, so that no round trip stands between
/// two blocks. Blocks are imported in the order of the offers. It ends when the source has nothing new and everything is confirmed, or with the
/// first trouble. Used for one run.
/// </summary>
internal sealed class FetchPipeline(
    SourceLink link, BlockIntake intake, FetchMemory memory, FetchOptions options, TimeProvider time, IFetchBooks books, bool isProbe)
    : IDisposable
{
    private const int RememberedOffers = 1024;

    private readonly SemaphoreSlim _places = new(isProbe ? 1 : options.BlocksInFlight, options.BlocksInFlight);
    private readonly Channel<Task<Arrival>> _arriving = Channel.CreateBounded<Task<Arrival>>(options.BlocksInFlight);
    private readonly Channel<Unpacked> _unpacked = Channel.CreateBounded<Unpacked>(1);
    private readonly Channel<Telling> _telling = Channel.CreateBounded<Telling>(options.BlocksInFlight);
    private readonly HashSet<BlockKey> _seen = [];
    private readonly Queue<BlockKey> _seenOrder = new();
    private readonly Lock _gate = new();
    private CancellationTokenSource _drained = new();
    private string? _trouble;
    private int _inside;
    private bool _isWide = !isProbe;

    /// <summary>True when what ended it is that a block could not be imported: the link is in order.</summary>
    public bool IsImportTroubled { get; private set; }

    /// <summary>Runs until nothing is left to do.</summary>
    /// <param name="offered">What the source offered, at least one block.</param>
    /// <param name="until">When no more is asked for, as a time stamp of the clock.</param>
    /// <param name="cancellationToken">Ends it; what is durable stays.</param>
    /// <returns>Null, or what stands in the way.</returns>
    public async Task<string?> RunAsync(NextReply offered, long until, CancellationToken cancellationToken)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Func<CancellationToken, Task<string?>>[] stages = [t => FeedAsync(offered, until, t), UnpackAsync, ImportAsync, TellAsync];
        var running = stages.Select(stage => RunStageAsync(stage, all)).ToArray();
        try
        {
            await Task.WhenAll(running);
        }
        finally
        {
            await DropLeftAsync();
        }

        cancellationToken.ThrowIfCancellationRequested();
        return _trouble;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _places.Dispose();
        _drained.Dispose();
    }

    private async Task RunStageAsync(Func<CancellationToken, Task<string?>> stage, CancellationTokenSource all)
    {
        // Each stage has its own thread to begin with: what comes without waiting must not keep the others from starting.
        await Task.Yield();
        try
        {
            if (await stage(all.Token) is not { } trouble)
            {
                return;
            }

            lock (_gate)
            {
                _trouble ??= trouble;
            }

            await all.CancelAsync();
        }
        catch (OperationCanceledException) when (all.IsCancellationRequested)
        {
            // Another stage met trouble, or the whole is cancelled.
        }
        catch
        {
            await all.CancelAsync();
            throw;
        }
    }

    /// <summary>Begins downloads in the order of the offers, and asks for the next ones before those are through.</summary>
    private async Task<string?> FeedAsync(NextReply offered, long until, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var behind = offered.Offers[^1].Block;
                // Asked for now, so that the answer is here when these are under way; unless these are all that wait.
                var isMore = offered.BacklogBlocks > (ulong)offered.Offers.Count;
                var asking = isMore && time.GetTimestamp() < until ? AskAsync(behind, cancellationToken) : null;
                await BeginAllAsync(offered.Offers, cancellationToken);
                if (time.GetTimestamp() >= until)
                {
                    return null;
                }

                var (more, trouble) = await MoreAsync(asking, behind, cancellationToken);
                if (trouble is not null || more is null)
                {
                    return trouble;
                }

                offered = more;
            }
        }
        finally
        {
            _arriving.Writer.TryComplete();
        }
    }

    private Task<LinkAnswer<NextReply>> AskAsync(BlockKey behind, CancellationToken cancellationToken) =>
        link.NextAsync(rotate: false, options.OffersLimit, behind, cancellationToken);

    private async Task BeginAllAsync(IReadOnlyList<BlockOffer> offers, CancellationToken cancellationToken)
    {
        foreach (var offer in offers)
        {
            if (books.IsRefused(offer.Block) || !Remember(offer.Block))
            {
                continue;
            }

            await _places.WaitAsync(cancellationToken);
            Enter();
            Write(_arriving, FetchAsync(offer, cancellationToken));
        }
    }

    /// <summary>
    /// What the source offers behind a block, or announces meanwhile; asked anew whenever it announces something, as long as blocks are inside.
    /// </summary>
    /// <returns>Offers of which at least one is new, or null when there are none; and trouble.</returns>
    private async Task<(NextReply? Offered, string? Trouble)> MoreAsync(
        Task<LinkAnswer<NextReply>>? asking, BlockKey behind, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (asking is not null)
            {
                var next = await asking;
                if (!next.IsOk)
                {
                    return (null, next.Detail);
                }

                books.NoteContact(next.Value!);
                if (HasNews(next.Value!))
                {
                    return (next.Value, null);
                }
            }

            if (!await AnnouncedAsync(cancellationToken))
            {
                return (null, null);
            }

            if (link.TakeAnnounced() is { } announced)
            {
                if (HasNews(announced))
                {
                    books.NoteContact(announced);
                    return (announced, null);
                }

                asking = null;
                continue;
            }

            asking = AskAsync(behind, cancellationToken);
        }
    }

    private bool HasNews(NextReply reply) => reply.Offers.Any(o => !books.IsRefused(o.Block) && !IsKnown(o.Block));

    /// <summary>Ends with true when the source announces something, and with false when the last block has left.</summary>
    private async Task<bool> AnnouncedAsync(CancellationToken cancellationToken)
    {
        CancellationToken drained;
        lock (_gate)
        {
            if (_inside == 0)
            {
                return false;
            }

            _drained.Dispose();
            _drained = new CancellationTokenSource();
            drained = _drained.Token;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(drained, cancellationToken);
        try
        {
            return await link.AnnouncedAsync(either.Token);
        }
        catch (OperationCanceledException) when (drained.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>
    /// Gets a block. Room is asked for before anything is waited for, and so in the order of the offers: blocks are unpacked in that order, and a
    /// later one that had taken the room of an earlier one would keep it for ever.
    /// </summary>
    private async Task<Arrival> FetchAsync(BlockOffer offer, CancellationToken cancellationToken)
    {
        var lease = await memory.Wire.TakeAsync(options.Source, offer.LengthBytes, cancellationToken);
        var isHanded = false;
        try
        {
            var held = await intake.FindAsync(offer, options, cancellationToken);
            if (held.Trouble is not null || held.Block is not null)
            {
                return new Arrival(offer, held.Block, null, null, held.Trouble);
            }

            var received = await link.ReceiveAsync(offer, lease, cancellationToken);
            if (received.IsOk)
            {
                isHanded = true;
                return new Arrival(offer, null, received.Value, lease, null);
            }

            // Where it changed at the source meanwhile, the next round asks again.
            return new Arrival(offer, null, null, null, received.Status == LinkStatus.NotFound ? null : received.Detail);
        }
        finally
        {
            if (!isHanded)
            {
                lease.Dispose();
            }
        }
    }

    /// <summary>Verifies and decodes, one block ahead of the import.</summary>
    private async Task<string?> UnpackAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var arriving in _arriving.Reader.ReadAllAsync(cancellationToken))
            {
                var arrival = await arriving;
                if (arrival.Trouble is not null)
                {
                    return arrival.Trouble;
                }

                if (arrival.Held is { } held)
                {
                    await _unpacked.Writer.WriteAsync(new Unpacked(held, null), cancellationToken);
                }
                else if (arrival.Download is not { } download)
                {
                    Leave();
                }
                else if (await UnpackAsync(arrival.Offer, download, arrival.Lease!, cancellationToken) is { } trouble)
                {
                    return trouble;
                }
            }

            return null;
        }
        finally
        {
            _unpacked.Writer.TryComplete();
        }
    }

    private async Task<string?> UnpackAsync(BlockOffer offer, BlockDownload download, FetchBudget.Lease wireLease, CancellationToken cancellationToken)
    {
        // What came as it is stays where it is.
        var isPlain = download.Codec == TransferCodec.None;
        var lease = wireLease;
        try
        {
            if (!isPlain)
            {
                lease = await memory.Blocks.TakeAsync(options.Source, download.BlockBytes, cancellationToken);
            }

            if (download.Decode(out var content) is { } error)
            {
                lease.Dispose();
                return $"block {offer.Name}: {error}";
            }

            await _unpacked.Writer.WriteAsync(new Unpacked(new FetchedBlock(offer, null, content), lease), cancellationToken);
            return null;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
        finally
        {
            if (!isPlain)
            {
                wireLease.Dispose();
            }
        }
    }

    private async Task<string?> ImportAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var (block, lease) in _unpacked.Reader.ReadAllAsync(cancellationToken))
            {
                Taken imported;
                using (lease)
                {
                    if (options.Suspended() is { } suspended)
                    {
                        return suspended;
                    }

                    imported = await intake.ImportAsync(block, options, cancellationToken);
                }

                if (imported.IsRefused)
                {
                    books.Refuse(block.Offer.Block, imported.Trouble!);
                    Leave();
                    continue;
                }

                if (imported.Trouble is not null)
                {
                    IsImportTroubled = true;
                    return imported.Trouble;
                }

                Widen();
                var told = link.ConfirmAsync(block.Offer.Block, cancellationToken);
                Write(_telling, new Telling(block with { Content = null }, imported, told));
            }

            return null;
        }
        finally
        {
            _telling.Writer.TryComplete();
        }
    }

    private async Task<string?> TellAsync(CancellationToken cancellationToken)
    {
        await foreach (var (block, imported, told) in _telling.Reader.ReadAllAsync(cancellationToken))
        {
            var confirmed = await told;
            if (!confirmed.IsOk)
            {
                return $"block {block.Offer.Name} is imported, and the source could not be told: {confirmed.Detail}";
            }

            if (intake.Release(block, options) is { } leftOver)
            {
                return leftOver;
            }

            books.Confirmed(block.Offer, imported);
            Leave();
        }

        return null;
    }

    /// <summary>After trouble with the import, one block shows whether it is over before others are fetched.</summary>
    private void Widen()
    {
        if (!_isWide)
        {
            _isWide = true;
            if (options.BlocksInFlight > 1)
            {
                _places.Release(options.BlocksInFlight - 1);
            }
        }
    }

    /// <summary>Each block has a place, and the channel has as many.</summary>
    private static void Write<T>(Channel<T> channel, T item)
    {
        if (!channel.Writer.TryWrite(item))
        {
            throw new InvalidOperationException("More blocks are inside than there are places.");
        }
    }

    private void Enter()
    {
        lock (_gate)
        {
            _inside++;
        }
    }

    private void Leave()
    {
        _places.Release();
        lock (_gate)
        {
            _inside--;
            if (_inside == 0)
            {
                _drained.Cancel();
            }
        }
    }

    /// <summary>Ends what a stage that met trouble has left behind, and gives back what it holds.</summary>
    private async Task DropLeftAsync()
    {
        _arriving.Writer.TryComplete();
        while (_arriving.Reader.TryRead(out var arriving))
        {
            try
            {
                (await arriving).Lease?.Dispose();
            }
            catch (OperationCanceledException)
            {
                // It was cancelled with the others.
            }
        }

        while (_unpacked.Reader.TryRead(out var unpacked))
        {
            unpacked.Lease?.Dispose();
        }

        while (_telling.Reader.TryRead(out var telling))
        {
            try
            {
                _ = await telling.Told;
            }
            catch (OperationCanceledException)
            {
                // The block is imported; it is confirmed when it is offered again.
            }
        }
    }

    private bool IsKnown(BlockKey block)
    {
        lock (_gate)
        {
            return _seen.Contains(block);
        }
    }

    private bool Remember(BlockKey block)
    {
        lock (_gate)
        {
            if (!_seen.Add(block))
            {
                return false;
            }

            _seenOrder.Enqueue(block);
            if (_seenOrder.Count > RememberedOffers + options.BlocksInFlight)
            {
                _seen.Remove(_seenOrder.Dequeue());
            }

            return true;
        }
    }

    /// <summary>A block as it came: held already, on its way and here now, gone (nothing), or in trouble.</summary>
    private sealed record Arrival(BlockOffer Offer, FetchedBlock? Held, BlockDownload? Download, FetchBudget.Lease? Lease, string? Trouble);

    private readonly record struct Unpacked(FetchedBlock Block, IDisposable? Lease);

    private readonly record struct Telling(FetchedBlock Block, Taken Imported, Task<LinkAnswer<bool>> Told);
}
