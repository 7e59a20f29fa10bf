using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Transfer;

/// <summary>What names a block on the wire: stream, number and content, never its file name.</summary>
internal static class BlockKeyCodec
{
    public static void Write(ByteWriter output, BlockKey key)
    {
        key.Stream.Write(output.Take(StreamId.SizeBytes));
        output.WriteVarint(key.Index);
        output.WriteBytes(key.Hash.Bytes);
    }

    public static BlockKey? Read(ref ByteReader input)
    {
        var stream = input.ReadBytes(StreamId.SizeBytes);
        var index = input.ReadVarint();
        var hash = input.ReadBytes(BlockHash.SizeBytes);
        return input.IsOk ? new BlockKey(StreamId.Read(stream), index, new BlockHash(hash)) : null;
    }
}
