using System.Security.Cryptography;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Proof;

/// <summary>
/// The chain over the confirmed blocks of a stream, in the order of their numbers: SHA-256 over the value before, the stream, the block's number
/// and its hash. Two chains of the same value are over the same blocks. Immutable.
/// </summary>
/// <param name="Value">The value now; 32 zeros before the first block.</param>
/// <param name="Blocks">How many blocks it is over.</param>
public sealed record BlockChain(BlockHash Value, ulong Blocks)
{
    /// <summary>A chain over nothing.</summary>
    public static BlockChain Empty { get; } = new(new BlockHash(new byte[BlockHash.SizeBytes]), 0);

    /// <summary>The chain with one more block.</summary>
    public BlockChain Add(StreamId stream, ulong index, BlockHash hash)
    {
        Span<byte> bytes = stackalloc byte[BlockHash.SizeBytes + StreamId.SizeBytes + sizeof(ulong) + BlockHash.SizeBytes];
        Value.Bytes.CopyTo(bytes);
        stream.Write(bytes[BlockHash.SizeBytes..]);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes[(BlockHash.SizeBytes + StreamId.SizeBytes)..], index);
        hash.Bytes.CopyTo(bytes[(BlockHash.SizeBytes + StreamId.SizeBytes + sizeof(ulong))..]);

        // A number that a file made up never ends whoever computes the chain again.
        return new BlockChain(new BlockHash(SHA256.HashData(bytes)), unchecked(Blocks + 1));
    }
}
