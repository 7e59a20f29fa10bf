using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, clause 7.</summary>
internal enum MonitoringMode
{
    Disabled = 0,
    Sampling = 1,
    Reporting = 2,
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal enum DataChangeTrigger
{
    Status = 0,
    StatusValue = 1,
    StatusValueTimestamp = 2,
}

/// <summary>OPC 10000-4, clause 7 (DataChangeFilter).</summary>
internal enum DeadbandType : uint
{
    None = 0,
    Absolute = 1,

    /// <summary>In percent of the EURange.</summary>
    Percent = 2,
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class DataChangeFilter : IExtensionBody<DataChangeFilter>
{
    public static uint TypeId => 724;

    public DataChangeTrigger Trigger { get; init; } = DataChangeTrigger.StatusValue;

    public DeadbandType DeadbandType { get; init; }

    public double DeadbandValue { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteInt32((int)Trigger);
        writer.WriteUInt32((uint)DeadbandType);
        writer.WriteDouble(DeadbandValue);
    }

    public static DataChangeFilter Decode(ref UaReader reader) => new()
    {
        Trigger = (DataChangeTrigger)reader.ReadInt32(),
        DeadbandType = (DeadbandType)reader.ReadUInt32(),
        DeadbandValue = reader.ReadDouble(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class MonitoringParameters : IEncodable
{
    public uint ClientHandle { get; init; }

    /// <summary>In milliseconds; 0 means as fast as the server can, -1 the publishing interval.</summary>
    public double SamplingInterval { get; init; }

    /// <summary>For example a <see cref="DataChangeFilter"/>.</summary>
    public ExtensionObject? Filter { get; init; }

    public uint QueueSize { get; init; }

    public bool DiscardOldest { get; init; } = true;

    public void Encode(UaWriter writer)
    {
        writer.WriteUInt32(ClientHandle);
        writer.WriteDouble(SamplingInterval);
        writer.WriteExtensionObject(Filter);
        writer.WriteUInt32(QueueSize);
        writer.WriteBoolean(DiscardOldest);
    }

    public static MonitoringParameters Decode(ref UaReader reader) => new()
    {
        ClientHandle = reader.ReadUInt32(),
        SamplingInterval = reader.ReadDouble(),
        Filter = reader.ReadExtensionObject(),
        QueueSize = reader.ReadUInt32(),
        DiscardOldest = reader.ReadBoolean(),
    };
}

/// <summary>OPC 10000-4, 5.13.2.</summary>
internal sealed class MonitoredItemCreateRequest : IEncodable, IDecodable<MonitoredItemCreateRequest>
{
    public static int EncodedBytesMin => 40;

    public ReadValueId ItemToMonitor { get; init; } = new();

    public MonitoringMode MonitoringMode { get; init; } = MonitoringMode.Reporting;

    public MonitoringParameters RequestedParameters { get; init; } = new();

    public void Encode(UaWriter writer)
    {
        ItemToMonitor.Encode(writer);
        writer.WriteInt32((int)MonitoringMode);
        RequestedParameters.Encode(writer);
    }

    public static MonitoredItemCreateRequest Decode(ref UaReader reader) => new()
    {
        ItemToMonitor = ReadValueId.Decode(ref reader),
        MonitoringMode = (MonitoringMode)reader.ReadInt32(),
        RequestedParameters = MonitoringParameters.Decode(ref reader),
    };
}

/// <summary>OPC 10000-4, 5.13.2.</summary>
internal sealed class MonitoredItemCreateResult : IEncodable, IDecodable<MonitoredItemCreateResult>
{
    public static int EncodedBytesMin => 23;

    public StatusCode StatusCode { get; init; }

    public uint MonitoredItemId { get; init; }

    /// <summary>In milliseconds.</summary>
    public double RevisedSamplingInterval { get; init; }

    public uint RevisedQueueSize { get; init; }

    public ExtensionObject? FilterResult { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteStatusCode(StatusCode);
        writer.WriteUInt32(MonitoredItemId);
        writer.WriteDouble(RevisedSamplingInterval);
        writer.WriteUInt32(RevisedQueueSize);
        writer.WriteExtensionObject(FilterResult);
    }

    public static MonitoredItemCreateResult Decode(ref UaReader reader) => new()
    {
        StatusCode = reader.ReadStatusCode(),
        MonitoredItemId = reader.ReadUInt32(),
        RevisedSamplingInterval = reader.ReadDouble(),
        RevisedQueueSize = reader.ReadUInt32(),
        FilterResult = reader.ReadExtensionObject(),
    };
}

/// <summary>OPC 10000-4, 5.13.2.</summary>
internal sealed class CreateMonitoredItemsRequest : ServiceRequest, IServiceMessage<CreateMonitoredItemsRequest>
{
    public static uint TypeId => 751;

    public uint SubscriptionId { get; init; }

    public TimestampsToReturn TimestampsToReturn { get; init; }

    public MonitoredItemCreateRequest[] ItemsToCreate { get; init; } = [];

    public static CreateMonitoredItemsRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        TimestampsToReturn = (TimestampsToReturn)reader.ReadInt32(),
        ItemsToCreate = reader.ReadArray<MonitoredItemCreateRequest>(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteInt32((int)TimestampsToReturn);
        writer.WriteArray(ItemsToCreate);
    }
}

internal sealed class CreateMonitoredItemsResponse : ServiceResponse, IServiceMessage<CreateMonitoredItemsResponse>
{
    public static uint TypeId => 754;

    public MonitoredItemCreateResult[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static CreateMonitoredItemsResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadArray<MonitoredItemCreateResult>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}

/// <summary>OPC 10000-4, 5.13.3.</summary>
internal sealed class MonitoredItemModifyRequest : IEncodable, IDecodable<MonitoredItemModifyRequest>
{
    public static int EncodedBytesMin => 24;

    public uint MonitoredItemId { get; init; }

    public MonitoringParameters RequestedParameters { get; init; } = new();

    public void Encode(UaWriter writer)
    {
        writer.WriteUInt32(MonitoredItemId);
        RequestedParameters.Encode(writer);
    }

    public static MonitoredItemModifyRequest Decode(ref UaReader reader) => new()
    {
        MonitoredItemId = reader.ReadUInt32(),
        RequestedParameters = MonitoringParameters.Decode(ref reader),
    };
}

/// <summary>OPC 10000-4, 5.13.3.</summary>
internal sealed class MonitoredItemModifyResult : IEncodable, IDecodable<MonitoredItemModifyResult>
{
    public static int EncodedBytesMin => 19;

    public StatusCode StatusCode { get; init; }

    /// <summary>In milliseconds.</summary>
    public double RevisedSamplingInterval { get; init; }

    public uint RevisedQueueSize { get; init; }

    public ExtensionObject? FilterResult { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteStatusCode(StatusCode);
        writer.WriteDouble(RevisedSamplingInterval);
        writer.WriteUInt32(RevisedQueueSize);
        writer.WriteExtensionObject(FilterResult);
    }

    public static MonitoredItemModifyResult Decode(ref UaReader reader) => new()
    {
        StatusCode = reader.ReadStatusCode(),
        RevisedSamplingInterval = reader.ReadDouble(),
        RevisedQueueSize = reader.ReadUInt32(),
        FilterResult = reader.ReadExtensionObject(),
    };
}

/// <summary>OPC 10000-4, 5.13.3.</summary>
internal sealed class ModifyMonitoredItemsRequest : ServiceRequest, IServiceMessage<ModifyMonitoredItemsRequest>
{
    public static uint TypeId => 763;

    public uint SubscriptionId { get; init; }

    public TimestampsToReturn TimestampsToReturn { get; init; }

    public MonitoredItemModifyRequest[] ItemsToModify { get; init; } = [];

    public static ModifyMonitoredItemsRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        TimestampsToReturn = (TimestampsToReturn)reader.ReadInt32(),
        ItemsToModify = reader.ReadArray<MonitoredItemModifyRequest>(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteInt32((int)TimestampsToReturn);
        writer.WriteArray(ItemsToModify);
    }
}

internal sealed class ModifyMonitoredItemsResponse : ServiceResponse, IServiceMessage<ModifyMonitoredItemsResponse>
{
    public static uint TypeId => 766;

    public MonitoredItemModifyResult[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static ModifyMonitoredItemsResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadArray<MonitoredItemModifyResult>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}

/// <summary>OPC 10000-4, 5.13.4.</summary>
internal sealed class SetMonitoringModeRequest : ServiceRequest, IServiceMessage<SetMonitoringModeRequest>
{
    public static uint TypeId => 769;

    public uint SubscriptionId { get; init; }

    public MonitoringMode MonitoringMode { get; init; }

    public uint[] MonitoredItemIds { get; init; } = [];

    public static SetMonitoringModeRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        MonitoringMode = (MonitoringMode)reader.ReadInt32(),
        MonitoredItemIds = reader.ReadUInt32Array(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteInt32((int)MonitoringMode);
        writer.WriteArray(MonitoredItemIds);
    }
}

internal sealed class SetMonitoringModeResponse : StatusListResponse, IServiceMessage<SetMonitoringModeResponse>
{
    public static uint TypeId => 772;

    public static SetMonitoringModeResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadStatusCodeArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };
}

/// <summary>OPC 10000-4, 5.13.6.</summary>
internal sealed class DeleteMonitoredItemsRequest : ServiceRequest, IServiceMessage<DeleteMonitoredItemsRequest>
{
    public static uint TypeId => 781;

    public uint SubscriptionId { get; init; }

    public uint[] MonitoredItemIds { get; init; } = [];

    public static DeleteMonitoredItemsRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        MonitoredItemIds = reader.ReadUInt32Array(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteArray(MonitoredItemIds);
    }
}

internal sealed class DeleteMonitoredItemsResponse : StatusListResponse, IServiceMessage<DeleteMonitoredItemsResponse>
{
    public static uint TypeId => 784;

    public static DeleteMonitoredItemsResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadStatusCodeArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };
}
