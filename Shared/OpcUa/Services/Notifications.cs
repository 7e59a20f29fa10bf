using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, clause 7 (DataChangeNotification).</summary>
/// <param name="ClientHandle">The number that the client gave to the monitored item.</param>
/// <param name="Value">The change.</param>
internal readonly record struct MonitoredItemNotification(uint ClientHandle, DataValue Value)
    : IEncodable, IDecodable<MonitoredItemNotification>
{
    public static int EncodedBytesMin => 5;

    public void Encode(UaWriter writer)
    {
        writer.WriteUInt32(ClientHandle);
        writer.WriteDataValue(Value);
    }

    public static MonitoredItemNotification Decode(ref UaReader reader) => new(reader.ReadUInt32(), reader.ReadDataValue());
}

/// <summary>Data changes as objects (OPC 10000-4, clause 7); for a stream of them use <see cref="DataChangeBatch"/>.</summary>
internal sealed class DataChangeNotification : IExtensionBody<DataChangeNotification>
{
    public static uint TypeId => 811;

    public MonitoredItemNotification[] MonitoredItems { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public void Encode(UaWriter writer)
    {
        writer.WriteArray(MonitoredItems);
        writer.WriteArray(DiagnosticInfos);
    }

    public static DataChangeNotification Decode(ref UaReader reader) => new()
    {
        MonitoredItems = reader.ReadArray<MonitoredItemNotification>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    /// <summary>The changes of a batch, encoded once, as a server keeps them for sending and for sending again.</summary>
    public static ExtensionObject Pack(DataChangeBatch batch)
    {
        using var writer = new UaWriter(initialBytes: 40 * batch.Count);
        DataChangeEncoder.Encode(writer, batch);
        return new ExtensionObject(new NodeId(TypeId), writer.WrittenSpan.ToArray());
    }
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class StatusChangeNotification : IExtensionBody<StatusChangeNotification>
{
    public static uint TypeId => 820;

    public StatusCode Status { get; init; }

    public DiagnosticInfo? DiagnosticInfo { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteStatusCode(Status);
        writer.WriteDiagnosticInfo(DiagnosticInfo);
    }

    public static StatusChangeNotification Decode(ref UaReader reader) => new()
    {
        Status = reader.ReadStatusCode(),
        DiagnosticInfo = reader.ReadDiagnosticInfo(),
    };
}
