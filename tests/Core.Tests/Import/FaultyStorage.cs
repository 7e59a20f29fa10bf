using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Tests.Import;

/// <summary>The real disk with faults: before each call a test may return an error number instead, or throw to end the world.</summary>
internal sealed class FaultyStorage(Func<StorageOperation, string, int?> fault) : IStorage
{
    private static readonly DiskStorage Disk = DiskStorage.Instance;

    public StorageResult<IStorageFile> CreateNew(string path) =>
        Fault(StorageOperation.Open, path) is { } error ? error : Wrap(Disk.CreateNew(path));

    public StorageResult<IStorageFile> CreateNewPrivate(string path) =>
        Fault(StorageOperation.Open, path) is { } error ? error : Wrap(Disk.CreateNewPrivate(path));

    public StorageResult<IStorageFile> Open(string path, bool write) =>
        Fault(StorageOperation.Open, path) is { } error ? error : Wrap(Disk.Open(path, write));

    public StorageResult Rename(string from, string to) => Fault(StorageOperation.Rename, from) ?? Disk.Rename(from, to);

    public StorageResult Delete(string path) => Fault(StorageOperation.Delete, path) ?? Disk.Delete(path);

    public StorageResult SyncFolder(string folder) => Fault(StorageOperation.SyncFolder, folder) ?? Disk.SyncFolder(folder);

    public StorageResult CreateFolder(string folder) => Fault(StorageOperation.CreateFolder, folder) ?? Disk.CreateFolder(folder);

    public StorageResult<IReadOnlyList<StorageEntry>> List(string folder) =>
        Fault(StorageOperation.List, folder) is { } error ? error : Disk.List(folder);

    public StorageResult<long> FreeBytes(string folder) => Disk.FreeBytes(folder);

    public StorageResult<IDisposable> Lock(string path) => Disk.Lock(path);

    private StorageError? Fault(StorageOperation operation, string path) =>
        fault(operation, path) is { } errno ? new StorageError(operation, path, errno, "injected") : null;

    private StorageResult<IStorageFile> Wrap(StorageResult<IStorageFile> file) => file.IsOk ? new FaultyFile(this, file.Value) : file;

    private sealed class FaultyFile(FaultyStorage owner, IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;

        public StorageResult<long> Length() => owner.Fault(StorageOperation.Read, Path) is { } error ? error : file.Length();

        public StorageResult<int> ReadAt(long offset, Span<byte> buffer) =>
            owner.Fault(StorageOperation.Read, Path) is { } error ? error : file.ReadAt(offset, buffer);

        public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes)
        {
            var error = owner.Fault(StorageOperation.Write, Path);
            if (error is null)
            {
                return file.WriteAt(offset, bytes);
            }

            // A full disk takes a part.
            _ = file.WriteAt(offset, bytes[..(bytes.Length / 2)]);
            return error;
        }

        public StorageResult SyncData() => owner.Fault(StorageOperation.Sync, Path) ?? file.SyncData();

        public StorageResult SetLength(long lengthBytes) => owner.Fault(StorageOperation.Resize, Path) ?? file.SetLength(lengthBytes);

        public void Dispose() => file.Dispose();
    }
}
