using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Transport;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// Deals with what one client sends after CONNECT. A publication is acknowledged when every subscriber's queue has it within its bounds; until then
/// its acknowledgment is held. A client that goes on publishing meanwhile reaches its Receive Maximum (5.0) or is not read from (3.1.1).
/// </summary>
internal sealed class BrokerInbound : IPacketConsumer<ClientEnd>
{
    private readonly BrokerCore _core;
    private readonly PacketConnection _connection;
    private readonly Session _session;
    private readonly AcknowledgmentOrder _receipts;
    private readonly TopicCache _topics = new();
    private readonly RouteBuffer _buffer = new();
    private readonly bool _hadSessionExpiry;
    private long _heldBytes;
    private bool _isClosing;
    private bool _hasLoggedRefusal;

    public BrokerInbound(BrokerCore core, PacketConnection connection, Session session)
    {
        _core = core;
        _connection = connection;
        _session = session;
        _receipts = new AcknowledgmentOrder(connection);
        _hadSessionExpiry = session.Expiry > TimeSpan.Zero;
    }

    /// <inheritdoc/>
    public AsyncSignal Progress { get; } = new();

    /// <inheritdoc/>
    public bool IsClosing => Volatile.Read(ref _isClosing);

    /// <inheritdoc/>
    public bool MustPause =>
        (!IsV5 && _receipts.Outstanding >= _core.Options.ReceiveMaximum)
        || Interlocked.Read(ref _heldBytes) >= _core.Options.MaxHeldBytes
        || _connection.Sender.PendingBytes > BrokerClient.SendAheadBytes + BrokerClient.AnswerBacklogBytes + _core.Options.MaxPacketSize;

    private bool IsV5 => _connection.Version == MqttProtocolVersion.V5;

    /// <summary>From now on nothing is read or acknowledged.</summary>
    public void Close()
    {
        Volatile.Write(ref _isClosing, true);
        _receipts.Close();
        Progress.Set();
    }

    /// <summary>The acknowledgment of a publication has to wait for a slow consumer.</summary>
    public void Hold(int bytes)
    {
        Interlocked.Add(ref _heldBytes, bytes);
        Interlocked.Increment(ref _core.Counters.HeldPublications);
    }

    /// <summary>It waits no longer. Thread-safe.</summary>
    public void Unhold(long ticket, int bytes)
    {
        Interlocked.Add(ref _heldBytes, -bytes);
        Interlocked.Decrement(ref _core.Counters.HeldPublications);
        _receipts.Complete(ticket);
        Progress.Set();
    }

    /// <inheritdoc/>
    public ClientEnd? Handle(FixedHeader header, ReadOnlyMemory<byte> body) => header.Type switch
    {
        PacketType.Publish => HandlePublish(header, body),
        PacketType.PubAck => HandlePubAck(header, body),
        PacketType.Subscribe => HandleSubscribe(header, body),
        PacketType.Unsubscribe => HandleUnsubscribe(header, body),
        PacketType.PingReq => HandlePingReq(header, body),
        PacketType.Disconnect => HandleDisconnect(header, body),
        _ => Violated(WireFault.Protocol("A packet that a client must not send here, or that belongs to QoS 2.")),
    };

    /// <inheritdoc/>
    public ClientEnd Violated(WireFault fault)
    {
        Interlocked.Increment(ref _core.Counters.ProtocolErrors);
        return ClientEnd.Violation(fault);
    }

    /// <inheritdoc/>
    public ClientEnd Ended(string why) => new(why);

    private ClientEnd? HandlePublish(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!PublishCodec.TryReadBody(header.Flags, body, _connection.Version, _topics, out var packet, out var fault))
        {
            return Violated(fault);
        }

        if (CheckPublish(packet) is { IsFault: true } violation)
        {
            return Violated(violation);
        }

        Interlocked.Increment(ref _core.Counters.MessagesReceived);
        if (!_core.IsAllowed(MqttAccessKind.Publish, _session, packet.Topic))
        {
            Interlocked.Increment(ref _core.Counters.DroppedNotAuthorized);
            return Refuse(packet, MqttReasonCode.NotAuthorized);
        }

        if (packet.Topic.Length > _core.Options.MaxTopicLength)
        {
            Interlocked.Increment(ref _core.Counters.DroppedOverLimit);
            return Refuse(packet, MqttReasonCode.TopicNameInvalid);
        }

