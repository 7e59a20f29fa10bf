using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>The answer to Publish or Republish without its data changes, which are in the batch.</summary>
internal sealed class NotificationSummary
{
    /// <summary>The header; look at its result first.</summary>
    public required ResponseHeader Header { get; init; }

    /// <summary>True when the answer is a ServiceFault: only the header counts.</summary>
    public bool IsFault { get; init; }

    /// <summary>Zero in the answer to Republish, which does not carry it.</summary>
    public uint SubscriptionId { get; init; }

    public uint[] AvailableSequenceNumbers { get; init; } = [];

    public bool MoreNotifications { get; init; }

    public uint SequenceNumber { get; init; }

    public UaDateTime PublishTime { get; init; }

    /// <summary>True when there is no notification at all, so that the sequence number is not used up.</summary>
    public bool IsKeepAlive { get; init; }

    /// <summary>The change of the subscription's own state, if there is one.</summary>
    public StatusCode? StatusChange { get; init; }

    /// <summary>Notifications of kinds that nobody here reads, such as events.</summary>
    public int OtherNotifications { get; init; }

    /// <summary>One result for each acknowledgement in the request.</summary>
    public StatusCode[] Results { get; init; } = [];
}

/// <summary>
/// Reads the answers to Publish and Republish with their data changes straight into columns. The general codec gives the same as objects.
/// </summary>
internal static class NotificationDecoder
{
    /// <summary>Reads a whole message body with its type id; data changes are appended to <paramref name="batch"/>.</summary>
    /// <returns>
    /// No error with the summary; BadUnknownResponse when the message is of another kind; a decoding error, after which the batch is as it
    /// was.
    /// </returns>
    public static DecodeError TryDecode(
        ReadOnlySpan<byte> message, DecodeLimits limits, DataChangeBatch batch, out NotificationSummary? summary)
    {
        var before = batch.Count;
        var reader = new UaReader(message, limits);
        var typeId = reader.ReadNodeId();
        var read = typeId.IsNumeric(PublishResponse.TypeId) ? ReadPublish(ref reader, batch)
            : typeId.IsNumeric(RepublishResponse.TypeId) ? ReadRepublish(ref reader, batch)
            : typeId.IsNumeric(ServiceFault.TypeId) ? new NotificationSummary { Header = ResponseHeader.Decode(ref reader), IsFault = true }
            : null;
        if (read is null)
        {
            reader.Fail(StatusCodes.BadUnknownResponse, "message is neither a Publish nor a Republish response");
        }

        if (reader.Failed)
        {
            batch.Truncate(before);
            read = null;
        }

        summary = read;
        return reader.Error;
    }

    private static NotificationSummary ReadPublish(ref UaReader reader, DataChangeBatch batch)
    {
        var header = ResponseHeader.Decode(ref reader);
        var subscriptionId = reader.ReadUInt32();
        var available = reader.ReadUInt32Array();
        var more = reader.ReadBoolean();
        var message = ReadMessage(ref reader, batch);
        var results = reader.ReadStatusCodeArray();
        reader.SkipDiagnosticInfos();
        return new NotificationSummary
        {
            Header = header,
            SubscriptionId = subscriptionId,
            AvailableSequenceNumbers = available,
            MoreNotifications = more,
            SequenceNumber = message.SequenceNumber,
            PublishTime = message.PublishTime,
            IsKeepAlive = message.Notifications == 0,
            StatusChange = message.StatusChange,
            OtherNotifications = message.Others,
            Results = results,
        };
    }

    private static NotificationSummary ReadRepublish(ref UaReader reader, DataChangeBatch batch)
    {
        var header = ResponseHeader.Decode(ref reader);
        var message = ReadMessage(ref reader, batch);
        return new NotificationSummary
        {
            Header = header,
            SequenceNumber = message.SequenceNumber,
            PublishTime = message.PublishTime,
            IsKeepAlive = message.Notifications == 0,
            StatusChange = message.StatusChange,
            OtherNotifications = message.Others,
        };
    }

    private static Message ReadMessage(ref UaReader reader, DataChangeBatch batch)
    {
        var message = new Message
        {
            SequenceNumber = reader.ReadUInt32(),
            PublishTime = reader.ReadDateTime(),
            BatchEndMax = batch.Count + reader.Limits.NotificationValuesMax,
        };
        var count = reader.ReadArrayLength(3, "NotificationData");
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            message.Notifications++;
            ReadNotification(ref reader, batch, ref message);
        }

        return message;
    }

    private static void ReadNotification(ref UaReader reader, DataChangeBatch batch, ref Message message)
    {
        var typeId = reader.ReadNodeId();
        var kind = (ExtensionBody)reader.ReadByte();
        var length = kind is ExtensionBody.Binary or ExtensionBody.Xml ? reader.ReadInt32() : 0;
        if (kind > ExtensionBody.Xml)
        {
            reader.Fail(StatusCodes.BadDecodingError, "NotificationData has an unknown body encoding");
        }

        var body = reader.Split(Math.Max(0, length));
        if (kind == ExtensionBody.Binary && typeId.IsNumeric(DataChangeNotification.TypeId))
        {
            DataChangeDecoder.Decode(ref body, batch, message.BatchEndMax - batch.Count);
        }
        else if (kind == ExtensionBody.Binary && typeId.IsNumeric(StatusChangeNotification.TypeId))
        {
            message.StatusChange = StatusChangeNotification.Decode(ref body).Status;
        }
        else
        {
            message.Others++;
        }

        reader.Join(body);
    }

    private ref struct Message
    {
        public uint SequenceNumber;
        public UaDateTime PublishTime;
        public int BatchEndMax;
        public int Notifications;
        public int Others;
        public StatusCode? StatusChange;
    }
}
