using System.Security.Cryptography;
using ZfRepl.Core.Storage;

namespace ZfRepl.Hosting.Configuration;

/// <summary>
/// Tries out whether a folder can be used, without making it: writes a small file into it, or into the nearest folder above it that exists,
/// and removes it again. Access bits alone don't tell, since root, access lists and read-only file systems have their own rules.
/// </summary>
internal static class FolderProbe
{
    private const string Prefix = ".zfrepl-check-";

    /// <summary>Null when files can be written there; else why not.</summary>
    public static StorageError? TryWrite(IStorage storage, string folder)
    {
        var probe = Path.Combine(NearestExisting(folder), NewName());
        var created = storage.CreateNew(probe);
        if (!created.IsOk)
        {
            return created.Error;
        }

        created.Value.Dispose();
        return storage.Delete(probe).Error;
    }

    /// <summary>Whether a file can be renamed from one folder into the other; true as well when that can't be found out.</summary>
    public static bool AreOnOneFileSystem(IStorage storage, string folder, string other)
    {
        var from = Path.Combine(NearestExisting(folder), NewName());
        var to = Path.Combine(NearestExisting(other), Path.GetFileName(from));
        var created = storage.CreateNew(from);
        if (!created.IsOk)
        {
            return true;
        }

        created.Value.Dispose();
        var renamed = storage.Rename(from, to);
        _ = storage.Delete(renamed.IsOk ? to : from);
        return renamed.IsOk || renamed.Error.Errno != Errno.CrossDevice;
    }

    /// <summary>The file that stands where a folder is needed, or null.</summary>
    public static string? FileInTheWay(string folder)
    {
        for (var path = folder; path is not null; path = Path.GetDirectoryName(path))
        {
            if (Directory.Exists(path))
            {
                return null;
            }

            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    private static string NearestExisting(string folder)
    {
        var path = folder;
        while (!Directory.Exists(path) && Path.GetDirectoryName(path) is { } parent)
        {
            path = parent;
        }

        return path;
    }

    private static string NewName() => Prefix + RandomNumberGenerator.GetHexString(16, lowercase: true);
}
