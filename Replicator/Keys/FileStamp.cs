namespace ZfRepl.Replicator.Keys;

/// <summary>What tells a file from the one that was there before, without reading it. A file that was put in its place was born at another time.</summary>
/// <param name="Born">When it was made, ticks.</param>
/// <param name="Written">When it was written last, ticks.</param>
/// <param name="LengthBytes">Its length.</param>
/// <param name="Mode">Who may read it.</param>
internal readonly record struct FileStamp(long Born, long Written, long LengthBytes, UnixFileMode Mode)
{
    /// <summary>Looks at a file.</summary>
    /// <returns>Null when it is not there.</returns>
    /// <exception cref="IOException">It can't be looked at.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked at.</exception>
    public static FileStamp? Of(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? new FileStamp(file.CreationTimeUtc.Ticks, file.LastWriteTimeUtc.Ticks, file.Length, file.UnixFileMode) : null;
    }
}
