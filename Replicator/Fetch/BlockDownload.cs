using System.Security.Cryptography;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>
/// A block on its way: which of its chunks have arrived. It outlives a session, so that after a break only what is missing is sent
/// again, as long as the source codes the block to the same bytes. Thread-safe.
/// </summary>
internal sealed class BlockDownload
{
    private readonly Lock _gate = new();
    private readonly byte[] _wire;
    private readonly bool[] _received;
    private int _contiguous;

    /// <summary>A download without any chunk; its sizes have been checked against the limits.</summary>
    public BlockDownload(BlockKey block, GetReply transfer, int chunkBytes)
    {
        Block = block;
        Codec = transfer.Codec;
        WireHash = transfer.WireHash;
        BlockBytes = (int)transfer.BlockBytes;
        ChunkBytes = chunkBytes;
        _wire = GC.AllocateUninitializedArray<byte>((int)transfer.WireBytes);
        _received = new bool[CountChunks(transfer.WireBytes, chunkBytes)];
    }

    public BlockKey Block { get; }

    public TransferCodec Codec { get; }

    public BlockHash WireHash { get; }

    public int BlockBytes { get; }

    public int ChunkBytes { get; }

    public int WireBytes => _wire.Length;

    public int ChunkCount => _received.Length;

    /// <summary>How many chunks from the start are there without a hole.</summary>
    public int Contiguous
    {
        get
        {
            lock (_gate)
            {
                return _contiguous;
            }
        }
    }

    public bool IsComplete => Contiguous == ChunkCount;

    /// <summary>How many chunks so many bytes make.</summary>
    public static int CountChunks(long wireBytes, int chunkBytes) => (int)((wireBytes + chunkBytes - 1) / chunkBytes);

    /// <summary>True when a transfer that the source prepared anew brings the same bytes in the same pieces.</summary>
    public bool Continues(BlockKey block, GetReply transfer, int chunkBytes) =>
        Block == block && Codec == transfer.Codec && WireBytes == transfer.WireBytes && ChunkBytes == chunkBytes && WireHash.Equals(transfer.WireHash);

    /// <summary>The size that a chunk must have.</summary>
    public int SizeOf(uint index) => Math.Min(ChunkBytes, _wire.Length - (int)index * ChunkBytes);

    /// <summary>Opens a chunk into its place, unless it is there already.</summary>
    /// <param name="index">Which one.</param>
    /// <param name="key">The transfer's key.</param>
    /// <param name="header">The message's header.</param>
    /// <param name="message">The whole message, of the size that the chunk must have.</param>
    /// <returns>What became of it; null when it was there.</returns>
    public OpenError? Open(uint index, DirectionKey key, in MessageHeader header, ReadOnlySpan<byte> message)
    {
        lock (_gate)
        {
            if (_received[index])
            {
                return null;
            }

            var opened = key.Open(header, index, message, _wire.AsSpan((int)index * ChunkBytes, SizeOf(index)));
            if (opened == OpenError.None)
            {
                _received[index] = true;
                while (_contiguous < _received.Length && _received[_contiguous])
                {
                    _contiguous++;
                }
            }

            return opened;
        }
    }

    /// <summary>The first run of missing chunks before an end.</summary>
    public (uint First, int Count)? FirstMissing(int end)
    {
        lock (_gate)
        {
            if (_contiguous >= end)
            {
                return null;
            }

            var stop = _contiguous;
            while (stop < end && !_received[stop])
            {
                stop++;
            }

            return ((uint)_contiguous, stop - _contiguous);
        }
    }

    /// <summary>Checks the whole and decodes it. Once, when all of it is here.</summary>
    /// <returns>Null and the block, or what is wrong.</returns>
    public string? Decode(out byte[] block)
    {
        block = [];
        if (Codec == TransferCodec.None)
        {
            return CheckPlain(out block);
        }

        if (!WireHash.Bytes.SequenceEqual(SHA256.HashData(_wire)))
        {
            return OtherWire;
        }

        var decoded = GC.AllocateUninitializedArray<byte>(BlockBytes);
        var error = TransferCodecs.Decode(Codec, _wire, decoded);
        if (error is not null)
        {
            return error;
        }

        var prefix = decoded.Length - BlockTrailer.FrameBytes;
        if (prefix <= 0 || !Block.Hash.Bytes.SequenceEqual(SHA256.HashData(decoded.AsSpan(0, prefix))))
        {
            return OtherBlock;
        }

        block = decoded;
        return null;
    }

    private const string OtherWire = "the bytes that arrived do not match their hash";

    private const string OtherBlock = "the block does not match the hash that it was offered with";

    /// <summary>What came as it is needs no copy, and one pass gives both hashes.</summary>
    private string? CheckPlain(out byte[] block)
    {
        block = [];
        var prefix = _wire.Length - BlockTrailer.FrameBytes;
        if (prefix <= 0 || _wire.Length != BlockBytes)
        {
            return OtherBlock;
        }

        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(_wire.AsSpan(0, prefix));
        if (!Block.Hash.Bytes.SequenceEqual(sha.GetCurrentHash()))
        {
            return OtherBlock;
        }

        sha.AppendData(_wire.AsSpan(prefix));
        if (!WireHash.Bytes.SequenceEqual(sha.GetHashAndReset()))
        {
            return OtherWire;
        }

        block = _wire;
        return null;
    }
}
