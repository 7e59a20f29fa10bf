namespace ZfRepl.Core.Storage;

/// <summary>Small whole files, written so that after a crash there is the old content or the new one, never a mix. Stateless.</summary>
public static class StorageFiles
{
    /// <summary>The suffix of a file that is being written.</summary>
    internal const string AsideSuffix = ".new";

    /// <summary>Writes a file aside, syncs it, renames it into place and syncs the folder.</summary>
    public static StorageResult WriteDurably(IStorage storage, string path, ReadOnlySpan<byte> content) =>
        WriteDurably(storage, path, content, storage.CreateNew);

    /// <summary>As <see cref="WriteDurably(IStorage, string, ReadOnlySpan{byte})"/>, for the eyes of the service's own account alone.</summary>
    public static StorageResult WritePrivately(IStorage storage, string path, ReadOnlySpan<byte> content) =>
        WriteDurably(storage, path, content, storage.CreateNewPrivate);

    /// <summary>Reads a whole file of at most <paramref name="limitBytes"/>.</summary>
    /// <returns>The content; an error also when the file is longer than the limit.</returns>
    public static StorageResult<byte[]> ReadAll(IStorage storage, string path, int limitBytes)
    {
        var opened = storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var length = file.Length();
        if (!length.IsOk)
        {
            return length.Error;
        }

        if (length.Value > limitBytes)
        {
            return new StorageError(StorageOperation.Read, path, 0, $"{length.Value} bytes are more than the {limitBytes} that such a file may have");
        }

        var content = new byte[length.Value];
        var read = file.ReadAt(0, content);
        if (!read.IsOk)
        {
            return read.Error;
        }

        return read.Value == content.Length ? content : content[..read.Value];
    }

    private static StorageResult WriteDurably(
        IStorage storage, string path, ReadOnlySpan<byte> content, Func<string, StorageResult<IStorageFile>> create)
    {
        var aside = path + AsideSuffix;
        var removed = storage.Delete(aside);
        if (removed is { IsOk: false, Error.IsNotFound: false })
        {
            return removed;
        }

        var created = create(aside);
        if (!created.IsOk)
        {
            return created.Error;
        }

        using (var file = created.Value)
        {
            var written = file.WriteAt(0, content);
            if (!written.IsOk)
            {
                return written;
            }

            var synced = file.SyncData();
            if (!synced.IsOk)
            {
                return synced;
            }
        }

        var renamed = storage.Rename(aside, path);
        return renamed.IsOk ? storage.SyncFolder(Path.GetDirectoryName(path)!) : renamed;
    }
}
