using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ZfRepl.OpcUa.Types;

/// <summary>
/// The text form of node ids (OPC 10000-6, 5.1.12). A semicolon needs no escape in the identifier, because the identifier is always
/// the last part; in a namespace URI semicolon and percent sign are escaped.
/// </summary>
internal static class NodeIdText
{
    public static string Format(NodeId id) => id.NamespaceIndex == 0
        ? Identifier(id)
        : string.Create(CultureInfo.InvariantCulture, $"ns={id.NamespaceIndex};{Identifier(id)}");

    public static string Format(ExpandedNodeId id)
    {
        var server = id.ServerIndex == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"svr={id.ServerIndex};");
        return id.NamespaceUri is null ? server + Format(id.Node) : $"{server}nsu={Escape(id.NamespaceUri)};{Identifier(id.Node)}";
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId id)
    {
        var rest = text.AsSpan();
        id = default;
        return TryTakeNumber(ref rest, "ns=", ushort.MaxValue, out var index) && TryParseIdentifier(rest, (ushort)(index ?? 0), out id);
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out ExpandedNodeId id)
    {
        var rest = text.AsSpan();
        id = default;
        if (!TryTakeNumber(ref rest, "svr=", uint.MaxValue, out var server) || !TryTakeUri(ref rest, out var uri))
        {
            return false;
        }

        uint? index = null;
        if ((uri is null && !TryTakeNumber(ref rest, "ns=", ushort.MaxValue, out index))
            || !TryParseIdentifier(rest, (ushort)(index ?? 0), out var node))
        {
            return false;
        }

        id = new ExpandedNodeId(node, uri, server ?? 0);
        return true;
    }

    private static string Identifier(NodeId id) => id.IdentifierType switch
    {
        IdentifierType.Numeric => "i=" + id.Number.ToString(CultureInfo.InvariantCulture),
        IdentifierType.String => "s=" + id.Name,
        IdentifierType.Guid => "g=" + id.Guid.ToString("D"),
        _ => "b=" + Convert.ToBase64String(id.Opaque.Span),
    };

    /// <summary>Takes an optional leading part such as <c>ns=2;</c>; false when the part is there but not a number in range.</summary>
    private static bool TryTakeNumber(ref ReadOnlySpan<char> text, string prefix, uint limit, out uint? number)
    {
        number = null;
        if (!text.StartsWith(prefix, StringComparison.Ordinal))
        {
            return true;
        }

        var end = text.IndexOf(';');
        if (end < 0 || !TryParseNumber(text[prefix.Length..end], out var value) || value > limit)
        {
            return false;
        }

        number = value;
        text = text[(end + 1)..];
        return true;
    }

    private static bool TryTakeUri(ref ReadOnlySpan<char> text, out string? uri)
    {
        uri = null;
        if (!text.StartsWith("nsu=", StringComparison.Ordinal))
        {
            return true;
        }

        var end = text.IndexOf(';');
        if (end <= 4)
        {
            return false;
        }

        uri = text[4..end].ToString().Replace("%3B", ";", StringComparison.OrdinalIgnoreCase).Replace("%25", "%", StringComparison.Ordinal);
        text = text[(end + 1)..];
        return true;
    }

    private static string Escape(string uri) =>
        uri.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal);

    private static bool TryParseIdentifier(ReadOnlySpan<char> text, ushort namespaceIndex, out NodeId id)
    {
        id = default;
        if (text.Length < 2 || text[1] != '=')
        {
            return false;
        }

        var value = text[2..];
        switch (text[0])
        {
            case 'i' when TryParseNumber(value, out var number):
                id = new NodeId(namespaceIndex, number);
                return true;
            case 's':
                id = new NodeId(namespaceIndex, value.ToString());
                return true;
            case 'g' when Guid.TryParseExact(value, "D", out var guid):
                id = new NodeId(namespaceIndex, guid);
                return true;
            case 'b':
                var bytes = new byte[value.Length / 4 * 3];
                var valid = Convert.TryFromBase64Chars(value, bytes, out var length) && value.Length % 4 == 0;
                id = valid ? new NodeId(namespaceIndex, bytes[..length]) : default;
                return valid;
            default:
                return false;
        }
    }

    /// <summary>Digits only: no sign, no blank.</summary>
    private static bool TryParseNumber(ReadOnlySpan<char> text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