        return Route(packet);
    }

    private WireFault CheckPublish(in PublishPacket packet)
    {
        if (packet.QoS == MqttQoS.ExactlyOnce)
        {
            return new WireFault(MqttReasonCode.QoSNotSupported, "A QoS 2 publication, above this broker's Maximum QoS [MQTT-3.2.2-11].");
        }

        if (packet.Properties?.TopicAlias is not null)
        {
            return new WireFault(MqttReasonCode.TopicAliasInvalid, "A topic alias, though none are allowed [MQTT-3.2.2-17].");
        }

        if (packet.Properties?.SubscriptionIdentifiers is not null)
        {
            return WireFault.Protocol("A client's publication carries a subscription identifier [MQTT-3.3.4-6].");
        }

        return packet.QoS == MqttQoS.AtLeastOnce && _receipts.Outstanding >= _core.Options.ReceiveMaximum
            ? new WireFault(MqttReasonCode.ReceiveMaximumExceeded, "More unacknowledged publications than Receive Maximum [MQTT-3.3.4-7].")
            : WireFault.None;
    }

    private ClientEnd? Route(in PublishPacket packet)
    {
        var isHoldable = packet.QoS == MqttQoS.AtLeastOnce;
        var ticket = isHoldable ? _receipts.Add(packet.PacketIdentifier) : -1;
        var publication = new Publication(isHoldable ? this : null, ticket);
        var message = new BrokerMessage(
            packet.Topic, packet.Payload.ToArray(), packet.QoS, packet.Retain, packet.Properties, _session.ClientId, _core.Options.Time);
        var code = _core.Publish(message, _buffer, ref publication);
        if (publication.Held is { } held)
        {
            held.Release();
            return null;
        }

        if (code == MqttReasonCode.QuotaExceeded)
        {
            Interlocked.Increment(ref _core.Counters.DroppedOverLimit);
            if (!IsV5 && isHoldable)
            {
                return Close311(packet, code);
            }
        }

        _receipts.Complete(ticket, code);
        return null;
    }

    /// <summary>
    /// A publication that is not accepted. 5.0 has a PUBACK for it. 3.1.1 has not: there the connection is closed, as the standard offers
    /// [MQTT-3.3.5-2], because an acknowledgment would be a lie. QoS 0 is counted only.
    /// </summary>
    private ClientEnd? Refuse(in PublishPacket packet, MqttReasonCode code)
    {
        if (packet.QoS == MqttQoS.AtLeastOnce && !IsV5)
        {
            return Close311(packet, code);
        }

        LogRefusal(packet, code);
        if (packet.QoS == MqttQoS.AtLeastOnce)
        {
            _receipts.Complete(_receipts.Add(packet.PacketIdentifier), code);
        }

        return null;
    }

    private ClientEnd Close311(in PublishPacket packet, MqttReasonCode code)
    {
        LogRefusal(packet, code);
        return new ClientEnd($"A publication was not accepted: {code.Describe()}.");
    }

    /// <summary>Once for each connection: a client that does not understand would fill the log.</summary>
    private void LogRefusal(in PublishPacket packet, MqttReasonCode code)
    {
        if (!_hasLoggedRefusal)
        {
            _hasLoggedRefusal = true;
            BrokerLog.PublishRefused(_core.Options.Log, _session.ClientId, packet.Topic, code.Describe());
        }
    }

    private ClientEnd? HandlePubAck(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!PubAckCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault))
        {
            return Violated(fault);
        }

        _session.Acknowledged(packet.PacketIdentifier);
        return null;
    }

    private ClientEnd? HandleSubscribe(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!SubscribeCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault))
        {
            return Violated(fault);
        }

        if (packet.Properties?.SubscriptionIdentifiers is not null)
        {
            return Violated(new WireFault(MqttReasonCode.SubscriptionIdentifiersNotSupported, "A subscription identifier, though there are none here."));
        }

        var isFull = _session.IsOverfull;
        var retained = new List<Delivery>();
        var codes = packet.Subscriptions.Select(s => isFull ? MqttReasonCode.QuotaExceeded : Subscribe(s, retained)).ToArray();
        _connection.Send(new SubAckPacket(packet.PacketIdentifier, codes));
        _session.EnqueueRetained(retained);
        return null;
    }

    private MqttReasonCode Subscribe(MqttSubscription subscription, List<Delivery> retained) =>
        _core.IsAllowed(MqttAccessKind.Subscribe, _session, subscription.Filter)
            ? _core.Router.Subscribe(_session, subscription, retained)
            : MqttReasonCode.NotAuthorized;

    private ClientEnd? HandleUnsubscribe(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!UnsubscribeCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault))
        {
            return Violated(fault);
        }

        var codes = packet.Filters
            .Select(f => _core.Router.Unsubscribe(_session, f) ? MqttReasonCode.Success : MqttReasonCode.NoSubscriptionExisted)
            .ToArray();
        _connection.Send(new UnsubAckPacket(packet.PacketIdentifier, codes));
        return null;
    }

    private ClientEnd? HandlePingReq(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!PingReqCodec.TryReadBody(header.Flags, body, _connection.Version, out _, out var fault))
        {
            return Violated(fault);
        }

        _connection.SendPingResp();
        return null;
    }

    private ClientEnd? HandleDisconnect(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!DisconnectCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault))
        {
            return Violated(fault);
        }

        if (packet.Properties?.SessionExpiryInterval is { } seconds)
        {
            if (!_hadSessionExpiry && seconds > 0)
            {
                return Violated(WireFault.Protocol("A session that was to end with the connection cannot be prolonged at its end (3.14.2.2.2)."));
            }

            _session.Expiry = BrokerHandshake.Bounded(seconds, _core.Options);
        }

        return new ClientEnd($"It left: {packet.ReasonCode.Describe()}.", GoodBye: null, IsNormal: packet.ReasonCode == MqttReasonCode.Success);
    }
}
