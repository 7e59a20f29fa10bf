using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>A simulated disk on which re-coding waits where it creates its first file, until it is released.</summary>
internal sealed class HoldingStorage(SimulatedStorage inner) : IStorage
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new();

    public SimulatedStorage Inner => inner;

    /// <summary>Ends when a re-coding waits.</summary>
    public Task Reached => _reached.Task;

    /// <summary>When set, files give one wrong bit when they are read.</summary>
    public bool FlipReads { get; set; }

    /// <summary>When set, it is called before a file is opened.</summary>
    public Action? Opening { get; set; }

    public void Release() => _released.TrySetResult();

    public StorageResult<IStorageFile> CreateNew(string path)
    {
        if (path.EndsWith(".recode", StringComparison.Ordinal))
        {
            _reached.TrySetResult();
            _released.Task.WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult();
        }

        return Wrap(inner.CreateNew(path));
    }

    public StorageResult<IStorageFile> Open(string path, bool write)
    {
        Opening?.Invoke();
        return Wrap(inner.Open(path, write));
    }

    public StorageResult Rename(string from, string to) => inner.Rename(from, to);

    public StorageResult Delete(string path) => inner.Delete(path);

    public StorageResult SyncFolder(string folder) => inner.SyncFolder(folder);

    public StorageResult CreateFolder(string folder) => inner.CreateFolder(folder);

    public StorageResult<IReadOnlyList<StorageEntry>> List(string folder) => inner.List(folder);

    public StorageResult<long> FreeBytes(string folder) => inner.FreeBytes(folder);

    public StorageResult<IDisposable> Lock(string path) => inner.Lock(path);

    private StorageResult<IStorageFile> Wrap(StorageResult<IStorageFile> opened) => opened.IsOk ? new File(this, opened.Value) : opened;

    private sealed class File(HoldingStorage owner, IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;

        public StorageResult<long> Length() => file.Length();

        public StorageResult<int> ReadAt(long offset, Span<byte> buffer)
        {
            var read = file.ReadAt(offset, buffer);
            if (owner.FlipReads && read is { IsOk: true, Value: > 0 })
            {
                buffer[read.Value / 2] ^= 1;
            }

            return read;
        }

        public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes) => file.WriteAt(offset, bytes);

        public StorageResult SyncData() => file.SyncData();

        public StorageResult SetLength(long lengthBytes) => file.SetLength(lengthBytes);

        public void Dispose() => file.Dispose();
    }
}
