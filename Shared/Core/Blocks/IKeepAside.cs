using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>Where damaged files go: nothing that cannot be read is ever deleted by itself.</summary>
public interface IKeepAside
{
    /// <summary>Moves a file aside under a name that is not taken, durably.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reason">Why, for people.</param>
    /// <returns>Where it is now.</returns>
    StorageResult<string> Move(string path, string reason);

    /// <summary>Keeps a copy of some bytes that are about to be cut off, durably.</summary>
    /// <param name="originPath">The file that they come from.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="reason">Why, for people.</param>
    /// <returns>Where they are now.</returns>
    StorageResult<string> Copy(string originPath, ReadOnlySpan<byte> bytes, string reason);
}
