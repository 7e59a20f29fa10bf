using System.Runtime.InteropServices;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>
/// A disk of its own in a file, with a real file system, whose power can be cut: what was not synced by then is gone, as far as the kernel is
/// concerned. What a drive's firmware does to a single sector is not in it.
/// </summary>
internal sealed partial class LoopDisk : IAsyncDisposable
{
    // _IOR('X', 125, __u32), the same for ext4 and XFS; 2: not even the journal is written.
    private const nuint Shutdown = 0x8004_587D;
    private const uint NoLogFlush = 2;

    private const int OpenDirectory = 0x10000;

    private readonly string _folder;
    private readonly string _image;
    private readonly string _options;
    private bool _isMounted;

    private LoopDisk(string folder, string image, string options)
    {
        _folder = folder;
        _image = image;
        _options = options;
        Path = System.IO.Path.Combine(folder, "disk");
    }

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Makes the image and the file system, and mounts it.</summary>
    /// <param name="kind">ext4 or xfs.</param>
    /// <param name="imageFolder">Where the image lies; null for a folder of its own.</param>
    /// <param name="sizeMiB">Its size; the file takes only what is written.</param>
    /// <param name="options">Options of the mount besides loop.</param>
    /// <param name="format">Options of mkfs.</param>
    public static async Task<LoopDisk> CreateAsync(string kind, string? imageFolder = null, int? sizeMiB = null, string options = "", params string[] format)
    {
        var folder = await Leftovers.NewFolderAsync();
        var disk = new LoopDisk(folder, System.IO.Path.Combine(imageFolder ?? folder, "image"), options);
        try
        {
            Directory.CreateDirectory(disk.Path);
            // Servers run by accounts of their own get through to it.
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            await using (var file = File.Create(disk._image))
            {
                // XFS is not made smaller than this.
                file.SetLength((sizeMiB ?? (kind == "xfs" ? 320 : 64)) * 1024L * 1024);
            }

            await Shell.RunAsync($"mkfs.{kind}", ["-q", .. format, disk._image]);
            await disk.MountAsync();
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    public async Task MountAsync()
    {
        await Shell.RunAsync("mount", "-o", _options.Length > 0 ? $"loop,{_options}" : "loop", _image, Path);
        _isMounted = true;
    }

    /// <summary>Unmounts; whoever had files of it open must be gone, which the kernel may take a moment to see.</summary>
    public async Task UnmountAsync()
    {
        await Eventually.TrueAsync(() => Shell.TryAsync("umount", Path), $"{Path} is unmounted");
        _isMounted = false;
    }

    /// <summary>Has ext4 find an error in itself: with <c>errors=remount-ro</c> it goes read-only, whoever has files open.</summary>
    public async Task TriggerErrorAsync()
    {
        var device = (await Shell.RunAsync("findmnt", "-n", "-o", "SOURCE", Path)).Trim();
        await File.WriteAllTextAsync($"/sys/fs/ext4/{System.IO.Path.GetFileName(device)}/trigger_fs_error", "1");
    }

    /// <summary>Checks and repairs what is unmounted.</summary>
    public async Task RepairAsync() => await Shell.TryAsync("e2fsck", "-f", "-y", _image);

    /// <summary>The power fails: from now on every access is an error, and what was not synced never reaches the image.</summary>
    public void CutPower()
    {
        var descriptor = OpenPath(Path, OpenDirectory);
        Assert.True(descriptor >= 0, $"open {Path}: {Marshal.GetLastPInvokeErrorMessage()}");
        var flags = NoLogFlush;
        var done = Control(descriptor, Shutdown, ref flags);
        var error = Marshal.GetLastPInvokeErrorMessage();
        _ = Close(descriptor);
        Assert.True(done == 0, $"shutdown of {Path}: {error}");
    }

    /// <summary>The power comes back: whoever had files open must be gone.</summary>
    public async Task RestorePowerAsync()
    {
        await UnmountAsync();
        await MountAsync();
    }

    public Task FreezeAsync() => Shell.RunAsync("fsfreeze", "-f", Path);

    public Task ThawAsync() => Shell.RunAsync("fsfreeze", "-u", Path);

    public async ValueTask DisposeAsync()
    {
        if (_isMounted)
        {
            await Shell.TryAsync("fsfreeze", "-u", Path);
            if (!await Shell.TryAsync("umount", Path))
            {
                await Shell.TryAsync("umount", "-l", Path);
            }
        }

        File.Delete(_image);
        Directory.Delete(_folder, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenPath(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int descriptor, nuint request, ref uint value);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
