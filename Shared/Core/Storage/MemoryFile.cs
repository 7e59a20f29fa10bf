namespace ZfRepl.Core.Storage;

/// <summary>A file's content that is in memory, for those who read files. It can't be written to. Thread-safe.</summary>
/// <param name="path">What it is called in messages.</param>
/// <param name="content">The content; it must not change.</param>
public sealed class MemoryFile(string path, ReadOnlyMemory<byte> content) : IStorageFile
{
    /// <inheritdoc/>
    public string Path => path;

    /// <inheritdoc/>
    public StorageResult<long> Length() => content.Length;

    /// <inheritdoc/>
    public StorageResult<int> ReadAt(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var count = (int)Math.Min(buffer.Length, Math.Max(content.Length - offset, 0));
        content.Span.Slice((int)Math.Min(offset, content.Length), count).CopyTo(buffer);
        return count;
    }

    /// <inheritdoc/>
    public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes) => throw ReadOnly();

    /// <inheritdoc/>
    public StorageResult SyncData() => throw ReadOnly();

    /// <inheritdoc/>
    public StorageResult SetLength(long lengthBytes) => throw ReadOnly();

    /// <inheritdoc/>
    public void Dispose()
    {
        // The memory is somebody else's.
    }

    private InvalidOperationException ReadOnly() => new($"{path} is in memory, to be read only.");
}
