namespace ZfRepl.Core.Storage;

/// <summary>Turns the runtime's I/O exceptions into values. The error number is in HResult; the text is never parsed.</summary>
internal static class StorageExceptions
{
    public static StorageError ToError(Exception exception, StorageOperation operation, string path)
    {
        var errno = exception switch
        {
            FileNotFoundException or DirectoryNotFoundException => Errno.NotFound,
            UnauthorizedAccessException => Errno.AccessDenied,
            // The runtime gives "file exists" a Windows number.
            IOException { HResult: unchecked((int)0x80070050) } => Errno.Exists,
            IOException e when e.HResult is > 0 and < 4096 => e.HResult,
            _ => 0,
        };
        return new StorageError(operation, path, errno, exception.Message);
    }
}
