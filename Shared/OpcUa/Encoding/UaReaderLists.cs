using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <content>Lists of built-in types as services carry them; a null list is read as an empty one.</content>
internal ref partial struct UaReader
{
    public uint[] ReadUInt32Array() => ReadPrimitives<uint>(sizeof(uint), "UInt32") ?? [];

    public StatusCode[] ReadStatusCodeArray() => ReadPrimitives<StatusCode>(sizeof(uint), "StatusCode") ?? [];

    public string?[] ReadStringArray() => ReadList(4, "String", static (ref UaReader r) => r.ReadString()) ?? [];

    public byte[]?[] ReadByteStringArray() => ReadList(4, "ByteString", static (ref UaReader r) => r.ReadByteString()) ?? [];

    public DataValue[] ReadDataValueArray() => ReadList(1, "DataValue", static (ref UaReader r) => r.ReadDataValue()) ?? [];

    public ExtensionObject?[] ReadExtensionObjectArray() =>
        ReadList(3, "ExtensionObject", static (ref UaReader r) => r.ReadExtensionObject()) ?? [];

    public DiagnosticInfo?[] ReadDiagnosticInfoArray() =>
        ReadList(1, "DiagnosticInfo", static (ref UaReader r) => r.ReadDiagnosticInfo()) ?? [];

    /// <summary>Passes over a list of error details without keeping them.</summary>
    public void SkipDiagnosticInfos()
    {
        var count = ReadArrayLength(1, "DiagnosticInfo");
        for (var i = 0; i < count && !Failed; i++)
        {
            ReadDiagnosticInfo();
        }
    }
}
