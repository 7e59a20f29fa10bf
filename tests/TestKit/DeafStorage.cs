using ZfRepl.Core.Storage;

namespace ZfRepl.TestKit;

/// <summary>
/// What a program does that ignores errors: writes, syncs, renames and deletions that fail look as if they had succeeded. The negative control of
/// <see cref="FailAtN"/>.
/// </summary>
public sealed class DeafStorage(IStorage inner) : IStorage
{
    public StorageResult<IStorageFile> CreateNew(string path) => Wrap(inner.CreateNew(path));

    public StorageResult<IStorageFile> Open(string path, bool write) => Wrap(inner.Open(path, write));

    public StorageResult Rename(string from, string to) => Ignore(inner.Rename(from, to));

    public StorageResult Delete(string path) => Ignore(inner.Delete(path));

    public StorageResult SyncFolder(string folder) => Ignore(inner.SyncFolder(folder));

    public StorageResult CreateFolder(string folder) => Ignore(inner.CreateFolder(folder));

    public StorageResult<IReadOnlyList<StorageEntry>> List(string folder) => inner.List(folder);

    public StorageResult<long> FreeBytes(string folder) => inner.FreeBytes(folder);

    public StorageResult<IDisposable> Lock(string path) => inner.Lock(path);

    // That there is no such file is an answer, not a failure.
    private static StorageResult Ignore(StorageResult result) => result is { IsOk: false, Error.IsNotFound: true } ? result : StorageResult.Ok;

    private static StorageResult<IStorageFile> Wrap(StorageResult<IStorageFile> file) => file.IsOk ? new DeafFile(file.Value) : file;

    private sealed class DeafFile(IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;

        public StorageResult<long> Length() => file.Length();

        public StorageResult<int> ReadAt(long offset, Span<byte> buffer) => file.ReadAt(offset, buffer);

        public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes) => Ignore(file.WriteAt(offset, bytes));

        public StorageResult SyncData() => Ignore(file.SyncData());

        public StorageResult SetLength(long lengthBytes) => Ignore(file.SetLength(lengthBytes));

        public void Dispose() => file.Dispose();
    }
}
