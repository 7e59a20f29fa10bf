using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <content>The built-in types that have a structure of their own (OPC 10000-6, 5.2.2.9 to 5.2.2.17).</content>
internal ref partial struct UaReader
{
    private const byte NamespaceUriFlag = 0x80;
    private const byte ServerIndexFlag = 0x40;

    public NodeId ReadNodeId() => ReadNodeIdBody(ReadByte());

    public ExpandedNodeId ReadExpandedNodeId()
    {
        var first = ReadByte();
        var node = ReadNodeIdBody((byte)(first & ~(NamespaceUriFlag | ServerIndexFlag)));
        var uri = (first & NamespaceUriFlag) != 0 ? ReadString() : null;
        var server = (first & ServerIndexFlag) != 0 ? ReadUInt32() : 0;
        return new ExpandedNodeId(node, uri, server);
    }

    public QualifiedName ReadQualifiedName() => new(ReadUInt16(), ReadString());

    public LocalizedText ReadLocalizedText()
    {
        var mask = ReadByte();
        var locale = (mask & 0x01) != 0 ? ReadString() : null;
        var text = (mask & 0x02) != 0 ? ReadString() : null;
        return new LocalizedText(locale, text);
    }

    public XmlElement ReadXmlElement() => new(ReadString());

    /// <summary>A structure as it is; the null structure (null id, no body) is read as null.</summary>
    public ExtensionObject? ReadExtensionObject()
    {
        var typeId = ReadNodeId();
        var kind = ReadByte();
        if (kind > (byte)ExtensionBody.Xml)
        {
            Fail(StatusCodes.BadDecodingError, "ExtensionObject has an unknown body encoding");
            return null;
        }

        if (!TryCharge(ObjectBytes))
        {
            return null;
        }

        if (kind == (byte)ExtensionBody.None)
        {
            return typeId.IsNull ? null : new ExtensionObject(typeId);
        }

        var body = ReadByteString();
        return Failed ? null : new ExtensionObject(typeId, body, (ExtensionBody)kind);
    }

    public DataValue ReadDataValue()
    {
        if (!TryEnter("DataValue"))
        {
            return default;
        }

        // The two upper bits are reserved; a decoder ignores them.
        var fields = (DataValueFields)(ReadByte() & 0x3F);
        var value = (fields & DataValueFields.Value) != DataValueFields.None ? ReadVariant() : default;
        var status = (fields & DataValueFields.Status) != DataValueFields.None ? ReadStatusCode() : default;
        var sourceTimestamp = (fields & DataValueFields.SourceTimestamp) != DataValueFields.None ? ReadDateTime() : default;
        var sourcePicoseconds = (fields & DataValueFields.SourcePicoseconds) != DataValueFields.None ? ReadPicoseconds() : (ushort)0;
        var serverTimestamp = (fields & DataValueFields.ServerTimestamp) != DataValueFields.None ? ReadDateTime() : default;
        var serverPicoseconds = (fields & DataValueFields.ServerPicoseconds) != DataValueFields.None ? ReadPicoseconds() : (ushort)0;
        Leave();
        return Failed ? default : new DataValue
        {
            Fields = fields,
            Value = value,
            Status = status,
            SourceTimestamp = sourceTimestamp,
            SourcePicoseconds = sourcePicoseconds,
            ServerTimestamp = serverTimestamp,
            ServerPicoseconds = serverPicoseconds,
        };
    }

    /// <summary>Error details; details in which nothing is present are read as null.</summary>
    public DiagnosticInfo? ReadDiagnosticInfo()
    {
        var mask = ReadByte();
        if (mask == 0 || !TryEnter("DiagnosticInfo"))
        {
            return null;
        }

        int? symbolicId = (mask & 0x01) != 0 ? ReadInt32() : null;
        int? namespaceUri = (mask & 0x02) != 0 ? ReadInt32() : null;
        int? locale = (mask & 0x08) != 0 ? ReadInt32() : null;
        int? localizedText = (mask & 0x04) != 0 ? ReadInt32() : null;
        var additionalInfo = (mask & 0x10) != 0 ? ReadString() : null;
        StatusCode? innerStatus = (mask & 0x20) != 0 ? ReadStatusCode() : null;
        var inner = (mask & 0x40) != 0 ? ReadDiagnosticInfo() : null;
        Leave();
        return !TryCharge(ObjectBytes) ? null : new DiagnosticInfo
        {
            SymbolicId = symbolicId,
            NamespaceUri = namespaceUri,
            Locale = locale,
            LocalizedText = localizedText,
            AdditionalInfo = additionalInfo,
            InnerStatusCode = innerStatus,
            Inner = inner,
        };
    }

    private NodeId ReadNodeIdBody(byte kind)
    {
        switch (kind)
        {
            case 0:
                return new NodeId(ReadByte());
            case 1:
                return new NodeId(ReadByte(), ReadUInt16());
            case 2:
                return new NodeId(ReadUInt16(), ReadUInt32());
            case 3:
                return new NodeId(ReadUInt16(), ReadString());
            case 4:
                return new NodeId(ReadUInt16(), ReadGuid());
            case 5:
                return new NodeId(ReadUInt16(), ReadByteString());
            default:
                Fail(StatusCodes.BadDecodingError, "NodeId has an unknown encoding");
                return default;
        }
    }

    /// <summary>What exceeds one step of 100 ns counts as its last part (OPC 10000-4, clause 7).</summary>
    internal ushort ReadPicoseconds() => Math.Min(ReadUInt16(), (ushort)9999);
}
