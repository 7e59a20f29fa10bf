using Xunit;

namespace ZfRepl.TestKit;

/// <summary>A fact that needs to mount a small file system; for an ordinary user it is reported as skipped, with the reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute() =>
        Skip = Environment.IsPrivilegedProcess
            ? ProgramLookup.WhyMissing("mount", "umount")
            : "NOT RUN, only root can mount the small file system that fills up. Run the tests as root in a container.";
}

/// <summary>A file system in memory with a fixed size, mounted for one test.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private readonly TempFolder _folder = new();

    public string Path => _folder.Path;

    /// <summary>Mounts it.</summary>
    /// <param name="sizeKiB">Its size.</param>
    /// <param name="options">More options of the mount, such as <c>nr_inodes=60</c>.</param>
    public static async Task<SmallDisk> MountAsync(int sizeKiB, string? options = null)
    {
        var disk = new SmallDisk();
        await RunAsync("mount", "-t", "tmpfs", "-o", options is null ? $"size={sizeKiB}k" : $"size={sizeKiB}k,{options}", "zfrepl-test", disk.Path);
        return disk;
    }

    /// <summary>Takes all the space that is left.</summary>
    public FileStream Fill()
    {
        var ballast = File.Create(System.IO.Path.Combine(Path, "ballast"));
        var page = new byte[4096];
        try
        {
            while (true)
            {
                ballast.Write(page);
                ballast.Flush();
            }
        }
        catch (IOException)
        {
            return ballast;
        }
    }

    public void Free(FileStream ballast)
    {
        ballast.Dispose();
        File.Delete(ballast.Name);
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("umount", Path);
        _folder.Dispose();
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        await using var process = ExternalProcess.Start(ProgramLookup.Find(program)!, arguments);
        if (await process.WaitForExitAsync() != 0)
        {
            throw new InvalidOperationException($"{program} failed: {process.Output}");
        }
    }
}
