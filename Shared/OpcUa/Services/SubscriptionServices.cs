using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, 5.14.2.</summary>
internal sealed class CreateSubscriptionRequest : ServiceRequest, IServiceMessage<CreateSubscriptionRequest>
{
    public static uint TypeId => 787;

    /// <summary>In milliseconds.</summary>
    public double RequestedPublishingInterval { get; init; }

    /// <summary>In publishing intervals; at least three times the keep-alive count.</summary>
    public uint RequestedLifetimeCount { get; init; }

    /// <summary>In publishing intervals.</summary>
    public uint RequestedMaxKeepAliveCount { get; init; }

    /// <summary>Zero leaves it to the server.</summary>
    public uint MaxNotificationsPerPublish { get; init; }

    public bool PublishingEnabled { get; init; }

    public byte Priority { get; init; }

    public static CreateSubscriptionRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        RequestedPublishingInterval = reader.ReadDouble(),
        RequestedLifetimeCount = reader.ReadUInt32(),
        RequestedMaxKeepAliveCount = reader.ReadUInt32(),
        MaxNotificationsPerPublish = reader.ReadUInt32(),
        PublishingEnabled = reader.ReadBoolean(),
        Priority = reader.ReadByte(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteDouble(RequestedPublishingInterval);
        writer.WriteUInt32(RequestedLifetimeCount);
        writer.WriteUInt32(RequestedMaxKeepAliveCount);
        writer.WriteUInt32(MaxNotificationsPerPublish);
        writer.WriteBoolean(PublishingEnabled);
        writer.WriteByte(Priority);
    }
}

internal sealed class CreateSubscriptionResponse : ServiceResponse, IServiceMessage<CreateSubscriptionResponse>
{
    public static uint TypeId => 790;

    public uint SubscriptionId { get; init; }

    /// <summary>In milliseconds.</summary>
    public double RevisedPublishingInterval { get; init; }

    public uint RevisedLifetimeCount { get; init; }

    public uint RevisedMaxKeepAliveCount { get; init; }

    public static CreateSubscriptionResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        RevisedPublishingInterval = reader.ReadDouble(),
        RevisedLifetimeCount = reader.ReadUInt32(),
        RevisedMaxKeepAliveCount = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteDouble(RevisedPublishingInterval);
        writer.WriteUInt32(RevisedLifetimeCount);
        writer.WriteUInt32(RevisedMaxKeepAliveCount);
    }
}

/// <summary>OPC 10000-4, 5.14.3.</summary>
internal sealed class ModifySubscriptionRequest : ServiceRequest, IServiceMessage<ModifySubscriptionRequest>
{
    public static uint TypeId => 793;

    public uint SubscriptionId { get; init; }

    /// <summary>In milliseconds.</summary>
    public double RequestedPublishingInterval { get; init; }

    public uint RequestedLifetimeCount { get; init; }

    public uint RequestedMaxKeepAliveCount { get; init; }

    public uint MaxNotificationsPerPublish { get; init; }

    public byte Priority { get; init; }

    public static ModifySubscriptionRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        RequestedPublishingInterval = reader.ReadDouble(),
        RequestedLifetimeCount = reader.ReadUInt32(),
        RequestedMaxKeepAliveCount = reader.ReadUInt32(),
        MaxNotificationsPerPublish = reader.ReadUInt32(),
        Priority = reader.ReadByte(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteDouble(RequestedPublishingInterval);
        writer.WriteUInt32(RequestedLifetimeCount);
        writer.WriteUInt32(RequestedMaxKeepAliveCount);
        writer.WriteUInt32(MaxNotificationsPerPublish);
        writer.WriteByte(Priority);
    }
}

internal sealed class ModifySubscriptionResponse : ServiceResponse, IServiceMessage<ModifySubscriptionResponse>
{
    public static uint TypeId => 796;

    /// <summary>In milliseconds.</summary>
    public double RevisedPublishingInterval { get; init; }

    public uint RevisedLifetimeCount { get; init; }

    public uint RevisedMaxKeepAliveCount { get; init; }

    public static ModifySubscriptionResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        RevisedPublishingInterval = reader.ReadDouble(),
        RevisedLifetimeCount = reader.ReadUInt32(),
        RevisedMaxKeepAliveCount = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteDouble(RevisedPublishingInterval);
        writer.WriteUInt32(RevisedLifetimeCount);
        writer.WriteUInt32(RevisedMaxKeepAliveCount);
    }
}

/// <summary>OPC 10000-4, 5.14.4.</summary>
internal sealed class SetPublishingModeRequest : ServiceRequest, IServiceMessage<SetPublishingModeRequest>
{
    public static uint TypeId => 799;

    public bool PublishingEnabled { get; init; }

    public uint[] SubscriptionIds { get; init; } = [];

    public static SetPublishingModeRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        PublishingEnabled = reader.ReadBoolean(),
        SubscriptionIds = reader.ReadUInt32Array(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteBoolean(PublishingEnabled);
        writer.WriteArray(SubscriptionIds);
    }
}

internal sealed class SetPublishingModeResponse : StatusListResponse, IServiceMessage<SetPublishingModeResponse>
{
    public static uint TypeId => 802;

    public static SetPublishingModeResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadStatusCodeArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };
}

/// <summary>OPC 10000-4, 5.14.8.</summary>
internal sealed class DeleteSubscriptionsRequest : ServiceRequest, IServiceMessage<DeleteSubscriptionsRequest>
{
    public static uint TypeId => 847;

    public uint[] SubscriptionIds { get; init; } = [];

    public static DeleteSubscriptionsRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionIds = reader.ReadUInt32Array(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteArray(SubscriptionIds);
}

internal sealed class DeleteSubscriptionsResponse : StatusListResponse, IServiceMessage<DeleteSubscriptionsResponse>
{
    public static uint TypeId => 850;

    public static DeleteSubscriptionsResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadStatusCodeArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };
}

/// <summary>OPC 10000-4, 5.14.7.</summary>
internal sealed class TransferSubscriptionsRequest : ServiceRequest, IServiceMessage<TransferSubscriptionsRequest>
{
    public static uint TypeId => 841;

    public uint[] SubscriptionIds { get; init; } = [];

    public bool SendInitialValues { get; init; }

    public static TransferSubscriptionsRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionIds = reader.ReadUInt32Array(),
        SendInitialValues = reader.ReadBoolean(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(SubscriptionIds);
        writer.WriteBoolean(SendInitialValues);
    }
}

/// <summary>OPC 10000-4, 5.14.7.</summary>
/// <param name="StatusCode">Whether this subscription was handed over.</param>
/// <param name="AvailableSequenceNumbers">What Republish can still give.</param>
internal readonly record struct TransferResult(StatusCode StatusCode, uint[] AvailableSequenceNumbers)
    : IEncodable, IDecodable<TransferResult>
{
    public static int EncodedBytesMin => 8;

    public void Encode(UaWriter writer)
    {
        writer.WriteStatusCode(StatusCode);
        writer.WriteArray(AvailableSequenceNumbers);
    }

    public static TransferResult Decode(ref UaReader reader) => new(reader.ReadStatusCode(), reader.ReadUInt32Array());
}

internal sealed class TransferSubscriptionsResponse : ServiceResponse, IServiceMessage<TransferSubscriptionsResponse>
{
    public static uint TypeId => 844;

    public TransferResult[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static TransferSubscriptionsResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadArray<TransferResult>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}
