using System.Globalization;

namespace ZfRepl.OpcUa.Types;

/// <summary>A name within a namespace (OPC 10000-3, 8.3).</summary>
/// <param name="NamespaceIndex">The index in the server's NamespaceArray.</param>
/// <param name="Name">The name; null and empty differ on the wire.</param>
public readonly record struct QualifiedName(ushort NamespaceIndex, string? Name)
{
    /// <summary>A name in namespace 0.</summary>
    public QualifiedName(string? name)
        : this(0, name)
    {
    }

    /// <summary><c>2:Name</c>, or only the name in namespace 0.</summary>
    public override string ToString() =>
        NamespaceIndex == 0 ? Name ?? "" : string.Create(CultureInfo.InvariantCulture, $"{NamespaceIndex}:{Name}");
}

/// <summary>Text with its language (OPC 10000-3, 8.5).</summary>
/// <param name="Locale">The language, for example <c>en-US</c>, or null.</param>
/// <param name="Text">The text, or null.</param>
public readonly record struct LocalizedText(string? Locale, string? Text)
{
    /// <summary>Text without a language.</summary>
    public LocalizedText(string? text)
        : this(null, text)
    {
    }

    /// <summary>The text alone.</summary>
    public override string ToString() => Text ?? "";
}

/// <summary>A piece of XML, kept as the text that travelled; it is never parsed here (OPC 10000-6, 5.2.2.8).</summary>
/// <param name="Text">The XML, or null.</param>
public readonly record struct XmlElement(string? Text)
{
    /// <summary>The XML.</summary>
    public override string ToString() => Text ?? "";
}
