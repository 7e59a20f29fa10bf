using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>The beginning of a file, as if it ended there. Read-only; closing is the owner's.</summary>
internal sealed class PrefixFile(IStorageFile file, long limitBytes) : IStorageFile
{
    public string Path => file.Path;

    public StorageResult<long> Length()
    {
        var length = file.Length();
        return length.IsOk ? Math.Min(length.Value, limitBytes) : length.Error;
    }

    public StorageResult<int> ReadAt(long offset, Span<byte> buffer) =>
        offset >= limitBytes ? 0 : file.ReadAt(offset, buffer[..(int)Math.Min(buffer.Length, limitBytes - offset)]);

    public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes) => throw new NotSupportedException();

    public StorageResult SyncData() => throw new NotSupportedException();

    public StorageResult SetLength(long lengthBytes) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
