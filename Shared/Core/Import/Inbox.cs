using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Import;

/// <summary>A block in the inbox.</summary>
/// <param name="Block">Which block.</param>
/// <param name="Path">The file.</param>
/// <param name="LengthBytes">Its length when it was listed.</param>
/// <param name="IsComplete">True when it is whole and durable, false when it is still being received.</param>
public sealed record InboxEntry(BlockKey Block, string Path, long LengthBytes, bool IsComplete);

/// <summary>
/// The folder where blocks arrive: <c>.part</c> while they are received, <c>.block</c> from the moment they are whole and durable, gone after
/// the source was told. After a restart the listing says what is left to import and what to go on receiving. The folder is for
/// this use alone; files with other names are left alone. Stateless but for the folder; one writer for each block.
/// </summary>
public sealed class Inbox
{
    private readonly IStorage _storage;

    private Inbox(IStorage storage, string folder)
    {
        _storage = storage;
        Folder = folder;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Opens an inbox and makes its folder if need be.</summary>
    public static StorageResult<Inbox> Open(IStorage storage, string folder)
    {
        var full = Path.GetFullPath(folder);
        var made = storage.CreateFolder(full);
        return made.IsOk ? new Inbox(storage, full) : made.Error;
    }

    /// <summary>What is there, by stream and number.</summary>
    public StorageResult<IReadOnlyList<InboxEntry>> List()
    {
        var listed = _storage.List(Folder);
        if (!listed.IsOk)
        {
            return listed.Error;
        }

        var entries = new List<InboxEntry>();
        foreach (var file in listed.Value)
        {
            if (!file.IsLink && InboxName.TryParse(file.Name, out var block, out var isComplete))
            {
                entries.Add(new InboxEntry(block!, Path.Combine(Folder, file.Name), file.LengthBytes, isComplete));
            }
        }

        return entries;
    }

    /// <summary>Looks for one block that is whole.</summary>
    /// <returns>Its path, or null when it is not there.</returns>
    public StorageResult<string?> Find(BlockKey block)
    {
        var path = Path.Combine(Folder, InboxName.Of(block, isComplete: true));
        var file = _storage.Open(path, write: false);
        if (!file.IsOk)
        {
            return file.Error.IsNotFound ? (string?)null : file.Error;
        }

        file.Value.Dispose();
        return path;
    }

    /// <summary>Begins to receive a block, or goes on with what is here of it.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="sizeBytes">The size that it will have, from 1; the caller has held it against a limit.</param>
    public StorageResult<InboxPart> Begin(BlockKey block, long sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sizeBytes);
        var path = Path.Combine(Folder, InboxName.Of(block, isComplete: false));
        var file = _storage.Open(path, write: true);
        if (file is { IsOk: false, Error.IsNotFound: true })
        {
            file = _storage.CreateNew(path);
        }

        if (!file.IsOk)
        {
            return file.Error;
        }

        var length = file.Value.Length();
        if (length.IsOk && length.Value > sizeBytes)
        {
            // More than the block has can't be a beginning of it.
            var cut = file.Value.SetLength(0);
            length = cut.IsOk ? 0 : cut.Error;
        }

        if (length.IsOk)
        {
            return new InboxPart(_storage, Folder, file.Value, block, sizeBytes, length.Value);
        }

        file.Value.Dispose();
        return length.Error;
    }

    /// <summary>Puts in a block that is in memory as a whole, durably.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="content">All of it.</param>
    /// <param name="note">What is to be known of it later, or null.</param>
    /// <returns>The path to import. After an error nothing of it counts.</returns>
    public StorageResult<string> Put(BlockKey block, ReadOnlySpan<byte> content, InboxNote? note = null)
    {
        var cleared = Remove(block);
        if (cleared.IsOk && note is not null)
        {
            // First, so that there is no block without it.
            cleared = CheckedJsonFile.Write(_storage, Path.Combine(Folder, InboxName.NoteOf(block)), note);
        }

        var begun = cleared.IsOk ? Begin(block, content.Length) : cleared.Error;
        if (!begun.IsOk)
        {
            return begun.Error;
        }

        using var part = begun.Value;
        var appended = part.Append(content);
        return appended.IsOk ? part.Complete() : appended.Error;
    }

    /// <summary>What was noted of a block.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="damage">What is wrong with the note when it is damaged, else null.</param>
    /// <returns>The note; null when there is none, or it is damaged; an error when it can't be read.</returns>
    public StorageResult<InboxNote?> ReadNote(BlockKey block, out string? damage)
    {
        var read = CheckedJsonFile.Read<InboxNote>(_storage, Path.Combine(Folder, InboxName.NoteOf(block)), InboxNote.MaxBytes, out damage);
        if (read.IsOk && read.Value is { } note && !BlockWay.TryCreate(note.Way, out _, out var wrong))
        {
            damage = wrong;
            return (InboxNote?)null;
        }

        return read;
    }

    /// <summary>Removes a block, whole or not, durably. One that is not there is fine.</summary>
    public StorageResult Remove(BlockKey block)
    {
        foreach (var name in new[] { InboxName.Of(block, isComplete: false), InboxName.Of(block, isComplete: true), InboxName.NoteOf(block) })
        {
            var deleted = _storage.Delete(Path.Combine(Folder, name));
            if (deleted is { IsOk: false, Error.IsNotFound: false })
            {
                return deleted;
            }
        }

        return _storage.SyncFolder(Folder);
    }
}
