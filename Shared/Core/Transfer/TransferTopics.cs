using System.Text;

namespace ZfRepl.Core.Transfer;

/// <summary>
/// The topics of the transfer protocol (docs/protocol.md, "Topics"): one request and one reply topic for each pair of nodes, so that
/// a broker's rights can be given pair by pair.
/// </summary>
/// <param name="Prefix">The first level or levels.</param>
public sealed record TransferTopics(string Prefix = "zfrepl")
{
    private const string Version = "v1";
    private const string RequestLeaf = "q";
    private const string ReplyLeaf = "r";

    /// <summary>What a source subscribes to.</summary>
    public string RequestsTo(string source) => $"{Prefix}/{Version}/{source}/+/{RequestLeaf}";

    /// <summary>What a target subscribes to.</summary>
    public string RepliesTo(string target) => $"{Prefix}/{Version}/{target}/+/{ReplyLeaf}";

    /// <summary>Where a target sends requests.</summary>
    public string Request(string source, string target) => $"{Prefix}/{Version}/{source}/{target}/{RequestLeaf}";

    /// <summary>Where a source sends replies.</summary>
    public string Reply(string source, string target) => $"{Prefix}/{Version}/{target}/{source}/{ReplyLeaf}";

    /// <summary>The sender's name in a topic that a subscription of ours delivered, or null.</summary>
    public static string? SenderOf(string topic)
    {
        var levels = topic.Split('/');
        return levels.Length >= 3 ? levels[^2] : null;
    }

    /// <summary>Null when a node's name can stand in a topic and in a folder; else why not.</summary>
    public static string? CheckNodeName(string name)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > Blocks.BlockHeader.MaxNameBytes)
        {
            return $"a node name has 1 to {Blocks.BlockHeader.MaxNameBytes} bytes";
        }

        if (name is "." or ".." || name.StartsWith('.'))
        {
            return "a node name does not begin with a dot";
        }

        return name.Any(c => c is '/' or '\\' or '+' or '#' or '$' || char.IsControl(c) || char.IsWhiteSpace(c))
            ? "a node name holds no slash, backslash, +, #, $, white space or control character"
            : null;
    }
}
