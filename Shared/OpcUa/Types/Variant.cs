namespace ZfRepl.OpcUa.Types;

/// <summary>The form of what a <see cref="Variant"/> holds.</summary>
public enum VariantShape : byte
{
    /// <summary>One value.</summary>
    Scalar = 0,

    /// <summary>A list of values, or a null list.</summary>
    Array = 1,

    /// <summary>A list with dimensions, see <see cref="VariantMatrix"/>.</summary>
    Matrix = 2,
}

/// <summary>A value of any built-in type, alone, as a list or as a matrix (OPC 10000-6, 5.2.2.16). The default is the null value.</summary>
/// <remarks>
/// Numbers, booleans, time stamps and status codes live in 64 bits beside the type, so that they need no allocation. Everything else
/// is a reference. Immutable, as long as arrays handed in or out are left alone. Equality is exact: the same type, shape and bits,
/// so that a NaN equals itself only with the same payload.
/// </remarks>
public readonly partial struct Variant : IEquatable<Variant>
{
    private readonly object? _object;
    private readonly ulong _bits;

    private Variant(BuiltInType type, VariantShape shape, ulong bits, object? reference)
    {
        Type = type;
        Shape = shape;
        _bits = bits;
        _object = reference;
    }

    /// <summary>The null value.</summary>
    public static Variant Null => default;

    /// <summary>The type of the value or of the elements.</summary>
    public BuiltInType Type { get; }

    /// <summary>One value, a list or a matrix.</summary>
    public VariantShape Shape { get; }

    /// <summary>True when there is no type and so no value. A null string is not null in this sense: it has a type.</summary>
    public bool IsNull => Type == BuiltInType.Null;

    /// <summary>
    /// The bits of a number, boolean, time stamp or status code: signed integers sign-extended, floats as their IEEE bits, booleans 0
    /// or 1, time stamps as <see cref="UaDateTime.Ticks"/>. Zero for everything else.
    /// </summary>
    public ulong ScalarBits => _bits;

    /// <summary>
    /// What does not fit into 64 bits: <see cref="string"/>, <see cref="System.Guid"/>, byte[], <see cref="XmlElement"/>,
    /// <see cref="NodeId"/>, <see cref="ExpandedNodeId"/>, <see cref="QualifiedName"/>, <see cref="LocalizedText"/>,
    /// <see cref="ExtensionObject"/>, <see cref="DataValue"/>, <see cref="DiagnosticInfo"/>; for a list the array of the element type; for
    /// a matrix a
    /// <see cref="VariantMatrix"/>. Null for a null string, byte string, structure or list.
    /// </summary>
    public object? Reference => _object;

    /// <summary>The elements of a list or matrix in the order of the wire; null for a scalar and for a null list.</summary>
    public Array? Elements => Shape switch
    {
        VariantShape.Array => (Array?)_object,
        VariantShape.Matrix => ((VariantMatrix)_object!).Elements,
        _ => null,
    };

    /// <summary>The dimensions of a matrix; empty for everything else.</summary>
    public IReadOnlyList<int> Dimensions => Shape == VariantShape.Matrix ? ((VariantMatrix)_object!).Dimensions : [];

    /// <summary>True when values of this type live in <see cref="ScalarBits"/>.</summary>
    public static bool IsBitsType(BuiltInType type) =>
        type is (>= BuiltInType.Boolean and <= BuiltInType.Double) or BuiltInType.DateTime or BuiltInType.StatusCode;

    /// <inheritdoc/>
    public bool Equals(Variant other) =>
        Type == other.Type && Shape == other.Shape && _bits == other._bits && VariantEquality.SameReference(_object, other._object);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Variant other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, Shape, _bits, VariantEquality.HashReference(_object));

    /// <summary>Type and value for logs, at most about a line: <c>Double 21.5</c>, <c>Int32[3]</c>.</summary>
    public override string ToString() => VariantText.Format(this);

    /// <summary>Exact equality.</summary>
    public static bool operator ==(Variant left, Variant right) => left.Equals(right);

    /// <summary>Exact inequality.</summary>
    public static bool operator !=(Variant left, Variant right) => !left.Equals(right);

    /// <summary>Puts a value together from its parts as the decoder found them.</summary>
    internal static Variant FromParts(BuiltInType type, VariantShape shape, ulong bits, object? reference) =>
        new(type, shape, bits, reference);
}
