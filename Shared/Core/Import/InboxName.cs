using System.Globalization;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Import;

/// <summary>
/// The names of files in an inbox: stream, number and hash of the block, then <c>.part</c> while it is received and <c>.block</c> when it is
/// whole. Made from values alone, so that no text of another node can lead out of the folder.
/// </summary>
internal static class InboxName
{
    public const string PartSuffix = ".part";
    public const string BlockSuffix = ".block";
    public const string NoteSuffix = ".way";

    private const int IndexDigits = 20;

    public static string Of(BlockKey block, bool isComplete) => Of(block, isComplete ? BlockSuffix : PartSuffix);

    /// <summary>The name of the file with what is noted of a block.</summary>
    public static string NoteOf(BlockKey block) => Of(block, NoteSuffix);

    /// <summary>Parses a name; anything but the exact form is refused.</summary>
    public static bool TryParse(string name, out BlockKey? block, out bool isComplete)
    {
        isComplete = name.EndsWith(BlockSuffix, StringComparison.Ordinal);
        block = null;
        var parts = Path.GetFileNameWithoutExtension(name).Split('-');
        if (parts.Length != 3
            || parts[1].Length != IndexDigits
            || !StreamId.TryParse(parts[0], out var stream)
            || !ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            || !BlockHash.TryParse(parts[2], out var hash))
        {
            return false;
        }

        block = new BlockKey(stream, index, hash!);
        return Of(block, isComplete) == name;
    }

    private static string Of(BlockKey block, string suffix) =>
        string.Create(CultureInfo.InvariantCulture, $"{block.Stream}-{block.Index:D20}-{block.Hash}{suffix}");
}
