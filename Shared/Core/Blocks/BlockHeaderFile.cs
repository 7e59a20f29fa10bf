using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>Reads no more of a file than the header of the block that it may be. Stateless.</summary>
public static class BlockHeaderFile
{
    /// <summary>Reads the header.</summary>
    /// <returns>The header; null when the file does not begin with an intact one; an error when the file can't be read.</returns>
    public static StorageResult<BlockHeader?> Read(IStorage storage, string path)
    {
        var opened = storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var bytes = new byte[BlockHeader.MaxSizeBytes];
        var read = file.ReadAt(0, bytes);
        if (!read.IsOk)
        {
            return read.Error;
        }

        // Why it is none does not matter to those who only sort files.
        _ = BlockHeader.TryRead(bytes.AsSpan(0, read.Value), out var header, out _);
        return header;
    }
}
