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

    // What entries of the ledger may take of them: a block, and the books twice.
    private const long FilesForLedger = 4;

    /// <summary>Whether so many more bytes leave enough for the books and one block.</summary>
    /// <param name="storage">The disk.</param>
    /// <param name="folder">A folder on it.</param>
    /// <param name="bytes">How many are to be written.</param>
    /// <param name="options">Says how large a block is.</param>
    /// <param name="makesRoom">
    /// True for what brings entries of the ledger that blocks are given up: these can go only when the entries are there, so the room of the one block is
    /// for them. Otherwise a full disk would keep the oldest and refuse the newest for ever.
    /// </param>
    public static StorageResult CheckBytes(IStorage storage, string folder, long bytes, MailboxOptions options, bool makesRoom = false)
    {
        var reserve = makesRoom ? BooksBytes : options.MaxBlockBytes + BooksBytes;
        var free = storage.FreeBytes(folder);

        // Where nobody knows how much is free, the write itself will tell.
        return !free.IsOk || free.Value - bytes >= reserve
            ? StorageResult.Ok
            : Full(StorageOperation.Write, folder, $"{free.Value} bytes are free, the last {reserve}");
    }

    /// <summary>Whether a new file leaves enough for the books.</summary>
    /// <param name="storage">The disk.</param>
    /// <param name="folder">A folder on it.</param>
    /// <param name="makesRoom">As for <see cref="CheckBytes"/>.</param>
    public static StorageResult CheckFiles(IStorage storage, string folder, bool makesRoom = false)
    {
        var reserve = makesRoom ? FilesForLedger : Files;
        var free = storage.FreeFiles(folder);
        return !free.IsOk || free.Value > reserve
            ? StorageResult.Ok
            : Full(StorageOperation.Open, folder, $"it can hold {free.Value} files more (inodes), the last {reserve}");
    }

    private static StorageError Full(StorageOperation operation, string folder, string what) =>
        new(operation, folder, Errno.NoSpace, $"No space left on device: {what} are kept for delivering what is there");
}
