using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Simulation;

/// <summary>A machine's disk as one process sees it: the process may die at any call, and calls fail as the disk's faults say.</summary>
/// <param name="loop">The trace.</param>
/// <param name="process">Whose it is.</param>
/// <param name="controls">The promises of the disk that are switched off.</param>
/// <param name="beforeDelete">Looks at a file that is about to be deleted.</param>
internal sealed class ProcessStorage(SimLoop loop, SimProcess process, Controls controls, Action<string>? beforeDelete) : IStorage
{
    private readonly SimulatedStorage _disk = process.Machine.Storage;
    private readonly DiskFaults _faults = process.Machine.Faults;

    public StorageResult<IStorageFile> CreateNew(string path)
    {
        if ((Begin(StorageOperation.Open, path) ?? Fail(StorageOperation.Open, path, process.Machine.ReadFaults.NextCreating(path))) is { } error)
        {
            return error;
        }

        return Wrap(Done("create", path, _disk.CreateNew(path)));
    }

    public StorageResult<IStorageFile> Open(string path, bool write)
    {
        if (BeginReading(StorageOperation.Open, path) is { } error)
        {
            return error;
        }

        return Wrap(_disk.Open(path, write));
    }

    public StorageResult Rename(string from, string to)
    {
        if (Begin(StorageOperation.Rename, from) is { } error)
        {
            return error;
        }

        return Done("rename", from, _disk.Rename(from, to));
    }

    public StorageResult Delete(string path)
    {
        if (Begin(StorageOperation.Delete, path) is { } error)
        {
            return error;
        }

        beforeDelete?.Invoke(path);
        return Done("delete", path, _disk.Delete(path));
    }

    public StorageResult SyncFolder(string folder)
    {
        if (Begin(StorageOperation.SyncFolder, folder) is { } error)
        {
            return error;
        }

        return controls.IsOff(Control.FolderSync) ? StorageResult.Ok : Done("sync folder", folder, _disk.SyncFolder(folder));
    }

    public StorageResult CreateFolder(string folder)
    {
        if (Begin(StorageOperation.CreateFolder, folder) is { } error)
        {
            return error;
        }

        return _disk.CreateFolder(folder);
    }

    public StorageResult<IReadOnlyList<StorageEntry>> List(string folder)
    {
        if (BeginReading(StorageOperation.List, folder) is { } error)
        {
            return error;
        }

        return _disk.List(folder);
    }

    public StorageResult<long> FreeBytes(string folder) => _faults.IsFull ? 0 : _disk.FreeBytes(folder);

    public StorageResult<IDisposable> Lock(string path)
    {
        if (Begin(StorageOperation.Lock, path) is { } error)
        {
            return error;
        }

        var locked = _disk.Lock(path);
        if (!locked.IsOk)
        {
            return locked;
        }

        var held = new Held(locked.Value);
        process.Holds(held);
        return held;
    }

    private StorageError? Begin(StorageOperation operation, string path)
    {
        process.Enter();
        return Fail(operation, path, _faults.Next(operation));
    }

    /// <summary>As <see cref="Begin"/>, for what only looks at the disk.</summary>
    private StorageError? BeginReading(StorageOperation operation, string path)
    {
        process.Enter();
        return Fail(operation, path, process.Machine.ReadFaults.Next(path, isOpening: operation == StorageOperation.Open));
    }

    private StorageError? Fail(StorageOperation operation, string path, int? failure)
    {
        if (failure is not { } errno)
        {
            return null;
        }

        process.Machine.LastDiskError = loop.Now;
        loop.Trace($"{process.Name}: {operation} {path} fails with {errno}");
        return new StorageError(operation, path, errno, "injected");
    }

    private T Done<T>(string what, string path, T result)
    {
        loop.Trace($"{process.Name}: {what} {path}");
        process.Enter();
        return result;
    }

    private StorageResult<IStorageFile> Wrap(StorageResult<IStorageFile> opened) =>
        opened.IsOk ? new File(this, opened.Value) : opened;

    private sealed class File(ProcessStorage owner, IStorageFile inner) : IStorageFile
    {
        public string Path => inner.Path;

        public StorageResult<long> Length() => owner.BeginReading(StorageOperation.Read, Path) is { } error ? error : inner.Length();

        public StorageResult<int> ReadAt(long offset, Span<byte> buffer) =>
            owner.BeginReading(StorageOperation.Read, Path) is { } error ? error : inner.ReadAt(offset, buffer);

        public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes)
        {
            if (owner.Begin(StorageOperation.Write, Path) is { } error)
            {
                // What is left behind by a write that failed is anybody's guess.
                _ = inner.WriteAt(offset, bytes[..owner._faults.PartOf(bytes.Length)]);
                return error;
            }

            return owner.Done($"write {bytes.Length} at {offset}", Path, inner.WriteAt(offset, bytes));
        }

        public StorageResult SyncData()
        {
            if (owner.Begin(StorageOperation.Sync, Path) is { } error)
            {
                owner.Failed(Path);
                return error;
            }

            return owner.IsSyncOff ? StorageResult.Ok : owner.Done("sync", Path, inner.SyncData());
        }

        public StorageResult SetLength(long lengthBytes) =>
            owner.Begin(StorageOperation.Resize, Path) is { } error
                ? error
                : owner.Done($"resize to {lengthBytes}", Path, inner.SetLength(lengthBytes));

        public void Dispose() => inner.Dispose();
    }

    /// <summary>A lock is given back once, be it by its holder or by the holder's end.</summary>
    private sealed class Held(IDisposable inner) : IDisposable
    {
        private bool _isGivenBack;

        public void Dispose()
        {
            if (!_isGivenBack)
            {
                _isGivenBack = true;
                inner.Dispose();
            }
        }
    }

    private bool IsSyncOff => controls.IsOff(Control.Fsync);

    private void Failed(string path) => process.Machine.Storage.FailSync(path);
}
