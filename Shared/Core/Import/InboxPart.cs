using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Import;

/// <summary>
/// A block that is being received: bytes are appended in order, and at the end the file gets its final name durably. What was received
/// before an interruption is still there; whether it is right, the hash tells when the block is imported. Not thread-safe.
/// </summary>
public sealed class InboxPart : IDisposable
{
    private readonly IStorage _storage;
    private readonly IStorageFile _file;
    private readonly string _folder;

    internal InboxPart(IStorage storage, string folder, IStorageFile file, BlockKey block, long sizeBytes, long lengthBytes)
    {
        _storage = storage;
        _folder = folder;
        _file = file;
        Block = block;
        SizeBytes = sizeBytes;
        LengthBytes = lengthBytes;
    }

    /// <summary>Which block.</summary>
    public BlockKey Block { get; }

    /// <summary>The size that it will have, in bytes.</summary>
    public long SizeBytes { get; }

    /// <summary>How much of it is here: the offset to go on at, in bytes.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Appends what comes next. After an error (disk full) the same bytes may be appended again.</summary>
    /// <param name="bytes">The bytes; not more than are still to come.</param>
    public StorageResult Append(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, SizeBytes - LengthBytes, nameof(bytes));
        var written = _file.WriteAt(LengthBytes, bytes);
        if (written.IsOk)
        {
            LengthBytes += bytes.Length;
        }

        return written;
    }

    /// <summary>
    /// Makes the whole block durable under its final name. After an error the part is to be removed from the inbox and received anew,
    /// because a file whose sync failed is not to be trusted.
    /// </summary>
    /// <returns>The path to import.</returns>
    /// <exception cref="InvalidOperationException">The block is not whole yet.</exception>
    public StorageResult<string> Complete()
    {
        if (LengthBytes != SizeBytes)
        {
            throw new InvalidOperationException($"{LengthBytes} of {SizeBytes} bytes are here.");
        }

        var synced = _file.SyncData();
        if (!synced.IsOk)
        {
            return synced.Error;
        }

        var path = Path.Combine(_folder, InboxName.Of(Block, isComplete: true));
        var renamed = _storage.Rename(_file.Path, path);
        var named = renamed.IsOk ? _storage.SyncFolder(_folder) : renamed;
        return named.IsOk ? path : named.Error;
    }

    /// <summary>Closes the file; what is received stays.</summary>
    public void Dispose() => _file.Dispose();
}
