using ZfRepl.Core.Storage;

namespace ZfRepl.TestKit;

/// <summary>
/// What a program does that ignores an error: syncs of files that fail look as if they had succeeded. The negative control of
/// <see cref="FailAtN"/>.
/// </summary>
public sealed class DeafStorage(IStorage inner) : IStorage
{
    public StorageResult<IStorageFile> CreateNew(string path) => Wrap(inner.CreateNew(path));

    public StorageResult<IStorageFile> Open(string path, bool write) => Wrap(inner.Open(path, write));

    public StorageResult Rename(string from, string to) => inner.Rename(from, to);

    public StorageResult Delete(string path) => inner.Delete(path);

    public StorageResult SyncFolder(string folder) => inner.SyncFolder(folder);

    public StorageResult CreateFolder(string folder) => inner.CreateFolder(folder);

    public StorageResult<IReadOnlyList<StorageEntry>> List(string folder) => inner.List(folder);

    public StorageResult<long> FreeBytes(string folder) => inner.FreeBytes(folder);

    public StorageResult<IDisposable> Lock(string path) => inner.Lock(path);

    private static StorageResult<IStorageFile> Wrap(StorageResult<IStorageFile> file) => file.IsOk ? new DeafFile(file.Value) : file;

    private sealed class DeafFile(IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;

        public StorageResult<long> Length() => file.Length();

        public StorageResult<int> ReadAt(long offset, Span<byte> buffer) => file.ReadAt(offset, buffer);

        public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes) => file.WriteAt(offset, bytes);

        public StorageResult SyncData()
        {
            _ = file.SyncData();
            return StorageResult.Ok;
        }

        public StorageResult SetLength(long lengthBytes) => file.SetLength(lengthBytes);

        public void Dispose() => file.Dispose();
    }
}
