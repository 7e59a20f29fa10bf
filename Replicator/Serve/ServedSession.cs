using ZfRepl.Core.Blocks;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>One session of a target, as the source sees it. Used by its mailbox's worker alone.</summary>
internal sealed class ServedSession(UInt128 id, SessionKeys keys, Hello hello, int chunkBytes, TimeProvider time) : IDisposable
{
    private const int MaxTransfers = 4;

    private readonly List<PreparedTransfer> _transfers = [];
    private IReadOnlyList<SourceBlock> _offered = [];
    private ulong _number;
    private long _lastHeard = time.GetTimestamp();

    public UInt128 Id => id;

    public SessionKeys Keys => keys;

    public Hello Hello => hello;

    public int ChunkBytes => chunkBytes;

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

    public void Offered(IReadOnlyList<SourceBlock> blocks) => _offered = blocks;

    public SourceBlock? FindOffered(BlockKey block) => _offered.FirstOrDefault(b => b.Identity == block);

    public void Add(PreparedTransfer transfer)
    {
        // Forgetting the oldest one is safe: its target asks for the block anew.
        if (_transfers.Count == MaxTransfers)
        {
            _transfers[0].Dispose();
            _transfers.RemoveAt(0);
        }

        _transfers.Add(transfer);
    }

    public PreparedTransfer? FindTransfer(ulong transferId) => _transfers.Find(t => t.Id == transferId);

    public void Forget(BlockKey block)
    {
        foreach (var transfer in _transfers.Where(t => t.Block.Identity == block).ToArray())
        {
            transfer.Dispose();
            _transfers.Remove(transfer);
        }
    }

    public void Dispose()
    {
        foreach (var transfer in _transfers)
        {
            transfer.Dispose();
        }

        _transfers.Clear();
        keys.Dispose();
    }
}
