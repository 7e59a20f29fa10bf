namespace ZfRepl.OpcUa.Types;

/// <content>Making variants.</content>
public readonly partial struct Variant
{
    /// <summary>A <see cref="BuiltInType.Boolean"/>.</summary>
    public Variant(bool value)
        : this(BuiltInType.Boolean, VariantShape.Scalar, value ? 1UL : 0UL, null)
    {
    }

    /// <summary>A <see cref="BuiltInType.SByte"/>.</summary>
    public Variant(sbyte value)
        : this(BuiltInType.SByte, VariantShape.Scalar, unchecked((ulong)value), null)
    {
    }

    /// <summary>A <see cref="BuiltInType.Byte"/>.</summary>
    public Variant(byte value)
        : this(BuiltInType.Byte, VariantShape.Scalar, value, null)
    {
    }

    /// <summary>An <see cref="BuiltInType.Int16"/>.</summary>
    public Variant(short value)
        : this(BuiltInType.Int16, VariantShape.Scalar, unchecked((ulong)value), null)
    {
    }

    /// <summary>A <see cref="BuiltInType.UInt16"/>.</summary>
    public Variant(ushort value)
        : this(BuiltInType.UInt16, VariantShape.Scalar, value, null)
    {
    }

    /// <summary>An <see cref="BuiltInType.Int32"/>.</summary>
    public Variant(int value)
        : this(BuiltInType.Int32, VariantShape.Scalar, unchecked((ulong)value), null)
    {
    }

    /// <summary>A <see cref="BuiltInType.UInt32"/>.</summary>
    public Variant(uint value)
        : this(BuiltInType.UInt32, VariantShape.Scalar, value, null)
    {
    }

    /// <summary>An <see cref="BuiltInType.Int64"/>.</summary>
    public Variant(long value)
        : this(BuiltInType.Int64, VariantShape.Scalar, unchecked((ulong)value), null)
    {
    }

    /// <summary>A <see cref="BuiltInType.UInt64"/>.</summary>
    public Variant(ulong value)
        : this(BuiltInType.UInt64, VariantShape.Scalar, value, null)
    {
    }

    /// <summary>A <see cref="BuiltInType.Float"/>.</summary>
    public Variant(float value)
        : this(BuiltInType.Float, VariantShape.Scalar, BitConverter.SingleToUInt32Bits(value), null)
    {
    }

    /// <summary>A <see cref="BuiltInType.Double"/>.</summary>
    public Variant(double value)
        : this(BuiltInType.Double, VariantShape.Scalar, BitConverter.DoubleToUInt64Bits(value), null)
    {
    }

    /// <summary>A <see cref="BuiltInType.DateTime"/>.</summary>
    public Variant(UaDateTime value)
        : this(BuiltInType.DateTime, VariantShape.Scalar, unchecked((ulong)value.Ticks), null)
    {
    }

    /// <summary>A <see cref="BuiltInType.StatusCode"/>.</summary>
    public Variant(StatusCode value)
        : this(BuiltInType.StatusCode, VariantShape.Scalar, value.Value, null)
    {
    }

    /// <summary>A <see cref="BuiltInType.String"/>, possibly null.</summary>
    public Variant(string? value)
        : this(BuiltInType.String, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>A <see cref="BuiltInType.Guid"/>.</summary>
    public Variant(Guid value)
        : this(BuiltInType.Guid, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>An <see cref="BuiltInType.XmlElement"/>.</summary>
    public Variant(XmlElement value)
        : this(BuiltInType.XmlElement, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>A <see cref="BuiltInType.NodeId"/>.</summary>
    public Variant(NodeId value)
        : this(BuiltInType.NodeId, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>An <see cref="BuiltInType.ExpandedNodeId"/>.</summary>
    public Variant(ExpandedNodeId value)
        : this(BuiltInType.ExpandedNodeId, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>A <see cref="BuiltInType.QualifiedName"/>.</summary>
    public Variant(QualifiedName value)
        : this(BuiltInType.QualifiedName, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>A <see cref="BuiltInType.LocalizedText"/>.</summary>
    public Variant(LocalizedText value)
        : this(BuiltInType.LocalizedText, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>An <see cref="BuiltInType.ExtensionObject"/>, possibly null.</summary>
    public Variant(ExtensionObject? value)
        : this(BuiltInType.ExtensionObject, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>A <see cref="BuiltInType.DataValue"/> inside a value.</summary>
    public Variant(DataValue value)
        : this(BuiltInType.DataValue, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>A <see cref="BuiltInType.DiagnosticInfo"/>, possibly null.</summary>
    public Variant(DiagnosticInfo? value)
        : this(BuiltInType.DiagnosticInfo, VariantShape.Scalar, 0, value)
    {
    }

    /// <summary>
    /// A <see cref="BuiltInType.ByteString"/>, possibly null. (An array of <see cref="BuiltInType.Byte"/> is something else.)
    /// </summary>
    public static Variant ByteString(byte[]? value) => new(BuiltInType.ByteString, VariantShape.Scalar, 0, value);

    /// <summary>A list, possibly null; the array is not copied.</summary>
    /// <exception cref="ArgumentException">The array's elements are not of the type that stands for <paramref name="type"/>.</exception>
    public static Variant Array(BuiltInType type, Array? elements)
    {
        VariantTypes.Check(type, elements);
        return new Variant(type, VariantShape.Array, 0, elements);
    }

    /// <summary>A list with dimensions; the arrays are not copied.</summary>
    /// <exception cref="ArgumentException">
    /// The elements are not of the type that stands for <paramref name="type"/>, or the dimensions do not fit.
    /// </exception>
    public static Variant Matrix(BuiltInType type, Array elements, params int[] dimensions)
    {
        VariantTypes.Check(type, elements);
        return new Variant(type, VariantShape.Matrix, 0, new VariantMatrix(elements, dimensions));
    }

    /// <summary>A value of a type for which <see cref="IsBitsType"/> holds, from its <see cref="ScalarBits"/>.</summary>
    /// <exception cref="ArgumentException">The type has no bits form.</exception>
    public static Variant FromBits(BuiltInType type, ulong bits) => IsBitsType(type)
        ? new Variant(type, VariantShape.Scalar, bits, null)
        : throw new ArgumentException($"{type} does not live in 64 bits.", nameof(type));
}
