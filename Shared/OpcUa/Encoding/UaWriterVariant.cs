using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <content>Variants and lists of built-in types (OPC 10000-6, 5.2.2.16).</content>
internal sealed partial class UaWriter
{
    public void WriteVariant(in Variant value)
    {
        var encoding = (byte)value.Type;
        switch (value.Shape)
        {
            case VariantShape.Scalar:
                WriteByte(encoding);
                WriteScalar(value.Type, value.ScalarBits, value.Reference);
                break;
            case VariantShape.Array:
                WriteByte((byte)(encoding | UaReader.VariantArrayFlag));
                WriteElements(value.Elements);
                break;
            default:
                var matrix = (VariantMatrix)value.Reference!;
                WriteByte((byte)(encoding | UaReader.VariantArrayFlag | UaReader.VariantDimensionsFlag));
                WriteElements(matrix.Elements);
                WritePrimitives<int>(matrix.Dimensions);
                break;
        }
    }

    public void WriteArray(ReadOnlySpan<uint> items) => WritePrimitives(items);

    public void WriteArray(ReadOnlySpan<StatusCode> items) => WritePrimitives(items);

    public void WriteArray(ReadOnlySpan<string?> items) => WriteList(items, static (w, item) => w.WriteString(item));

    public void WriteArray(ReadOnlySpan<byte[]?> items) => WriteList(items, static (w, item) => w.WriteByteString(item));

    public void WriteArray(ReadOnlySpan<DataValue> items) => WriteList(items, static (w, item) => w.WriteDataValue(item));

    public void WriteArray(ReadOnlySpan<ExtensionObject?> items) => WriteList(items, static (w, item) => w.WriteExtensionObject(item));

    public void WriteArray(ReadOnlySpan<DiagnosticInfo?> items) => WriteList(items, static (w, item) => w.WriteDiagnosticInfo(item));

    /// <summary>A scalar of any type without the byte that names the type.</summary>
    internal void WriteScalar(BuiltInType type, ulong bits, object? reference)
    {
        switch (type)
        {
            case BuiltInType.Double or BuiltInType.Int64 or BuiltInType.UInt64 or BuiltInType.DateTime:
                WriteUInt64(bits);
                break;
            case BuiltInType.Float or BuiltInType.Int32 or BuiltInType.UInt32 or BuiltInType.StatusCode:
                WriteUInt32(unchecked((uint)bits));
                break;
            case BuiltInType.Int16 or BuiltInType.UInt16:
                WriteUInt16(unchecked((ushort)bits));
                break;
            case BuiltInType.Boolean or BuiltInType.SByte or BuiltInType.Byte:
                WriteByte(unchecked((byte)bits));
                break;
            default:
                WriteObject(type, reference);
                break;
        }
    }

    private void WriteObject(BuiltInType type, object? reference)
    {
        switch (type)
        {
            case BuiltInType.Null:
                break;
            case BuiltInType.String:
                WriteString((string?)reference);
                break;
            case BuiltInType.ByteString:
                WriteByteString((byte[]?)reference);
                break;
            case BuiltInType.Guid:
                WriteGuid((Guid)reference!);
                break;
            case BuiltInType.XmlElement:
                WriteString(((XmlElement)reference!).Text);
                break;
            case BuiltInType.NodeId:
                WriteNodeId((NodeId)reference!);
                break;
            case BuiltInType.ExpandedNodeId:
                WriteExpandedNodeId((ExpandedNodeId)reference!);
                break;
            case BuiltInType.QualifiedName:
                WriteQualifiedName((QualifiedName)reference!);
                break;
            case BuiltInType.LocalizedText:
                WriteLocalizedText((LocalizedText)reference!);
                break;
            case BuiltInType.ExtensionObject:
                WriteExtensionObject((ExtensionObject?)reference);
                break;
            case BuiltInType.DataValue:
                WriteDataValue((DataValue)reference!);
                break;
            case BuiltInType.DiagnosticInfo:
                WriteDiagnosticInfo((DiagnosticInfo?)reference);
                break;
            default:
                throw new InvalidOperationException($"A scalar {type} cannot travel in a variant.");
        }
    }

    private void WriteElements(Array? elements)
    {
        switch (elements)
        {
            case null: WriteInt32(-1); break;
            case bool[] a: WritePrimitives<bool>(a); break;
            case double[] a: WritePrimitives<double>(a); break;
            case float[] a: WritePrimitives<float>(a); break;
            case UaDateTime[] a: WritePrimitives<UaDateTime>(a); break;
            case Guid[] a: WritePrimitives<Guid>(a); break;
            case StatusCode[] a: WritePrimitives<StatusCode>(a); break;
            case string?[] a: WriteArray(a); break;
            case byte[]?[] a: WriteArray(a); break;
            case XmlElement[] a: WriteList<XmlElement>(a, static (w, item) => w.WriteString(item.Text)); break;
            case NodeId[] a: WriteList<NodeId>(a, static (w, item) => w.WriteNodeId(item)); break;
            case ExpandedNodeId[] a: WriteList<ExpandedNodeId>(a, static (w, item) => w.WriteExpandedNodeId(item)); break;
            case QualifiedName[] a: WriteList<QualifiedName>(a, static (w, item) => w.WriteQualifiedName(item)); break;
            case LocalizedText[] a: WriteList<LocalizedText>(a, static (w, item) => w.WriteLocalizedText(item)); break;
            case ExtensionObject?[] a: WriteArray(a); break;
            case DataValue[] a: WriteArray(a); break;
            case Variant[] a: WriteList<Variant>(a, static (w, item) => w.WriteVariant(item)); break;
            case DiagnosticInfo?[] a: WriteArray(a); break;
            default: WriteIntegers(elements); break;
        }
    }

    /// <summary>
    /// The runtime lets an array of signed integers pass for one of unsigned ones of the same width, which the wire does not mind.
    /// </summary>
    private void WriteIntegers(Array elements)
    {
        switch (elements)
        {
            case byte[] a: WritePrimitives<byte>(a); break;
            case ushort[] a: WritePrimitives<ushort>(a); break;
            case uint[] a: WritePrimitives<uint>(a); break;
            case ulong[] a: WritePrimitives<ulong>(a); break;
            default: throw new InvalidOperationException($"Arrays of {elements.GetType().Name} cannot travel in a variant.");
        }
    }

    private void WriteList<T>(ReadOnlySpan<T> items, Action<UaWriter, T> writeOne)
    {
        WriteInt32(items.Length);
        foreach (var item in items)
        {
            writeOne(this, item);
        }
    }
}
