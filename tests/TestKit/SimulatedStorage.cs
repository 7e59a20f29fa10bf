using ZfRepl.Core.Storage;

namespace ZfRepl.TestKit;

/// <summary>Thrown where a simulated process dies; what it had not made durable is gone or torn after <see cref="SimulatedStorage.Crash"/>.</summary>
public sealed class SimulatedCrashException(int operation) : Exception($"the simulated process died at storage operation {operation}");

/// <summary>
/// A disk in memory that loses what was not synced. Faults it injects: an error number or the process's death at any operation;
/// at a power cut, bytes that were written and not synced survive in part (whole, torn in 512-byte sectors, or not at all), and of the
/// changes of names that no folder sync followed, the first few survive, as a journaling file system keeps them: in order, each whole; or,
/// where <see cref="NamesInAnyOrder"/> says so, any of them.
/// Faults it does not inject: bytes that were synced go bad (tests flip them by hand), and sync calls that lie.
/// </summary>
public sealed class SimulatedStorage : IStorage
{
    private const int SectorBytes = 512;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _folders = new(StringComparer.Ordinal);
    private readonly HashSet<string> _locks = new(StringComparer.Ordinal);
    private readonly List<(Action<Dictionary<string, Node>> Apply, string[] Folders)> _unsyncedNames = [];
    private Dictionary<string, Node> _names = new(StringComparer.Ordinal);
    private Dictionary<string, Node> _durableNames = new(StringComparer.Ordinal);
    private int _generation;

    /// <summary>Operations counted so far.</summary>
    public int Operations { get; private set; }

    /// <summary>Decides, before each operation, whether it fails: the error number, or null.</summary>
    public Func<int, StorageOperation, string, int?>? Fault { get; set; }

    /// <summary>The operation at which the process dies, before it has an effect.</summary>
    public int? CrashAt { get; set; }

    /// <summary>When set, syncs report success and do nothing: the negative control of every durability test.</summary>
    public bool IgnoreSyncs { get; set; }

    /// <summary>Folder syncs that report success and do nothing: the negative control of a single one. Gets the folder.</summary>
    public Func<string, bool>? IgnoreFolderSync { get; set; }

    /// <summary>When set, any of the changes of names that were not synced survives a power cut, whatever became of those before: all that POSIX says.</summary>
    public bool NamesInAnyOrder { get; set; }

    /// <summary>Free bytes to report.</summary>
    public long Free { get; set; } = long.MaxValue;

    /// <summary>Free inodes to report.</summary>
    public long FreeInodes { get; set; } = long.MaxValue;

    /// <summary>Syncs of files that were asked for.</summary>
    public int FileSyncs { get; private set; }

    /// <summary>The names of all files with their content, as a program sees them now.</summary>
    public IReadOnlyDictionary<string, byte[]> Snapshot()
    {
        lock (_gate)
        {
            return _names.ToDictionary(n => n.Key, n => n.Value.Live.ToArray(), StringComparer.Ordinal);
        }
    }

    /// <summary>Replaces a file's content durably, as a test that damages it does.</summary>
    public void Overwrite(string path, byte[] content)
    {
        lock (_gate)
        {
            var node = new Node();
            node.Live.AddRange(content);
            node.Durable = [.. content];
            _names[path] = node;
            _durableNames[path] = node;
        }
    }

    /// <summary>What of a file is certain to be there after a power cut; null when its name is not.</summary>
    public byte[]? Durable(string path)
    {
        lock (_gate)
        {
            return _durableNames.TryGetValue(path, out var node) ? node.Durable : null;
        }
    }

    /// <summary>The paths of all files, as a program sees them now.</summary>
    public IReadOnlyList<string> Paths()
    {
        lock (_gate)
        {
            return [.. _names.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>A file's content as a program sees it now; null when there is none.</summary>
    public byte[]? Content(string path)
    {
        lock (_gate)
        {
            return _names.TryGetValue(path, out var node) ? node.Live.ToArray() : null;
        }
    }

    /// <summary>
    /// A sync of the file failed: the kernel takes its pages for written, so later syncs report success and write nothing of them, however long
    /// they can still be read. A page that is written to once more is as any other. (A page is a sector here, as blocks of tests are small.)
    /// </summary>
    public void FailSync(string path)
    {
        lock (_gate)
        {
            if (_names.TryGetValue(path, out var node))
            {
                node.LoseDirty();
            }
        }
    }

    /// <summary>Bytes go bad on the disk, where they were synced and not written to since; open files see it as well.</summary>
    /// <returns>False when there is no such file, or the bytes are not, or not only, on disk.</returns>
    public bool Rot(string path, int offset, ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (!_names.TryGetValue(path, out var node) || offset + bytes.Length > Math.Min(node.Live.Count, node.Durable.Length))
            {
                return false;
            }

            var live = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(node.Live).Slice(offset, bytes.Length);
            var durable = node.Durable.AsSpan(offset, bytes.Length);
            if (!live.SequenceEqual(durable))
            {
                return false;
            }

            bytes.CopyTo(live);
            bytes.CopyTo(durable);
            return true;
        }
    }

    /// <summary>The power goes and comes back: unsynced bytes and names survive as the seed says. Open files of before are dead.</summary>
    public void Crash(Random random)
    {
        lock (_gate)
        {
            var kept = random.Next(_unsyncedNames.Count + 1);
            foreach (var (apply, _) in _unsyncedNames.Where((_, i) => NamesInAnyOrder ? random.Next(2) == 0 : i < kept))
            {
                apply(_durableNames);
            }

            _unsyncedNames.Clear();
            _names = _durableNames.OrderBy(n => n.Key, StringComparer.Ordinal)
                .ToDictionary(n => n.Key, n => n.Value.AfterPowerCut(random), StringComparer.Ordinal);
            _durableNames = new Dictionary<string, Node>(_names, StringComparer.Ordinal);
            Restart();
        }
    }

    /// <summary>The process dies and the machine goes on: the page cache keeps everything. Open files and locks of before are gone.</summary>
    public void KillProcess()
    {
        lock (_gate)
        {
            Restart();
        }
    }

    public StorageResult<IStorageFile> CreateNew(string path)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.Open, path) is { } error)
            {
                return error;
            }

