using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <content>Variants (OPC 10000-6, 5.2.2.16).</content>
internal ref partial struct UaReader
{
    internal const byte VariantTypeBits = 0x3F;
    internal const byte VariantArrayFlag = 0x80;
    internal const byte VariantDimensionsFlag = 0x40;

    public Variant ReadVariant()
    {
        var encoding = ReadByte();
        var type = TypeOf(encoding);
        if ((encoding & VariantArrayFlag) == 0 && Variant.IsBitsType(type) && (encoding & VariantDimensionsFlag) == 0)
        {
            return Variant.FromParts(type, VariantShape.Scalar, ReadScalarBits(type), null);
        }

        var reference = ReadVariantReference(encoding, out var shape);
        return Failed ? default : Variant.FromParts(type, shape, 0, reference);
    }

    /// <summary>
    /// The type that the first byte names; the reserved numbers 26 to 31 stand for a ByteString, everything above is an error.
    /// </summary>
    internal BuiltInType TypeOf(byte encoding)
    {
        var number = encoding & VariantTypeBits;
        if (number <= (int)BuiltInType.DiagnosticInfo)
        {
            return (BuiltInType)number;
        }

        if (number > 31)
        {
            Fail(StatusCodes.BadDecodingError, "Variant has an unknown type");
            return BuiltInType.Null;
        }

        return BuiltInType.ByteString;
    }

    /// <summary>The bits of a scalar of a type that lives in 64 bits.</summary>
    internal ulong ReadScalarBits(BuiltInType type) => type switch
    {
        BuiltInType.Double or BuiltInType.Int64 or BuiltInType.UInt64 or BuiltInType.DateTime => ReadUInt64(),
        BuiltInType.Float or BuiltInType.UInt32 or BuiltInType.StatusCode => ReadUInt32(),
        BuiltInType.Int32 => unchecked((ulong)ReadInt32()),
        BuiltInType.Int16 => unchecked((ulong)ReadInt16()),
        BuiltInType.UInt16 => ReadUInt16(),
        BuiltInType.SByte => unchecked((ulong)ReadSByte()),
        BuiltInType.Boolean => ReadBoolean() ? 1UL : 0UL,
        _ => ReadByte(),
    };

    /// <summary>What a variant refers to when it is not a scalar in 64 bits: an object, a list or a matrix.</summary>
    internal object? ReadVariantReference(byte encoding, out VariantShape shape)
    {
        shape = VariantShape.Scalar;
        var type = TypeOf(encoding);
        var isArray = (encoding & VariantArrayFlag) != 0;
        var hasDimensions = (encoding & VariantDimensionsFlag) != 0;
        if ((hasDimensions && !isArray) || (isArray && type == BuiltInType.Null) || (!isArray && type == BuiltInType.Variant))
        {
            Fail(StatusCodes.BadDecodingError, "Variant has an impossible encoding");
            return null;
        }

        if (!isArray)
        {
            return ReadObject(type);
        }

        shape = VariantShape.Array;
        var elements = ReadElements(type);
        return hasDimensions && !Failed ? ReadDimensions(elements, out shape) : elements;
    }

    private object? ReadObject(BuiltInType type)
    {
        switch (type)
        {
            case BuiltInType.Null:
                return null;
            case BuiltInType.String:
                return ReadString();
            case BuiltInType.ByteString:
                return ReadByteString();
            case BuiltInType.ExtensionObject:
                return ReadExtensionObject();
            case BuiltInType.DiagnosticInfo:
                return ReadDiagnosticInfo();
            default:
                return TryCharge(ObjectBytes) ? ReadBoxed(type) : null;
        }
    }

    private object ReadBoxed(BuiltInType type) => type switch
    {
        BuiltInType.Guid => ReadGuid(),
        BuiltInType.XmlElement => ReadXmlElement(),
        BuiltInType.NodeId => ReadNodeId(),
        BuiltInType.ExpandedNodeId => ReadExpandedNodeId(),
        BuiltInType.QualifiedName => ReadQualifiedName(),
        BuiltInType.LocalizedText => ReadLocalizedText(),
        BuiltInType.DataValue => ReadDataValue(),
        _ => throw new InvalidOperationException($"{type} has no boxed form."),
    };

    private object? ReadDimensions(Array? elements, out VariantShape shape)
    {
        shape = VariantShape.Array;
        var dimensions = ReadPrimitives<int>(sizeof(int), "dimension");
        if (Failed || dimensions is null || dimensions.Length == 0)
        {
            return elements;
        }

        if (!VariantMatrix.Fits(elements?.Length ?? 0, dimensions))
        {
            Fail(StatusCodes.BadDecodingError, "dimensions do not fit the number of elements");
            return null;
        }

        if (elements is null)
        {
            return null;
        }

        shape = VariantShape.Matrix;
        return new VariantMatrix(elements, dimensions);
    }

    private Array? ReadElements(BuiltInType type)
    {
        if (!TryEnter("Variant"))
        {
            return null;
        }

        Array? elements = type switch
        {
            BuiltInType.Boolean => ReadBooleans(),
            BuiltInType.SByte => ReadPrimitives<sbyte>(1, "SByte"),
            BuiltInType.Byte => ReadPrimitives<byte>(1, "Byte"),
            BuiltInType.Int16 => ReadPrimitives<short>(2, "Int16"),
            BuiltInType.UInt16 => ReadPrimitives<ushort>(2, "UInt16"),
            BuiltInType.Int32 => ReadPrimitives<int>(4, "Int32"),
            BuiltInType.UInt32 => ReadPrimitives<uint>(4, "UInt32"),
            BuiltInType.Int64 => ReadPrimitives<long>(8, "Int64"),
            BuiltInType.UInt64 => ReadPrimitives<ulong>(8, "UInt64"),
            BuiltInType.Float => ReadPrimitives<float>(4, "Float"),
            BuiltInType.Double => ReadPrimitives<double>(8, "Double"),
            BuiltInType.DateTime => ReadPrimitives<UaDateTime>(8, "DateTime"),
            BuiltInType.Guid => ReadPrimitives<Guid>(16, "Guid"),
            BuiltInType.StatusCode => ReadPrimitives<StatusCode>(4, "StatusCode"),
            BuiltInType.String => ReadList(4, "String", static (ref UaReader r) => r.ReadString()),
            BuiltInType.ByteString => ReadList(4, "ByteString", static (ref UaReader r) => r.ReadByteString()),
            BuiltInType.XmlElement => ReadList(4, "XmlElement", static (ref UaReader r) => r.ReadXmlElement()),
            BuiltInType.NodeId => ReadList(2, "NodeId", static (ref UaReader r) => r.ReadNodeId()),
            BuiltInType.ExpandedNodeId => ReadList(2, "ExpandedNodeId", static (ref UaReader r) => r.ReadExpandedNodeId()),
            BuiltInType.QualifiedName => ReadList(6, "QualifiedName", static (ref UaReader r) => r.ReadQualifiedName()),
            BuiltInType.LocalizedText => ReadList(1, "LocalizedText", static (ref UaReader r) => r.ReadLocalizedText()),
            BuiltInType.ExtensionObject => ReadList(3, "ExtensionObject", static (ref UaReader r) => r.ReadExtensionObject()),
            BuiltInType.DataValue => ReadList(1, "DataValue", static (ref UaReader r) => r.ReadDataValue()),
            BuiltInType.Variant => ReadList(1, "Variant", static (ref UaReader r) => r.ReadVariant()),
            _ => ReadList(1, "DiagnosticInfo", static (ref UaReader r) => r.ReadDiagnosticInfo()),
        };
        Leave();
        return elements;
    }

    /// <summary>Elements whose encoding equals their layout in memory (little endian, as every platform of .NET 10).</summary>
    private T[]? ReadPrimitives<T>(int elementBytes, string what)
        where T : unmanaged
    {
        var length = ReadArrayLength(elementBytes, what);
        if (length < 0 || !TryCharge(24L + ((long)length * elementBytes)) || !TryTake(length * elementBytes, out var bytes))
        {
            return null;
        }

        return MemoryMarshal.Cast<byte, T>(bytes).ToArray();
    }

    private bool[]? ReadBooleans()
    {
        var bytes = ReadPrimitives<byte>(1, "Boolean");
        return bytes is null ? null : Array.ConvertAll(bytes, b => b != 0);
    }

    private delegate T ReadOne<out T>(ref UaReader reader);

    private T[]? ReadList<T>(int elementBytesMin, string what, ReadOne<T> readOne)
    {
        var length = ReadArrayLength(elementBytesMin, what);
        if (length < 0 || !TryCharge(24L + ((long)length * Unsafe.SizeOf<T>())))
        {
            return null;
        }

        var items = new T[length];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = readOne(ref this);
            if (Failed)
            {
                return null;
            }
        }

        return items;
    }
}
