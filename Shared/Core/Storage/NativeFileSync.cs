using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ZfRepl.Core.Storage;

/// <summary>
/// The system calls that decide durability, by P/Invoke, because the runtime's own flush reports success when fsync fails on Linux
/// (docs/adr/0002). Everything else that talks to the C library about files stands here too.
/// </summary>
internal static partial class NativeFileSync
{
    // The values of x86-64 and arm64 differ for O_DIRECTORY only.
    private const int OpenReadOnly = 0;
    private const int OpenCloseOnExec = 0x80000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;

    // struct statvfs of 64-bit Linux: words of 8 bytes, these two among them; it ends well before the room that is given.
    private const int StatWords = 32;
    private const int StatFiles = 5;
    private const int StatFreeFiles = 7;

    private static int OpenDirectory => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x4000 : 0x10000;

    /// <summary>fdatasync; returns 0 or the error number. A call cut short by a signal before it began is repeated.</summary>
    public static int SyncData(SafeFileHandle file)
    {
        while (true)
        {
            if (FDataSync(file) == 0)
            {
                return 0;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.Interrupted)
            {
                return errno;
            }
        }
    }

    /// <summary>fsync of a folder; returns 0 or the error number.</summary>
    public static int SyncFolder(string folder)
    {
        var descriptor = OpenPath(folder, OpenReadOnly | OpenDirectory | OpenCloseOnExec);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        var result = FSync(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
        var closed = Close(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
        return result != 0 ? result : closed;
    }

    /// <summary>rename(2); returns 0 or the error number.</summary>
    public static int Rename(string from, string to) => RenamePath(from, to) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>unlink(2); returns 0 or the error number.</summary>
    public static int Unlink(string path) => UnlinkPath(path) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>flock(2) without waiting; returns 0 or the error number.</summary>
    public static int TryLock(SafeFileHandle file) =>
        FLock(file, LockExclusive | LockNonBlocking) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>statvfs(3): the inodes that are free for an ordinary user, no limit where the file system makes them as needed; returns 0 or the error number.</summary>
    public static int FreeFiles(string folder, out long free)
    {
        free = long.MaxValue;
        if (IntPtr.Size != 8)
        {
            return 0;
        }

        var words = new ulong[StatWords];
        if (StatFileSystem(folder, words) != 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        free = words[StatFiles] == 0 ? long.MaxValue : (long)Math.Min(words[StatFreeFiles], long.MaxValue);
        return 0;
    }

    [LibraryImport("libc", EntryPoint = "statvfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatFileSystem(string path, [Out] ulong[] words);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenPath(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenamePath(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnlinkPath(string path);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int FLock(SafeFileHandle file, int operation);
}
