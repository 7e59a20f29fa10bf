using System.Globalization;
using System.Text;
using ZfRepl.Core.Telemetry;
using SHA256 = System.Security.Cryptography.SHA256;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>
/// Makes OIDs for browsed nodes: <c>{path}</c> is the browse path below the root, <c>{name}</c> the browse name, <c>{id}</c> the node's
/// identifier, <c>{ns}</c> its namespace index. Characters that an OID can't hold become underscores; two nodes that would get the
/// same OID are told apart by a mark made of their node ids. Pure.
/// </summary>
internal static class OidPattern
{
    private const int ShortestMark = 8;

    /// <summary>Null when a pattern is usable; else why not.</summary>
    public static string? Check(string pattern)
    {
        var example = Fill(pattern, "a/b", "b", "1", "1");
        if (example.Contains('{', StringComparison.Ordinal) || example.Contains('}', StringComparison.Ordinal))
        {
            return "a pattern knows {path}, {name}, {id} and {ns}";
        }

        if (example == pattern)
        {
            return "a pattern without {path}, {name} or {id} gives every node the same OID";
        }

        return Oid.TryParse(example, out _, out var error) ? null : error;
    }

    /// <summary>The OID of one node; null with the reason when none can be made.</summary>
    public static Oid? Make(string pattern, IReadOnlyList<string> path, string identifier, int namespaceIndex, out string? error)
    {
        var names = path.Select(Oid.ToLevel).ToArray();
        var text = Fill(
            pattern,
            string.Join('/', names),
            names.Length == 0 ? "_" : names[^1],
            Oid.ToLevel(identifier),
            namespaceIndex.ToString(CultureInfo.InvariantCulture));
        return Oid.TryParse(text, out var oid, out error) ? oid : null;
    }

    /// <summary>
    /// Gives each node an OID of its own, that hangs on the node alone: a node that is added or removed elsewhere never hands an OID from one
    /// node to another, or two items would share one history.
    /// </summary>
    /// <param name="wanted">Node id and the OID that its pattern makes.</param>
    /// <param name="taken">OIDs that are in use; the new ones are added.</param>
    public static IReadOnlyList<(string NodeId, Oid Oid)> MakeUnique(IEnumerable<(string NodeId, Oid Oid)> wanted, HashSet<Oid> taken)
    {
        var result = new List<(string NodeId, Oid Oid)>();
        var crowded = new List<(string NodeId, Oid Oid)>();
        foreach (var group in wanted.GroupBy(w => w.Oid))
        {
            var nodes = group.ToArray();
            if (nodes is [var only] && taken.Add(only.Oid))
            {
                result.Add(only);
            }
            else
            {
                crowded.AddRange(nodes);
            }
        }

        foreach (var (nodeId, oid) in crowded.OrderBy(w => w.NodeId, StringComparer.Ordinal))
        {
            var mark = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(nodeId)));
            var length = ShortestMark;
            var unique = Mark(oid, mark[..length]);
            while (!taken.Add(unique))
            {
                unique = Mark(oid, mark[..++length]);
            }

            result.Add((nodeId, unique));
        }

        return [.. result.OrderBy(r => r.NodeId, StringComparer.Ordinal)];
    }

    private static Oid Mark(Oid oid, string mark)
    {
        var text = oid.Text;
        var room = Oid.MaxTextBytes - mark.Length - 1;
        while (Encoding.UTF8.GetByteCount(text) > room)
        {
            // Half a character, as at the end of a cut, becomes none.
            text = text[..^(char.IsLowSurrogate(text[^1]) ? 2 : 1)];
        }

        return Oid.Parse($"{text}_{mark}");
    }

    private static string Fill(string pattern, string path, string name, string id, string ns) => pattern
        .Replace("{path}", path, StringComparison.Ordinal)
        .Replace("{name}", name, StringComparison.Ordinal)
        .Replace("{id}", id, StringComparison.Ordinal)
        .Replace("{ns}", ns, StringComparison.Ordinal);
}
