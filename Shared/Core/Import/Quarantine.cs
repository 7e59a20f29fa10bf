using System.Globalization;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>
/// The folder for files that could not be used, or not wholly: each with a note that says why, when and from where. Nothing is ever
/// overwritten, and nothing is deleted unless a person asks for it by name. Thread-safe, also between processes.
/// </summary>
/// <remarks>
/// The note is written first and claims the name. Then the file is moved, or copied and removed where it is on another file system. A
/// crash between leaves a note without its file, or a copy beside the original; both are harmless. To try a file again, import it
/// from <see cref="QuarantineEntry.Path"/> and delete the entry when that went well.
/// </remarks>
public sealed class Quarantine : IKeepAside
{
    /// <summary>The size from which on no more events are kept aside, in bytes; damaged files always are.</summary>
    public const long MaxKeptBytes = 1024L * 1024 * 1024;

    private const string NoteSuffix = ".json";
    private const string CopySuffix = ".copying";
    private const int MaxNames = 10_000;

    // Then it is the disk that does not answer, not a file.
    private const int MaxUnreadable = 8;

    private readonly IStorage _storage;
    private readonly TimeProvider _time;

    private Quarantine(IStorage storage, string folder, TimeProvider time)
    {
        _storage = storage;
        _time = time;
        Folder = folder;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Opens a quarantine and makes its folder if need be.</summary>
    public static StorageResult<Quarantine> Open(IStorage storage, string folder, TimeProvider time)
    {
        var full = Path.GetFullPath(folder);
        var made = storage.CreateFolder(full);
        return made.IsOk ? new Quarantine(storage, full, time) : made.Error;
    }

    /// <summary>Moves a file aside under a name that is not taken, durably.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reason">Why, as a sentence.</param>
    /// <returns>
    /// Where it is now. After an error it is where it was; or, when only the syncs of the folders failed, where it should be, until a power loss
    /// perhaps brings it back.
    /// </returns>
    public StorageResult<string> Move(string path, string reason)
    {
        var target = Claim(path, reason);
        if (!target.IsOk)
        {
            return target;
        }

        var moved = _storage.Rename(path, target.Value);
        if (moved is { IsOk: false, Error.Errno: Errno.CrossDevice })
        {
            moved = BringOver(path, target.Value);
        }

        if (!moved.IsOk)
        {
            Unclaim(target.Value);
            return moved.Error;
        }

        var named = _storage.SyncFolder(Folder);
        var gone = named.IsOk ? _storage.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!) : named;
        return gone.IsOk ? target : gone.Error;
    }

    /// <summary>Keeps a copy of some bytes that are about to be cut off, durably.</summary>
    /// <param name="originPath">The file that they come from.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="reason">Why, as a sentence.</param>
    /// <returns>Where they are now.</returns>
    public StorageResult<string> Copy(string originPath, ReadOnlySpan<byte> bytes, string reason)
    {
        var target = Claim(originPath, reason);
        if (!target.IsOk)
        {
            return target;
        }

        var written = StorageFiles.WriteDurably(_storage, target.Value, bytes);
        if (written.IsOk)
        {
            return target;
        }

        // It may have its name already, and only the folder's sync failed: the next attempt makes another one.
        _ = _storage.Delete(target.Value);
        Unclaim(target.Value);
        return written.Error;
    }

    /// <summary>
    /// Keeps events aside, durably, unless the same are kept already: what is done twice after a crash has the same name then. Where the quarantine
    /// holds <see cref="MaxKeptBytes"/> or more, nothing is kept: whoever is refused must not be able to fill the disk.
    /// </summary>
    /// <param name="name">The name, made of what the events are and where they come from.</param>
    /// <param name="kind">What they are.</param>
    /// <param name="bytes">The file's content.</param>
    /// <param name="origin">Where they come from.</param>
    /// <param name="reason">Why, as a sentence.</param>
    /// <returns>Where they are; null when there is no room for them.</returns>
    public StorageResult<string?> KeepEvents(string name, QuarantineKind kind, ReadOnlySpan<byte> bytes, string origin, string reason)
    {
        var path = PathOf(name);
        var size = Measure();
        if (!size.IsOk)
        {
            return size.Error;
        }

        var isFree = IsFree(path);
        if (!isFree.IsOk)
        {
            return isFree.Error;
        }

        if (!isFree.Value)
        {
            return path;
        }

        if (size.Value.Bytes + bytes.Length > MaxKeptBytes)
        {
            return (string?)null;
        }

        // As everywhere here the note is first; of one without its file nothing is seen.
        var note = QuarantineNote.Write(reason, origin, UnixTime.FromDateTimeOffset(_time.GetUtcNow()), kind);
        var written = StorageFiles.WriteDurably(_storage, path + NoteSuffix, note);
        written = written.IsOk ? StorageFiles.WriteDurably(_storage, path, bytes) : written;
        return written.IsOk ? path : written.Error;
    }

