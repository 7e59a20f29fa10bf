namespace ZfRepl.OpcUa.Types;

/// <summary>Details of an error; the numbers are indexes into the StringTable of the response (OPC 10000-4, clause 7).</summary>
/// <remarks>An instance in which everything is missing does not differ from null on the wire and is read back as null.</remarks>
public sealed record DiagnosticInfo
{
    /// <summary>Index of the error's name.</summary>
    public int? SymbolicId { get; init; }

    /// <summary>Index of the namespace of the error's name.</summary>
    public int? NamespaceUri { get; init; }

    /// <summary>Index of the language of the text.</summary>
    public int? Locale { get; init; }

    /// <summary>Index of the text.</summary>
    public int? LocalizedText { get; init; }

    /// <summary>Vendor specific details.</summary>
    public string? AdditionalInfo { get; init; }

    /// <summary>The result of the operation below.</summary>
    public StatusCode? InnerStatusCode { get; init; }

    /// <summary>The details of the operation below.</summary>
    public DiagnosticInfo? Inner { get; init; }
}
