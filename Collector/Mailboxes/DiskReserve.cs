using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>
/// The last of a disk, which is kept free: a spool that took it all could neither book a delivered block out, nor salvage its open block at the next
/// start, and so would never get rid of anything again. Stateless.
/// </summary>
internal static class DiskReserve
{
    /// <summary>Kept free beside one block, so that what is there can be delivered and booked.</summary>
    public const int BooksBytes = 128 * 1024;

    // The books, a salvage, a re-coding, a file moved aside: each takes one for a moment; other mailboxes may share the disk.
    private const long Files = 16;

    /// <summary>Whether so many more bytes leave enough for the books and one block.</summary>
    public static StorageResult CheckBytes(IStorage storage, string folder, long bytes, MailboxOptions options)
    {
        var reserve = options.MaxBlockBytes + BooksBytes;
        var free = storage.FreeBytes(folder);

        // Where nobody knows how much is free, the write itself will tell.
        return !free.IsOk || free.Value - bytes >= reserve
            ? StorageResult.Ok
            : Full(StorageOperation.Write, folder, $"{free.Value} bytes are free, the last {reserve}");
    }

    /// <summary>Whether a new file leaves enough for the books.</summary>
    public static StorageResult CheckFiles(IStorage storage, string folder)
    {
        var free = storage.FreeFiles(folder);
        return !free.IsOk || free.Value > Files
            ? StorageResult.Ok
            : Full(StorageOperation.Open, folder, $"it can hold {free.Value} files more (inodes), the last {Files}");
    }

    private static StorageError Full(StorageOperation operation, string folder, string what) =>
        new(operation, folder, Errno.NoSpace, $"No space left on device: {what} are kept for delivering what is there");
}
