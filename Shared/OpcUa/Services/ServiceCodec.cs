using System.Collections.Frozen;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>What was read from a message body.</summary>
/// <param name="Message">The message, or null.</param>
/// <param name="Error">Why there is none; BadServiceUnsupported when the type id is not known here.</param>
/// <param name="TypeId">The type id that stood before the message.</param>
internal readonly record struct DecodedMessage(IServiceMessage? Message, DecodeError Error, NodeId TypeId);

/// <summary>Writes and reads whole message bodies: the type id, then the message (OPC 10000-6, 6.7.2). Thread-safe.</summary>
internal static class ServiceCodec
{
    private delegate IServiceMessage Decoder(ref UaReader reader);

    private static readonly FrozenDictionary<uint, Decoder> Decoders = new[]
    {
        Of<ServiceFault>(),
        Of<FindServersRequest>(), Of<FindServersResponse>(),
        Of<GetEndpointsRequest>(), Of<GetEndpointsResponse>(),
        Of<OpenSecureChannelRequest>(), Of<OpenSecureChannelResponse>(), Of<CloseSecureChannelRequest>(),
        Of<CreateSessionRequest>(), Of<CreateSessionResponse>(),
        Of<ActivateSessionRequest>(), Of<ActivateSessionResponse>(),
        Of<CloseSessionRequest>(), Of<CloseSessionResponse>(),
        Of<CancelRequest>(), Of<CancelResponse>(),
        Of<BrowseRequest>(), Of<BrowseResponse>(), Of<BrowseNextRequest>(), Of<BrowseNextResponse>(),
        Of<TranslateBrowsePathsToNodeIdsRequest>(), Of<TranslateBrowsePathsToNodeIdsResponse>(),
        Of<ReadRequest>(), Of<ReadResponse>(), Of<WriteRequest>(), Of<WriteResponse>(),
        Of<HistoryReadRequest>(), Of<HistoryReadResponse>(),
        Of<CreateMonitoredItemsRequest>(), Of<CreateMonitoredItemsResponse>(),
        Of<ModifyMonitoredItemsRequest>(), Of<ModifyMonitoredItemsResponse>(),
        Of<SetMonitoringModeRequest>(), Of<SetMonitoringModeResponse>(),
        Of<DeleteMonitoredItemsRequest>(), Of<DeleteMonitoredItemsResponse>(),
        Of<CreateSubscriptionRequest>(), Of<CreateSubscriptionResponse>(),
        Of<ModifySubscriptionRequest>(), Of<ModifySubscriptionResponse>(),
        Of<SetPublishingModeRequest>(), Of<SetPublishingModeResponse>(),
        Of<PublishRequest>(), Of<PublishResponse>(), Of<RepublishRequest>(), Of<RepublishResponse>(),
        Of<TransferSubscriptionsRequest>(), Of<TransferSubscriptionsResponse>(),
        Of<DeleteSubscriptionsRequest>(), Of<DeleteSubscriptionsResponse>(),
    }.ToFrozenDictionary();

    /// <summary>The ids of all messages that can be read.</summary>
    public static IEnumerable<uint> KnownTypeIds => Decoders.Keys;

    public static void Encode(UaWriter writer, IServiceMessage message)
    {
        writer.WriteNodeId(new NodeId(message.EncodingId));
        message.Encode(writer);
    }

    /// <summary>Reads a whole message body. Bytes after the message are ignored: they may be fields of a later release.</summary>
    public static DecodedMessage Decode(ReadOnlySpan<byte> body, DecodeLimits limits)
    {
        var reader = new UaReader(body, limits);
        var typeId = reader.ReadNodeId();
        if (reader.Failed)
        {
            return new DecodedMessage(null, reader.Error, typeId);
        }

        if (!IsPlainNumber(typeId) || !Decoders.TryGetValue(typeId.Number, out var decoder))
        {
            var error = new DecodeError(StatusCodes.BadServiceUnsupported, 0, $"message type {typeId} is not known");
            return new DecodedMessage(null, error, typeId);
        }

        var message = decoder(ref reader);
        return new DecodedMessage(reader.Failed ? null : message, reader.Error, typeId);
    }

    /// <summary>
    /// Reads only the header of a request, so that a server can answer a request that it cannot read or does not know; null when not even
    /// the header can be read.
    /// </summary>
    public static RequestHeader? TryReadRequestHeader(ReadOnlySpan<byte> body, DecodeLimits limits)
    {
        var reader = new UaReader(body, limits);
        reader.ReadNodeId();
        var header = RequestHeader.Decode(ref reader);
        return reader.Failed ? null : header;
    }

    private static bool IsPlainNumber(NodeId typeId) => typeId.IsNumeric(typeId.Number);

    private static KeyValuePair<uint, Decoder> Of<T>()
        where T : class, IServiceMessage<T> => new(T.TypeId, static (ref UaReader reader) => T.Decode(ref reader));
}
