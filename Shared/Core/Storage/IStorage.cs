namespace ZfRepl.Core.Storage;

/// <summary>
/// The files seam: the few calls that the spool, the inbox and the quarantine need, each of which may fail as a value. The real one
/// is <see cref="DiskStorage"/>; tests and the simulation bring their own, with faults. Implementations are thread-safe; a single
/// file is used by one caller at a time.
/// </summary>
public interface IStorage
{
    /// <summary>Creates a file that must not exist yet, for reading and writing, mode 0640.</summary>
    StorageResult<IStorageFile> CreateNew(string path);

    /// <summary>As <see cref="CreateNew"/>, and from its first moment only the service's own account may read it: mode 0600.</summary>
    StorageResult<IStorageFile> CreateNewPrivate(string path) => CreateNew(path);

    /// <summary>Opens an existing file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">For writing too.</param>
    StorageResult<IStorageFile> Open(string path, bool write);

    /// <summary>Renames within one file system, replacing the target at once. Durable after <see cref="SyncFolder"/>.</summary>
    StorageResult Rename(string from, string to);

    /// <summary>Deletes a file. Durable after <see cref="SyncFolder"/>: before that, a power loss brings the file back.</summary>
    StorageResult Delete(string path);

    /// <summary>Makes the names in a folder durable.</summary>
    StorageResult SyncFolder(string folder);

    /// <summary>Creates a folder and its parents as needed, and makes their names durable; one that exists is fine.</summary>
    StorageResult CreateFolder(string folder);

    /// <summary>As <see cref="CreateFolder"/>, and only the service's own account may look inside.</summary>
    StorageResult CreatePrivateFolder(string folder) => CreateFolder(folder);

    /// <summary>The files of a folder, by name, in ordinal order; folders are left out.</summary>
    StorageResult<IReadOnlyList<StorageEntry>> List(string folder);

    /// <summary>The free bytes for an ordinary user on the file system of a folder.</summary>
    StorageResult<long> FreeBytes(string folder);

    /// <summary>How many more files the file system of a folder can have; <see cref="long.MaxValue"/> where it has no such limit.</summary>
    StorageResult<long> FreeFiles(string folder) => long.MaxValue;

    /// <summary>Takes an exclusive lock that ends with the process at the latest.</summary>
    /// <returns>The lock, to be disposed; an error with <see cref="Errno.WouldBlock"/> when somebody holds it.</returns>
    StorageResult<IDisposable> Lock(string path);
}

/// <summary>One file of a listing.</summary>
/// <param name="Name">The name without the folder.</param>
/// <param name="LengthBytes">The length when it was listed; 0 for pipes, sockets and devices.</param>
/// <param name="IsLink">True for a symbolic link, which may lead out of the folder.</param>
public readonly record struct StorageEntry(string Name, long LengthBytes, bool IsLink = false);

/// <summary>An open file. Disposing closes it without making anything durable.</summary>
public interface IStorageFile : IDisposable
{
    /// <summary>The path it was opened by.</summary>
    string Path { get; }

    /// <summary>The length in bytes.</summary>
    StorageResult<long> Length();

    /// <summary>Reads up to the buffer's size; fewer bytes than asked mean the end of the file.</summary>
    StorageResult<int> ReadAt(long offset, Span<byte> buffer);

    /// <summary>Writes all the bytes, or fails; after a failure the region's content is unknown.</summary>
    StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Makes the data and the length durable (fdatasync). A failure is final for the file: what was not durable before is lost from
    /// the cache, and a second call would report success without having written it.
    /// </summary>
    StorageResult SyncData();

    /// <summary>Cuts or extends the file.</summary>
    StorageResult SetLength(long lengthBytes);
}
