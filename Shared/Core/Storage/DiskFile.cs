using System.Runtime.InteropServices;

namespace ZfRepl.Core.Storage;

/// <summary>An open file of <see cref="DiskStorage"/>; positions are always explicit, nothing is buffered.</summary>
internal sealed class DiskFile(FileStream stream, string path) : IStorageFile
{
    public string Path => path;

    public StorageResult<long> Length()
    {
        try
        {
            return RandomAccess.GetLength(stream.SafeFileHandle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.Read, path);
        }
    }

    public StorageResult<int> ReadAt(long offset, Span<byte> buffer)
    {
        try
        {
            var done = 0;
            while (done < buffer.Length)
            {
                var read = RandomAccess.Read(stream.SafeFileHandle, buffer[done..], offset + done);
                if (read == 0)
                {
                    break;
                }

                done += read;
            }

            return done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.Read, path);
        }
    }

    public StorageResult WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(stream.SafeFileHandle, bytes, offset);
            return StorageResult.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.Write, path);
        }
    }

    public StorageResult SyncData()
    {
        var errno = NativeFileSync.SyncData(stream.SafeFileHandle);
        return errno == 0
            ? StorageResult.Ok
            : new StorageError(StorageOperation.Sync, path, errno, Marshal.GetPInvokeErrorMessage(errno));
    }

    public StorageResult SetLength(long lengthBytes)
    {
        try
        {
            RandomAccess.SetLength(stream.SafeFileHandle, lengthBytes);
            return StorageResult.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return StorageExceptions.ToError(e, StorageOperation.Resize, path);
        }
    }

    public void Dispose() => stream.Dispose();
}