    /// <summary>How many files are kept, and their size.</summary>
    public StorageResult<(int Files, long Bytes)> Measure()
    {
        var listed = _storage.List(Folder);
        if (!listed.IsOk)
        {
            return listed.Error;
        }

        var (files, bytes) = (0, 0L);
        foreach (var file in listed.Value)
        {
            if (!IsOwn(file.Name) && !file.IsLink)
            {
                files++;
                bytes += file.LengthBytes;
            }
        }

        return (files, bytes);
    }

    /// <summary>The file of a name, or null when there is none.</summary>
    /// <param name="name">Any text; what can be no file's name here names none.</param>
    public StorageResult<QuarantineEntry?> Find(string name)
    {
        if (!IsName(name))
        {
            return (QuarantineEntry?)null;
        }

        var listed = _storage.List(Folder);
        if (!listed.IsOk)
        {
            return listed.Error;
        }

        foreach (var file in listed.Value)
        {
            if (file.Name == name && !file.IsLink)
            {
                return Describe(file);
            }
        }

        return (QuarantineEntry?)null;
    }

    /// <summary>The files that are kept, in the order of their names.</summary>
    /// <param name="after">The last name of the page before, or null.</param>
    /// <param name="limit">How many at most, from 1.</param>
    public StorageResult<IReadOnlyList<QuarantineEntry>> List(string? after, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var listed = _storage.List(Folder);
        if (!listed.IsOk)
        {
            return listed.Error;
        }

        var entries = new List<QuarantineEntry>();
        foreach (var file in listed.Value)
        {
            if (entries.Count == limit)
            {
                break;
            }

            if (!IsOwn(file.Name) && !file.IsLink && (after is null || string.CompareOrdinal(file.Name, after) > 0))
            {
                entries.Add(Describe(file));
            }
        }

        return entries;
    }

