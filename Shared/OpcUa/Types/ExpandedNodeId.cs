using System.Diagnostics.CodeAnalysis;

namespace ZfRepl.OpcUa.Types;

/// <summary>
/// The address of a node that may live in another server, or whose namespace is given by its URI and so survives a restart of the
/// server (OPC 10000-4, clause 7).
/// </summary>
/// <param name="Node">The id; its namespace index counts only when there is no URI.</param>
/// <param name="NamespaceUri">The URI of the namespace, or null when the index of <paramref name="Node"/> counts.</param>
/// <param name="ServerIndex">Index in the ServerArray; 0 is the server itself.</param>
public readonly record struct ExpandedNodeId(NodeId Node, string? NamespaceUri = null, uint ServerIndex = 0)
{
    /// <summary>The null id.</summary>
    public static ExpandedNodeId Null => default;

    /// <summary>True when there is neither a node nor a namespace nor a server.</summary>
    public bool IsNull => Node.IsNull && NamespaceUri is null && ServerIndex == 0;

    /// <summary>True when the node lives in the server that was asked.</summary>
    public bool IsLocal => ServerIndex == 0;

    /// <summary>Every node id is an expanded one of the server itself.</summary>
    public static implicit operator ExpandedNodeId(NodeId node) => new(node);

    /// <summary>
    /// Reads the text form <c>svr=1;nsu=http://…;s=Name</c>; the parts before the identifier may be missing, and <c>ns=</c> may stand
    /// for <c>nsu=</c> (OPC 10000-6, 5.1.12). In the URI <c>%3B</c> stands for a semicolon and <c>%25</c> for a percent sign.
    /// </summary>
    /// <returns>False when the text is anything else; nothing is thrown.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out ExpandedNodeId nodeId) => NodeIdText.TryParse(text, out nodeId);

    /// <summary>Reads the text form of an id that the program itself wrote.</summary>
    /// <exception cref="FormatException">The text is not an expanded node id.</exception>
    public static ExpandedNodeId Parse(string text) =>
        TryParse(text, out var nodeId) ? nodeId : throw new FormatException($"'{text}' is not a node id.");

    /// <summary>The text form that <see cref="TryParse"/> reads.</summary>
    public override string ToString() => NodeIdText.Format(this);
}
