using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ZfRepl.Core.Storage;

/// <summary>The real disk, on Linux. Thread-safe.</summary>
public sealed class DiskStorage : IStorage
{
    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FileMode640 = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private DiskStorage()
    {
    }

    /// <summary>The one instance: it has no state.</summary>
    public static DiskStorage Instance { get; } = new();

    /// <inheritdoc/>
    public StorageResult<IStorageFile> CreateNew(string path) => CreateNew(path, FileMode640);

    /// <inheritdoc/>
    public StorageResult<IStorageFile> CreateNewPrivate(string path) => CreateNew(path, FileMode600);

    /// <inheritdoc/>
    public StorageResult<IStorageFile> Open(string path, bool write) =>
        OpenFile(path, () => new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = write ? FileAccess.ReadWrite : FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        }));

    /// <inheritdoc/>
    public StorageResult Rename(string from, string to) =>
        Check(NativeFileSync.Rename(from, to), StorageOperation.Rename, $"{from} -> {to}");

    /// <inheritdoc/>
    public StorageResult Delete(string path) => Check(NativeFileSync.Unlink(path), StorageOperation.Delete, path);

    /// <inheritdoc/>
    public StorageResult SyncFolder(string folder) => Check(NativeFileSync.SyncFolder(folder), StorageOperation.SyncFolder, folder);

    /// <inheritdoc/>
    public StorageResult CreateFolder(string folder)
    {
        var full = Path.GetFullPath(folder);
        if (Directory.Exists(full))
        {
            return StorageResult.Ok;
        }

        var parent = Path.GetDirectoryName(full);
        if (parent is not null)
        {
            var above = CreateFolder(parent);
            if (!above.IsOk)
            {
                return above;
            }
        }

        try
        {
            Directory.CreateDirectory(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.CreateFolder, full);
        }

        return parent is null ? StorageResult.Ok : SyncFolder(parent);
    }

    /// <inheritdoc/>
    public StorageResult CreatePrivateFolder(string folder)
    {
        var created = CreateFolder(folder);
        if (!created.IsOk)
        {
            return created;
        }

        try
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return StorageResult.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.CreateFolder, folder);
        }
    }

    /// <inheritdoc/>
    public StorageResult<IReadOnlyList<StorageEntry>> List(string folder)
    {
        try
        {
            var entries = new List<StorageEntry>();
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
            {
                try
                {
                    entries.Add(new StorageEntry(file.Name, file.Length, file.Attributes.HasFlag(FileAttributes.ReparsePoint)));
                }
                catch (FileNotFoundException)
                {
                    // It vanished while the folder was read: then it is not there.
                }
            }

            entries.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            return entries;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.List, folder);
        }
    }

    /// <inheritdoc/>
    public StorageResult<long> FreeBytes(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return StorageExceptions.ToError(e, StorageOperation.List, folder);
        }
    }

    /// <inheritdoc/>
    public StorageResult<long> FreeFiles(string folder)
    {
        var errno = NativeFileSync.FreeFiles(folder, out var free);
        return errno == 0 ? free : new StorageError(StorageOperation.List, folder, errno, Marshal.GetPInvokeErrorMessage(errno));
    }

    /// <inheritdoc/>
    public StorageResult<IDisposable> Lock(string path)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.Lock, path);
        }

        var errno = NativeFileSync.TryLock(handle);
        if (errno == 0)
        {
            return handle;
        }

        handle.Dispose();
        return new StorageError(StorageOperation.Lock, path, errno, Marshal.GetPInvokeErrorMessage(errno));
    }

    private static StorageResult<IStorageFile> CreateNew(string path, UnixFileMode mode) =>
        OpenFile(path, () => new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = mode,
        }));

    private static StorageResult<IStorageFile> OpenFile(string path, Func<FileStream> open)
    {
        try
        {
            return new DiskFile(open(), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.Open, path);
        }
    }

    private static StorageResult Check(int errno, StorageOperation operation, string path) =>
        errno == 0 ? StorageResult.Ok : new StorageError(operation, path, errno, Marshal.GetPInvokeErrorMessage(errno));
}
