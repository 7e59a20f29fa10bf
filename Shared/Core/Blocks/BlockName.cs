using System.Globalization;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Blocks;

/// <summary>
/// The name of a block, <c>mbb_&lt;unix seconds&gt;</c>. Names of one mailbox only grow, also when the clock steps back; what counts is in
/// the block's header, not in its name.
/// </summary>
/// <param name="UnixSeconds">Seconds since 1970.</param>
public readonly record struct BlockName(long UnixSeconds) : IComparable<BlockName>
{
    /// <summary>Added to the name as long as the block is written to.</summary>
    public const string OpenSuffix = ".open";

    /// <summary>The largest number in a name, in the year 2262: beyond it a time in nanoseconds does not fit into 64 bits.</summary>
    public const long MaxUnixSeconds = long.MaxValue / UnixTime.NsPerSecond - 1;

    private const string Prefix = "mbb_";

    /// <summary>The name of the block that follows.</summary>
    /// <param name="previous">The newest name that the mailbox ever used, if any.</param>
    /// <param name="nowSeconds">The wall clock, seconds since 1970.</param>
    public static BlockName After(BlockName? previous, long nowSeconds) =>
        new(Math.Max(Math.Max(nowSeconds, 0), previous is { } p ? p.UnixSeconds + 1 : 0));

    /// <summary>Parses the name of a sealed block; anything but the exact form is refused, so that no path can hide in it.</summary>
    public static bool TryParse(string text, out BlockName name)
    {
        name = default;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)
            || !long.TryParse(text.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds > MaxUnixSeconds)
        {
            return false;
        }

        name = new BlockName(seconds);
        return name.ToString() == text;
    }

    /// <summary>Parses the file name of a block that is, or was, being written.</summary>
    public static bool TryParseOpen(string fileName, out BlockName name)
    {
        name = default;
        return fileName.EndsWith(OpenSuffix, StringComparison.Ordinal) && TryParse(fileName[..^OpenSuffix.Length], out name);
    }

    /// <inheritdoc/>
    public int CompareTo(BlockName other) => UnixSeconds.CompareTo(other.UnixSeconds);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{UnixSeconds}");
}
