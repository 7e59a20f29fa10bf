using ZfRepl.Core.Storage;

namespace ZfRepl.Hosting.Configuration;

/// <summary>
/// The folders that a service writes into, with the keys that decide about them, so that a wrong one is found before the start. Not
/// thread-safe.
/// </summary>
public sealed class FolderNeeds
{
    private readonly List<Need> _needs = [];

    /// <summary>Adds a folder.</summary>
    /// <param name="folder">The folder, absolute. It need not exist.</param>
    /// <param name="section">The section that decides about it.</param>
    /// <param name="key">The key that names it, present or not; null for the section.</param>
    /// <param name="sameAs">A folder that has to be on the same file system, or null.</param>
    public void Add(string folder, ConfigSection section, string? key, string? sameAs = null) =>
        _needs.Add(new Need(folder, section, key, sameAs));

    /// <summary>
    /// Tries out every folder for the account that the process runs under, and reports those that can't be used. Nothing is left behind. A
    /// full disk is a warning: the service starts and waits for space.
    /// </summary>
    public void Check(IStorage storage)
    {
        foreach (var need in _needs)
        {
            Check(storage, need);
        }
    }

    private static void Check(IStorage storage, Need need)
    {
        if (FolderProbe.FileInTheWay(need.Folder) is { } file)
        {
            Report(need, $"{need.Folder} can't be a folder, because {file} is a file", "name another folder");
        }
        else if (FolderProbe.TryWrite(storage, need.Folder) is { } error)
        {
            Report(need, error);
        }
        else if (need.SameAs is { } other && FolderProbe.TryWrite(storage, other) is null
            && !FolderProbe.AreOnOneFileSystem(storage, need.Folder, other))
        {
            Report(
                need,
                $"{need.Folder} is on another file system than {other}, so that damaged files can't be set aside in one step",
                "choose a folder on the same file system");
        }
    }

    private static void Report(Need need, StorageError error)
    {
        if (error.IsNoSpace)
        {
            need.Section.Warning(need.Key, $"no space is left for {need.Folder}", error.Remedy, ConfigCodes.Unwritable);
            return;
        }

        Report(need, $"{need.Folder} can't be written by the account {Environment.UserName}: {Describe(error)}", error.Remedy);
    }

    /// <summary>The system's words name the file that was tried, which nobody knows.</summary>
    private static string Describe(StorageError error) => error.Errno switch
    {
        Errno.AccessDenied or Errno.NotPermitted => "permission denied",
        Errno.ReadOnly => "the file system is read-only",
        Errno.NotFound => "nothing can be created there",
        _ => error.Detail,
    };

    private static void Report(Need need, string message, string remedy) =>
        need.Section.Error(need.Key, message, remedy, ConfigCodes.Unwritable);

    private sealed record Need(string Folder, ConfigSection Section, string? Key, string? SameAs);
}
