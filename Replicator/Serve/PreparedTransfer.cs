using System.Security.Cryptography;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>A block read, verified and coded, ready to go out in chunks. Immutable.</summary>
internal sealed record EncodedBlock(BlockKey Identity, TransferCodec Codec, byte[] Wire, long BlockBytes, BlockHash WireHash)
{
    /// <summary>Reads a block from disk, checks that it is what its identity says, and codes it.</summary>
    /// <returns>The coded block; null when the file's content does not match its hash, or its trailer is damaged: the target could not open it; an error when it can't be read.</returns>
    public static StorageResult<EncodedBlock?> Read(
        IStorage storage, SourceBlock block, TransferCoding coding, IReadOnlyList<TransferCodec> decodable, long maxBlockBytes)
    {
        var content = StorageFiles.ReadAll(storage, block.Path, (int)Math.Min(maxBlockBytes, int.MaxValue));
        if (!content.IsOk)
        {
            return content.Error;
        }

        var bytes = content.Value;
        if (!SealedBlock.IsWhole(bytes, block.Identity.Hash))
        {
            return (EncodedBlock?)null;
        }

        var codec = TransferCodecs.Choose(coding, decodable, bytes);
        var wire = codec == TransferCodec.None ? bytes : TransferCodecs.Encode(codec, bytes);
        if (wire.Length >= bytes.Length && codec != TransferCodec.None)
        {
            // What can't be compressed must not be hurt by it.
            (codec, wire) = (TransferCodec.None, bytes);
        }

        return new EncodedBlock(block.Identity, codec, wire, bytes.Length, new BlockHash(SHA256.HashData(wire)));
    }
}

/// <summary>One transfer of a coded block under its own key. Thread-safe.</summary>
internal sealed class PreparedTransfer(EncodedBlock block, UInt128 nonce, DirectionKey key, UInt128 session, int chunkBytes) : IDisposable
{
    public EncodedBlock Block => block;

    public UInt128 Nonce => nonce;

    public ulong Id => (ulong)(nonce & ulong.MaxValue);

    public uint ChunkCount => (uint)((block.Wire.Length + chunkBytes - 1) / chunkBytes);

    /// <summary>One sealed chunk; the same index gives the same bytes.</summary>
    public byte[] Chunk(uint index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, ChunkCount);
        var offset = (int)index * chunkBytes;
        var content = block.Wire.AsSpan(offset, Math.Min(chunkBytes, block.Wire.Length - offset));
        return key.Seal(MessageHeader.ForChunk(session, Id, index, index == ChunkCount - 1), index, content);
    }

    public void Dispose() => key.Dispose();
}
