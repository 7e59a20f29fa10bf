namespace ZfRepl.OpcUa.Types;

/// <summary>Which .NET type stands for the elements of a list of each built-in type.</summary>
internal static class VariantTypes
{
    private static readonly Type?[] Elements =
    [
        null, typeof(bool), typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long),
        typeof(ulong), typeof(float), typeof(double), typeof(string), typeof(UaDateTime), typeof(Guid), typeof(byte[]),
        typeof(XmlElement), typeof(NodeId), typeof(ExpandedNodeId), typeof(StatusCode), typeof(QualifiedName), typeof(LocalizedText),
        typeof(ExtensionObject), typeof(DataValue), typeof(Variant), typeof(DiagnosticInfo),
    ];

    public static Type? ElementOf(BuiltInType type) => (int)type < Elements.Length ? Elements[(int)type] : null;

    /// <summary>Refuses an array that the encoder could not write as a list of this type.</summary>
    public static void Check(BuiltInType type, Array? elements)
    {
        var element = ElementOf(type) ?? throw new ArgumentException($"There are no lists of {type}.", nameof(type));
        if (elements is not null && elements.GetType() != element.MakeArrayType())
        {
            throw new ArgumentException(
                $"A list of {type} is an array of {element.Name}, not {elements.GetType().Name}.", nameof(elements));
        }
    }
}
