namespace ZfRepl.Benchmarks.Running;

/// <summary>A folder on the disk that is measured, removed with its content at the end.</summary>
internal sealed class BenchFolder : IDisposable
{
    private int _next;

    public BenchFolder(string parent)
    {
        Directory.CreateDirectory(parent);
        // Short: the path of a Unix socket has room for 107 bytes.
        Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, $"bench-{Guid.NewGuid():N}"[..14])).FullName;
    }

    public string Path { get; }

    /// <summary>A path in it that was not given before.</summary>
    public string New(string name) => System.IO.Path.Combine(Path, $"{Interlocked.Increment(ref _next)}-{name}");

    /// <summary>The sizes of the files in a folder, added up.</summary>
    public static long BytesIn(string folder) => new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
