using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <content>The built-in types that have a structure of their own (OPC 10000-6, 5.2.2.9 to 5.2.2.17).</content>
internal sealed partial class UaWriter
{
    private const byte NamespaceUriFlag = 0x80;
    private const byte ServerIndexFlag = 0x40;

    public void WriteNodeId(NodeId value) => WriteNodeId(value, 0);

    public void WriteExpandedNodeId(ExpandedNodeId value)
    {
        var hasUri = value.NamespaceUri is not null;
        var hasServer = value.ServerIndex != 0;
        WriteNodeId(value.Node, (byte)((hasUri ? NamespaceUriFlag : 0) | (hasServer ? ServerIndexFlag : 0)));
        if (hasUri)
        {
            WriteString(value.NamespaceUri);
        }

        if (hasServer)
        {
            WriteUInt32(value.ServerIndex);
        }
    }

    public void WriteQualifiedName(QualifiedName value)
    {
        WriteUInt16(value.NamespaceIndex);
        WriteString(value.Name);
    }

    public void WriteLocalizedText(LocalizedText value)
    {
        WriteByte((byte)((value.Locale is null ? 0 : 0x01) | (value.Text is null ? 0 : 0x02)));
        if (value.Locale is not null)
        {
            WriteString(value.Locale);
        }

        if (value.Text is not null)
        {
            WriteString(value.Text);
        }
    }

    public void WriteExtensionObject(ExtensionObject? value)
    {
        WriteNodeId(value?.TypeId ?? NodeId.Null);
        WriteByte((byte)(value?.BodyKind ?? ExtensionBody.None));
        if (value is not null && value.BodyKind != ExtensionBody.None)
        {
            WriteByteString(value.Body);
        }
    }

    /// <summary>A structure as an extension object, without a copy of its bytes.</summary>
    public void WriteExtensionObject<T>(uint typeId, T body)
        where T : IEncodable
    {
        WriteNodeId(new NodeId(typeId));
        WriteByte((byte)ExtensionBody.Binary);
        var lengthAt = ReserveInt32();
        body.Encode(this);
        PatchInt32(lengthAt, _length - lengthAt - sizeof(int));
    }

    public void WriteDataValue(in DataValue value)
    {
        var fields = value.Fields;
        WriteByte((byte)fields);
        if ((fields & DataValueFields.Value) != DataValueFields.None)
        {
            WriteVariant(value.Value);
        }

        if ((fields & DataValueFields.Status) != DataValueFields.None)
        {
            WriteStatusCode(value.Status);
        }

        if ((fields & DataValueFields.SourceTimestamp) != DataValueFields.None)
        {
            WriteDateTime(value.SourceTimestamp);
        }

        if ((fields & DataValueFields.SourcePicoseconds) != DataValueFields.None)
        {
            WriteUInt16(value.SourcePicoseconds);
        }

        if ((fields & DataValueFields.ServerTimestamp) != DataValueFields.None)
        {
            WriteDateTime(value.ServerTimestamp);
        }

        if ((fields & DataValueFields.ServerPicoseconds) != DataValueFields.None)
        {
            WriteUInt16(value.ServerPicoseconds);
        }
    }

    public void WriteDiagnosticInfo(DiagnosticInfo? value)
    {
        WriteByte(MaskOf(value));
        if (value is null)
        {
            return;
        }

        // The order on the wire differs from the order of the bits: locale comes before the text.
        WriteOptional(value.SymbolicId);
        WriteOptional(value.NamespaceUri);
        WriteOptional(value.Locale);
        WriteOptional(value.LocalizedText);
        if (value.AdditionalInfo is not null)
        {
            WriteString(value.AdditionalInfo);
        }

        if (value.InnerStatusCode is { } status)
        {
            WriteStatusCode(status);
        }

        if (value.Inner is not null)
        {
            WriteDiagnosticInfo(value.Inner);
        }
    }

    private static byte MaskOf(DiagnosticInfo? value) => value is null ? (byte)0 : (byte)(
        (value.SymbolicId is null ? 0 : 0x01)
        | (value.NamespaceUri is null ? 0 : 0x02)
        | (value.LocalizedText is null ? 0 : 0x04)
        | (value.Locale is null ? 0 : 0x08)
        | (value.AdditionalInfo is null ? 0 : 0x10)
        | (value.InnerStatusCode is null ? 0 : 0x20)
        | (value.Inner is null ? 0 : 0x40));

    private void WriteOptional(int? value)
    {
        if (value is { } number)
        {
            WriteInt32(number);
        }
    }

    private void WriteNodeId(NodeId value, byte flags)
    {
        switch (value.IdentifierType)
        {
            case IdentifierType.Numeric:
                WriteNumeric(value, flags);
                break;
            case IdentifierType.String:
                WriteByte((byte)(flags | 3));
                WriteUInt16(value.NamespaceIndex);
                WriteString(value.Name);
                break;
            case IdentifierType.Guid:
                WriteByte((byte)(flags | 4));
                WriteUInt16(value.NamespaceIndex);
                WriteGuid(value.Guid);
                break;
            default:
                WriteByte((byte)(flags | 5));
                WriteUInt16(value.NamespaceIndex);
                WriteByteString(value.Opaque.Span);
                break;
        }
    }

    /// <summary>The shortest of the three numeric forms (OPC 10000-6, 5.2.2.9).</summary>
    private void WriteNumeric(NodeId value, byte flags)
    {
        if (value.NamespaceIndex == 0 && value.Number <= byte.MaxValue)
        {
            WriteByte(flags);
            WriteByte((byte)value.Number);
        }
        else if (value.NamespaceIndex <= byte.MaxValue && value.Number <= ushort.MaxValue)
        {
            WriteByte((byte)(flags | 1));
            WriteByte((byte)value.NamespaceIndex);
            WriteUInt16((ushort)value.Number);
        }
        else
        {
            WriteByte((byte)(flags | 2));
            WriteUInt16(value.NamespaceIndex);
            WriteUInt32(value.Number);
        }
    }
}
