using System.Globalization;
using ZfRepl.Core.Blocks;

namespace ZfRepl.Collector.Mailboxes.Relay;

/// <summary>A block that another node collected, waiting in a mailbox here as it was sealed there.</summary>
/// <param name="Key">What names it.</param>
/// <param name="Block">Its header, trailer and size.</param>
/// <param name="Way">The nodes that it has passed, this one last.</param>
/// <param name="Path">Its file.</param>
/// <param name="Anchor">The number of the newest block of the mailbox's own stream when it came: it stands behind that.</param>
/// <param name="Arrival">Which one it is of those that came.</param>
/// <param name="AgeWhenSeen">How old it was at <paramref name="SeenAt"/>.</param>
/// <param name="SeenAt">A time stamp of the clock that does not step.</param>
internal sealed record RelayedBlock(
    BlockKey Key, SealedBlock Block, BlockWay Way, string Path, ulong Anchor, ulong Arrival, TimeSpan AgeWhenSeen, long SeenAt)
{
    private const string IdPrefix = "relay_";
    private const int IdDigits = 32;

    /// <summary>When an earlier process took it, nanoseconds since 1970; 0 for one of this process.</summary>
    public long ArrivedNs { get; init; }

    /// <summary>What calls name it by: the beginning of its hash.</summary>
    public string Id => IdOf(Key.Hash);

    /// <summary>Its events.</summary>
    public ulong Events => Block.Trailer.EventCount;

    /// <summary>What calls name a block with this content by.</summary>
    public static string IdOf(BlockHash hash) => IdPrefix + hash.ToString()[..IdDigits];

    /// <summary>True when a text has the form of an id.</summary>
    public static bool IsId(string text) => text.Length == IdPrefix.Length + IdDigits && text.StartsWith(IdPrefix, StringComparison.Ordinal);

    /// <summary>The block's name in the books.</summary>
    public static string TextOf(BlockKey key) => string.Create(CultureInfo.InvariantCulture, $"{key.Stream}-{key.Index}-{key.Hash}");
}