    /// <summary>Copies a file out, durably, to a path that must not exist.</summary>
    /// <param name="name">A name from <see cref="List"/>.</param>
    /// <param name="targetPath">Where to.</param>
    public StorageResult Export(string name, string targetPath)
    {
        var copied = FileCopy.Copy(_storage, PathOf(name), targetPath);
        if (!copied.IsOk)
        {
            return copied;
        }

        var named = _storage.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(targetPath))!);
        if (!named.IsOk)
        {
            // The next attempt needs the name again.
            _ = _storage.Delete(targetPath);
        }

        return named;
    }

    /// <summary>Deletes a file and its note, for good.</summary>
    /// <param name="name">A name from <see cref="List"/>.</param>
    public StorageResult Delete(string name)
    {
        var path = PathOf(name);
        var deleted = _storage.Delete(path);
        if (deleted is { IsOk: false, Error.IsNotFound: false })
        {
            return deleted;
        }

        // Its note alone may be left of an attempt before.
        var note = _storage.Delete(path + NoteSuffix);
        return note.IsOk || (note.Error.IsNotFound && deleted.IsOk) ? _storage.SyncFolder(Folder)
            : deleted.IsOk ? note
            : deleted;
    }

    private static bool IsOwn(string name) =>
        name.EndsWith(NoteSuffix, StringComparison.Ordinal)
        || name.EndsWith(CopySuffix, StringComparison.Ordinal)
        || name.EndsWith(StorageFiles.AsideSuffix, StringComparison.Ordinal);

    private static bool IsName(string name) =>
        name.Length > 0 && name == Path.GetFileName(name) && name is not ("." or "..") && !IsOwn(name) && !name.Contains('\0', StringComparison.Ordinal);

    private string PathOf(string name)
    {
        if (!IsName(name))
        {
            throw new ArgumentException($"'{name}' is no name of a file in quarantine.", nameof(name));
        }

        return Path.Combine(Folder, name);
    }

    /// <summary>Finds a free name like the file's own and takes it by writing the note.</summary>
    private StorageResult<string> Claim(string originPath, string reason)
    {
        var note = QuarantineNote.Write(reason, Path.GetFullPath(originPath), UnixTime.FromDateTimeOffset(_time.GetUtcNow()));
        var name = Path.GetFileName(originPath);
        var unreadable = 0;
        for (var i = 0; i < MaxNames; i++)
        {
            var target = Path.Combine(Folder, i == 0 && !IsOwn(name) ? name : string.Create(CultureInfo.InvariantCulture, $"{name}.{i}"));
            var isFree = IsFree(target);
            if (!isFree.IsOk && (isFree.Error.Errno != Errno.InputOutput || ++unreadable > MaxUnreadable))
            {
                return isFree.Error;
            }

            // A bad place of the disk takes a name as well as any file.
            isFree = isFree.IsOk && isFree.Value;
            var claimed = isFree.Value ? WriteNote(target + NoteSuffix, note) : (StorageResult<bool>)false;
            if (!claimed.IsOk)
            {
                return claimed.Error;
            }

            if (claimed.Value)
            {
                return target;
            }
        }

        return new StorageError(StorageOperation.Rename, originPath, Errno.Exists, $"{MaxNames} files of this name are in quarantine already");
    }

    private StorageResult<bool> IsFree(string path)
    {
        var opened = _storage.Open(path, write: false);
        if (opened.IsOk)
        {
            opened.Value.Dispose();
            return false;
        }

        // A folder, or a file that the service may not read, has the name as well as any other.
        return opened.Error.IsNotFound ? true
            : opened.Error.Errno is Errno.AccessDenied or Errno.IsFolder ? false
            : opened.Error;
    }

    /// <summary>Writes a note whose name nobody has.</summary>
    /// <returns>False when somebody has it.</returns>
    private StorageResult<bool> WriteNote(string path, byte[] note)
    {
        var created = _storage.CreateNew(path);
        if (!created.IsOk)
        {
            return created.Error.IsExists ? false : created.Error;
        }

        using var file = created.Value;
        var written = file.WriteAt(0, note);
        var synced = written.IsOk ? file.SyncData() : written;
        if (synced.IsOk)
        {
            return true;
        }

        _ = _storage.Delete(path);
        return synced.Error;
    }

    // A note without its file only keeps a name from being used: where it can't be removed, the next file takes the next name.
    private void Unclaim(string target) => _ = _storage.Delete(target + NoteSuffix);

    /// <summary>From another file system: the original goes when the copy is durable, or the copy when the original can't go.</summary>
    private StorageResult BringOver(string path, string target)
    {
        var copying = target + CopySuffix;
        var copied = FileCopy.Copy(_storage, path, copying);
        var renamed = copied.IsOk ? _storage.Rename(copying, target) : copied;
        if (!renamed.IsOk)
        {
            _ = _storage.Delete(copying);
            return renamed;
        }

        var synced = _storage.SyncFolder(Folder);
        var removed = synced.IsOk ? _storage.Delete(path) : synced;
        if (!removed.IsOk)
        {
            _ = _storage.Delete(target);
        }

        return removed;
    }

    private QuarantineEntry Describe(StorageEntry file)
    {
        var path = Path.Combine(Folder, file.Name);
        var note = StorageFiles.ReadAll(_storage, path + NoteSuffix, QuarantineNote.MaxBytes);
        var (reason, origin, sinceNs, kind) = note.IsOk ? QuarantineNote.Read(note.Value) : ("", "", 0, QuarantineKind.File);
        return new QuarantineEntry(file.Name, path, file.LengthBytes, reason, origin, sinceNs, kind);
    }
}
