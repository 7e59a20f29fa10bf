using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Import;

/// <summary>Copies a file durably, with a small buffer.</summary>
internal static class FileCopy
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>
    /// Copies into a new file and makes its content durable; the folder is the caller's to sync. After an error there is no new file, and one that
    /// was there before is as it was.
    /// </summary>
    public static StorageResult Copy(IStorage storage, string from, string to)
    {
        var source = storage.Open(from, write: false);
        if (!source.IsOk)
        {
            return source.Error;
        }

        using var input = source.Value;
        var created = storage.CreateNew(to);
        if (!created.IsOk)
        {
            return created.Error;
        }

        StorageResult copied;
        using (var output = created.Value)
        {
            copied = Copy(input, output);
            copied = copied.IsOk ? output.SyncData() : copied;
        }

        if (!copied.IsOk)
        {
            // A part of a file helps nobody, and would be in the way of the next attempt.
            _ = storage.Delete(to);
        }

        return copied;
    }

    private static StorageResult Copy(IStorageFile input, IStorageFile output)
    {
        var buffer = new byte[BufferBytes];
        for (var offset = 0L; ;)
        {
            var read = input.ReadAt(offset, buffer);
            if (!read.IsOk)
            {
                return read.Error;
            }

            if (read.Value == 0)
            {
                return StorageResult.Ok;
            }

            var written = output.WriteAt(offset, buffer.AsSpan(0, read.Value));
            if (!written.IsOk)
            {
                return written;
            }

            offset += read.Value;
        }
    }
}
