using ZfRepl.Core.Blocks;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>One session of a target, as the source sees it. Used by its mailbox's worker alone.</summary>
internal sealed class ServedSession(UInt128 id, SessionKeys keys, Hello hello, int chunkBytes, TimeProvider time) : IDisposable
{
    private const int MaxTransfers = 256;
    private const long MaxTransferBytes = 8 * 1024 * 1024;
    private const int MaxOffered = 1024;

    private readonly List<PreparedTransfer> _transfers = [];
    private readonly Dictionary<BlockKey, SourceBlock> _offered = [];
    private readonly Queue<BlockKey> _offeredOrder = new();
    private long _transferBytes;
    private ulong _number;
    private long _lastHeard = time.GetTimestamp();

    public UInt128 Id => id;

    public SessionKeys Keys => keys;

    /// <summary>What the session's keys were derived from.</summary>
    public required ApiKey Key { get; init; }

    public Hello Hello => hello;

    public int ChunkBytes => chunkBytes;

    /// <summary>True once its keys are gone: nothing can be said in it any more.</summary>
    public bool IsClosed { get; private set; }

    public ReplayWindow Requests { get; } = new();

    /// <summary>True once a request came that only the holder of the session's keys can make; a replayed hello never gets that far.</summary>
    public bool IsProven { get; private set; }

    public TimeSpan Idle => time.GetElapsedTime(_lastHeard);

    public void Touch()
    {
        IsProven = true;
        _lastHeard = time.GetTimestamp();
    }

    public ulong NextNumber() => ++_number;

    /// <summary>Remembers what was offered, the last of it.</summary>
    public void Offered(IEnumerable<SourceBlock> blocks)
    {
        foreach (var block in blocks)
        {
            if (!_offered.ContainsKey(block.Identity))
            {
                _offeredOrder.Enqueue(block.Identity);
            }

            _offered[block.Identity] = block;
        }

        while (_offeredOrder.Count > MaxOffered)
        {
            _offered.Remove(_offeredOrder.Dequeue());
        }
    }

    public SourceBlock? FindOffered(BlockKey block) => _offered.GetValueOrDefault(block);

    public void Add(PreparedTransfer transfer)
    {
        _transfers.Add(transfer);
        _transferBytes += transfer.Block.Wire.Length;

        // Forgetting the oldest ones is safe: the target asks for the block anew.
        while (_transfers.Count > MaxTransfers || (_transferBytes > MaxTransferBytes && _transfers.Count > 1))
        {
            Drop(_transfers[0]);
        }
    }

    public PreparedTransfer? FindTransfer(ulong transferId) => _transfers.Find(t => t.Id == transferId);

    public void Forget(BlockKey block)
    {
        foreach (var transfer in _transfers.Where(t => t.Block.Identity == block).ToArray())
        {
            Drop(transfer);
        }
    }

    public void Dispose()
    {
        IsClosed = true;
        foreach (var transfer in _transfers)
        {
            transfer.Dispose();
        }

        _transfers.Clear();
        keys.Dispose();
    }

    private void Drop(PreparedTransfer transfer)
    {
        _transfers.Remove(transfer);
        _transferBytes -= transfer.Block.Wire.Length;
        transfer.Dispose();
    }
}