            if (_names.ContainsKey(path))
            {
                return new StorageError(StorageOperation.Open, path, Errno.Exists, "file exists");
            }

            var node = new Node();
            ChangeNames(names => names[path] = node, path);
            return new File(this, path, node, _generation);
        }
    }

    public StorageResult<IStorageFile> Open(string path, bool write)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.Open, path) is { } error)
            {
                return error;
            }

            return _names.TryGetValue(path, out var node) ? new File(this, path, node, _generation) : NotFound(StorageOperation.Open, path);
        }
    }

    public StorageResult Rename(string from, string to)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.Rename, from) is { } error)
            {
                return error;
            }

            if (!_names.TryGetValue(from, out var node))
            {
                return NotFound(StorageOperation.Rename, from);
            }

            ChangeNames(
                names =>
                {
                    names.Remove(from);
                    names[to] = node;
                },
                from,
                to);
            return StorageResult.Ok;
        }
    }

    public StorageResult Delete(string path)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.Delete, path) is { } error)
            {
                return error;
            }

            if (!_names.ContainsKey(path))
            {
                return NotFound(StorageOperation.Delete, path);
            }

            ChangeNames(names => names.Remove(path), path);
            return StorageResult.Ok;
        }
    }

    public StorageResult SyncFolder(string folder)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.SyncFolder, folder) is { } error)
            {
                return error;
            }

            if (IgnoreSyncs || IgnoreFolderSync?.Invoke(folder) == true)
            {
                return StorageResult.Ok;
            }

            // A sync writes the journal out up to the folder's last change.
            var durable = _unsyncedNames.FindLastIndex(n => n.Folders.Contains(folder)) + 1;
            foreach (var (apply, _) in _unsyncedNames.Take(durable))
            {
                apply(_durableNames);
            }

            _unsyncedNames.RemoveRange(0, durable);
            return StorageResult.Ok;
        }
    }

    public StorageResult CreateFolder(string folder)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.CreateFolder, folder) is { } error)
            {
                return error;
            }

            _folders.Add(folder);
            return StorageResult.Ok;
        }
    }

    public StorageResult<IReadOnlyList<StorageEntry>> List(string folder)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.List, folder) is { } error)
            {
                return error;
            }

            return _names.Where(n => Path.GetDirectoryName(n.Key) == folder)
                .Select(n => new StorageEntry(Path.GetFileName(n.Key), n.Value.Live.Count))
                .OrderBy(e => e.Name, StringComparer.Ordinal)
                .ToArray();
        }
    }

    public StorageResult<long> FreeBytes(string folder) => Free;

    public StorageResult<long> FreeFiles(string folder) => FreeInodes;

    public StorageResult<IDisposable> Lock(string path)
    {
        lock (_gate)
        {
            if (Enter(StorageOperation.Lock, path) is { } error)
            {
                return error;
            }

            return _locks.Add(path)
                ? new Unlock(this, path, _generation)
                : new StorageError(StorageOperation.Lock, path, Errno.WouldBlock, "held by another");
        }
    }

    private static StorageError NotFound(StorageOperation operation, string path) => new(operation, path, Errno.NotFound, "no such file");

    private void ChangeNames(Action<Dictionary<string, Node>> apply, params string[] paths)
    {
        apply(_names);
        _unsyncedNames.Add((apply, [.. paths.Select(p => Path.GetDirectoryName(p)!)]));
    }

    private void Restart()
    {
        _generation++;
        _locks.Clear();
        CrashAt = null;
        Fault = null;
    }

    private StorageError? Enter(StorageOperation operation, string path)
    {
        var index = Operations++;
        if (CrashAt <= index)
        {
            throw new SimulatedCrashException(index);
        }

        return Fault?.Invoke(index, operation, path) is { } errno ? new StorageError(operation, path, errno, "injected") : null;
    }

    private sealed class Unlock(SimulatedStorage owner, string path, int generation) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
            {
                if (generation == owner._generation)
                {
                    owner._locks.Remove(path);
                }
            }
        }
    }

    private sealed class Node
    {
        public List<byte> Live { get; } = [];

        public byte[] Durable { get; set; } = [];

        private readonly HashSet<int> _lost = [];

        /// <summary>What is dirty now counts as written, and is not.</summary>
        public void LoseDirty()
        {
            for (var offset = 0; offset < Live.Count; offset += SectorBytes)
            {
                if (!IsDurable(offset))
                {
                    _lost.Add(offset / SectorBytes);
                }
            }
        }

        /// <summary>These bytes were written to.</summary>
        public void Touched(long offset, int count) => _lost.RemoveWhere(s => s >= offset / SectorBytes && s <= (offset + count) / SectorBytes);

        public void Sync()
        {
            byte[] durable = [.. Live];
            foreach (var offset in _lost.Select(s => s * SectorBytes).Where(o => o < durable.Length))
            {
                for (var i = offset; i < Math.Min(offset + SectorBytes, durable.Length); i++)
                {
                    durable[i] = i < Durable.Length ? Durable[i] : (byte)0;
                }
            }

            Durable = durable;
        }

        private bool IsDurable(int offset)
        {
            for (var i = offset; i < Math.Min(offset + SectorBytes, Live.Count); i++)
            {
                if (i >= Durable.Length || Durable[i] != Live[i])
                {
                    return false;
                }
            }

            return true;
        }

        public Node AfterPowerCut(Random random)
        {
            var node = new Node();
            node.Live.AddRange(Durable);
            if (random.Next(3) > 0)
            {
                // Sectors that were written and not synced arrive in any order, or not; a longer file may show zeros in between.
                var length = random.Next(2) == 0 ? Live.Count : random.Next(Math.Min(Durable.Length, Live.Count), Live.Count + 1);
                Resize(node.Live, length);
                for (var offset = 0; offset < length; offset += SectorBytes)
                {
                    if (random.Next(2) == 0)
                    {
                        for (var i = offset; i < Math.Min(offset + SectorBytes, Math.Min(length, Live.Count)); i++)
                        {
                            node.Live[i] = Live[i];
                        }
                    }
                }
            }

            node.Durable = [.. node.Live];
            return node;
        }

        public static void Resize(List<byte> bytes, int length)
        {
            if (length < bytes.Count)
            {
                bytes.RemoveRange(length, bytes.Count - length);
            }
            else
            {
                bytes.AddRange(new byte[length - bytes.Count]);
            }
        }
    }

    private sealed class File(SimulatedStorage owner, string path, Node node, int generation) : IStorageFile
    {
        public string Path => path;

        public StorageResult<long> Length()
        {
            lock (owner._gate)
            {
                return Enter(StorageOperation.Read) is { } error ? error : (long)node.Live.Count;
            }
        }

        public StorageResult<int> ReadAt(long offset, Span<byte> buffer)
        {
            lock (owner._gate)
            {
                if (Enter(StorageOperation.Read) is { } error)
                {
                    return error;
                }

                var count = (int)Math.Clamp(node.Live.Count - offset, 0, buffer.Length);
                System.Runtime.InteropServices.CollectionsMarshal.AsSpan(node.Live).Slice((int)Math.Min(offset, node.Live.Count), count).CopyTo(buffer);
                return count;
            }
        }

        public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes)
        {
            lock (owner._gate)
            {
                if (Enter(StorageOperation.Write) is { } error)
                {
                    return error;
                }

                if (node.Live.Count < offset + bytes.Length)
                {
                    Node.Resize(node.Live, (int)offset + bytes.Length);
                }

                for (var i = 0; i < bytes.Length; i++)
                {
                    node.Live[(int)offset + i] = bytes[i];
                }

                node.Touched(offset, bytes.Length);

                return StorageResult.Ok;
            }
        }

        public StorageResult SyncData()
        {
            lock (owner._gate)
            {
                if (Enter(StorageOperation.Sync) is { } error)
                {
                    return error;
                }

                owner.FileSyncs++;
                if (!owner.IgnoreSyncs)
                {
                    node.Sync();
                }

                return StorageResult.Ok;
            }
        }

        public StorageResult SetLength(long lengthBytes)
        {
            lock (owner._gate)
            {
                if (Enter(StorageOperation.Resize) is { } error)
                {
                    return error;
                }

                Node.Resize(node.Live, (int)lengthBytes);
                node.Touched(lengthBytes, 0);
                return StorageResult.Ok;
            }
        }

        public void Dispose()
        {
        }

        private StorageError? Enter(StorageOperation operation)
        {
            if (generation != owner._generation)
            {
                throw new SimulatedCrashException(owner.Operations);
            }

            return owner.Enter(operation, path);
        }
    }
}
