using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, 5.14.5.</summary>
/// <param name="SubscriptionId">The subscription.</param>
/// <param name="SequenceNumber">The message that the server may forget.</param>
internal readonly record struct SubscriptionAcknowledgement(uint SubscriptionId, uint SequenceNumber)
    : IEncodable, IDecodable<SubscriptionAcknowledgement>
{
    public static int EncodedBytesMin => 8;

    public void Encode(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteUInt32(SequenceNumber);
    }

    public static SubscriptionAcknowledgement Decode(ref UaReader reader) => new(reader.ReadUInt32(), reader.ReadUInt32());
}

/// <summary>OPC 10000-4, 5.14.5.</summary>
internal sealed class PublishRequest : ServiceRequest, IServiceMessage<PublishRequest>
{
    public static uint TypeId => 826;

    public SubscriptionAcknowledgement[] SubscriptionAcknowledgements { get; init; } = [];

    public static PublishRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionAcknowledgements = reader.ReadArray<SubscriptionAcknowledgement>(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteArray(SubscriptionAcknowledgements);
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class NotificationMessage : IEncodable
{
    /// <summary>The number of this message; in a keep-alive the number that the next one will have.</summary>
    public uint SequenceNumber { get; init; }

    public UaDateTime PublishTime { get; init; }

    /// <summary>
    /// Empty in a keep-alive; else <see cref="DataChangeNotification"/>, <see cref="StatusChangeNotification"/> and others.
    /// </summary>
    public ExtensionObject?[] NotificationData { get; init; } = [];

    public void Encode(UaWriter writer)
    {
        writer.WriteUInt32(SequenceNumber);
        writer.WriteDateTime(PublishTime);
        writer.WriteArray(NotificationData);
    }

    public static NotificationMessage Decode(ref UaReader reader) => new()
    {
        SequenceNumber = reader.ReadUInt32(),
        PublishTime = reader.ReadDateTime(),
        NotificationData = reader.ReadExtensionObjectArray(),
    };
}

/// <summary>The answer with everything as objects; for a stream of data changes use <see cref="NotificationDecoder"/>.</summary>
internal sealed class PublishResponse : ServiceResponse, IServiceMessage<PublishResponse>
{
    public static uint TypeId => 829;

    public uint SubscriptionId { get; init; }

    public uint[] AvailableSequenceNumbers { get; init; } = [];

    public bool MoreNotifications { get; init; }

    public NotificationMessage NotificationMessage { get; init; } = new();

    /// <summary>One result for each acknowledgement in the request.</summary>
    public StatusCode[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static PublishResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        AvailableSequenceNumbers = reader.ReadUInt32Array(),
        MoreNotifications = reader.ReadBoolean(),
        NotificationMessage = NotificationMessage.Decode(ref reader),
        Results = reader.ReadStatusCodeArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteArray(AvailableSequenceNumbers);
        writer.WriteBoolean(MoreNotifications);
        NotificationMessage.Encode(writer);
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}

/// <summary>OPC 10000-4, 5.14.6.</summary>
internal sealed class RepublishRequest : ServiceRequest, IServiceMessage<RepublishRequest>
{
    public static uint TypeId => 832;

    public uint SubscriptionId { get; init; }

    public uint RetransmitSequenceNumber { get; init; }

    public static RepublishRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        SubscriptionId = reader.ReadUInt32(),
        RetransmitSequenceNumber = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(SubscriptionId);
        writer.WriteUInt32(RetransmitSequenceNumber);
    }
}

/// <summary>The answer with everything as objects; for a stream of data changes use <see cref="NotificationDecoder"/>.</summary>
internal sealed class RepublishResponse : ServiceResponse, IServiceMessage<RepublishResponse>
{
    public static uint TypeId => 835;

    public NotificationMessage NotificationMessage { get; init; } = new();

    public static RepublishResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        NotificationMessage = NotificationMessage.Decode(ref reader),
    };

    protected override void EncodeBody(UaWriter writer) => NotificationMessage.Encode(writer);
}
