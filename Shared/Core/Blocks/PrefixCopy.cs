using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>Copies the beginning of a file.</summary>
internal static class PrefixCopy
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>Copies bytes from the start of one file to the start of another; nothing is synced.</summary>
    /// <param name="from">Read.</param>
    /// <param name="to">Written.</param>
    /// <param name="lengthBytes">How many; the file has as many.</param>
    public static StorageResult Copy(IStorageFile from, IStorageFile to, long lengthBytes)
    {
        var buffer = new byte[Math.Min(BufferBytes, lengthBytes)];
        for (var offset = 0L; offset < lengthBytes;)
        {
            var read = from.ReadAt(offset, buffer.AsSpan(0, (int)Math.Min(buffer.Length, lengthBytes - offset)));
            if (!read.IsOk)
            {
                return read.Error;
            }

            if (read.Value == 0)
            {
                return new StorageError(StorageOperation.Read, from.Path, Errno.InputOutput, $"the file ends at {offset}, before byte {lengthBytes}");
            }

            var written = to.WriteAt(offset, buffer.AsSpan(0, read.Value));
            if (!written.IsOk)
            {
                return written;
            }

            offset += read.Value;
        }

        return StorageResult.Ok;
    }
}
