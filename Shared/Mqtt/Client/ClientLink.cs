using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Transport;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Client;

/// <summary>
/// One accepted connection, from CONNACK to its end. Three loops: reading, writing, watching the clock. Whichever ends first ends the
/// connection; then everybody who waits for something is told, and the others are awaited.
/// </summary>
internal sealed class ClientLink : IPacketConsumer<LinkEnd>
{
    private readonly PacketConnection _connection;
    private readonly Task<bool> _writer;
    private readonly MqttClientOptions _options;
    private readonly IncomingQueue _incoming;
    private readonly AcknowledgmentOrder _receipts;
    private readonly RequestTable _requests;
    private readonly LinkWatch _watch;
    private readonly TopicCache _topics = new();
    private bool _isClosing;

    public ClientLink(
        PacketConnection connection, Task<bool> writer, ConnAckPacket accepted, MqttClientOptions options, IncomingQueue incoming, PublishOperationPool pool)
    {
        var limits = ServerLimits.From(accepted, options);
        var identifiers = new PacketIdentifiers();
        _connection = connection;
        _writer = writer;
        _options = options;
        _incoming = incoming;
        _receipts = new AcknowledgmentOrder(connection);
        _requests = new RequestTable(identifiers, options);
        _watch = new LinkWatch(connection, limits.KeepAlive, options.PingTimeout, options.Time);
        Window = new PublishWindow(connection, identifiers, limits, options, pool);
        Accepted = accepted;
        connection.Sender.Written = () => Window.Written(connection.Sender.WrittenBytes);
    }

    public ConnAckPacket Accepted { get; }

    public PublishWindow Window { get; }

    /// <summary>
    /// Back-pressure: while the handler is behind, the socket is not read, and the server has to wait. A 5.0 server that keeps to Receive Maximum
    /// never gets to the second bound; one that does not (mosquitto 2.0 under load) is made to wait like a 3.1.1 server, rather than cut off.
    /// </summary>
    bool IPacketConsumer<LinkEnd>.MustPause => _incoming.IsFull || _receipts.Outstanding > _options.ReceiveMaximum;

    bool IPacketConsumer<LinkEnd>.IsClosing => Volatile.Read(ref _isClosing);

    AsyncSignal IPacketConsumer<LinkEnd>.Progress => _incoming.Progress;

    /// <summary>Runs the connection until it ends or <paramref name="stop"/> asks for its orderly end.</summary>
    public async Task<LinkEnd> RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(LinkWatch.IntervalFor(_options), _options.Time);
        var stopped = new TaskCompletionSource<LinkEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var onStop = stop.UnsafeRegister(_ => stopped.TrySetResult(LinkEnd.Stopped), null);
        var packets = PacketLoop.RunAsync(_connection.Reader, this);
        var reader = PacketLoop.DrainAfterAsync(packets, _connection.Reader);
        var watch = WatchAsync(timer);
        var end = LinkEnd.Lost("A defect ended the connection.");
        try
        {
            end = await await Task.WhenAny(packets, WriterEndAsync(), watch, stopped.Task);
            return end;
        }
        finally
        {
            // Also after a defect, whose exception goes on to the owner: nobody may wait for a connection that is over.
            timer.Dispose();
            await CloseAsync(end, reader);
            await watch;
            _connection.Dispose();
        }
    }

    public Task<MqttSubscribeResult> SubscribeAsync(IReadOnlyList<MqttSubscription> subscriptions)
    {
        if (_requests.Begin(subscriptions.Count) is not { } request)
        {
            return Task.FromResult(new MqttSubscribeResult(MqttRequestStatus.NotConnected, []));
        }

        _connection.Send(new SubscribePacket(request.Identifier, subscriptions));
        return request.Answer;
    }

    public Task<MqttSubscribeResult> UnsubscribeAsync(IReadOnlyList<string> filters)
    {
        if (_requests.Begin(filters.Count) is not { } request)
        {
            return Task.FromResult(new MqttSubscribeResult(MqttRequestStatus.NotConnected, []));
        }

        _connection.Send(new UnsubscribePacket(request.Identifier, filters));
        return request.Answer;
    }

    public void Acknowledge(long ticket)
    {
        _receipts.Complete(ticket);
        _incoming.Progress.Set();
    }

    private async Task CloseAsync(LinkEnd end, Task reader)
    {
        Volatile.Write(ref _isClosing, true);
        _receipts.Close();
        Window.Close();
        _requests.Close(end.Reason == MqttDisconnectReason.AcknowledgmentTimedOut ? MqttRequestStatus.TimedOut : MqttRequestStatus.ConnectionLost);
        _incoming.Progress.Set();
        if (end.IsDead)
        {
            _connection.Abort();
        }
        else if (end.GoodBye is { } reason && (reason == MqttReasonCode.Success || _connection.Version == MqttProtocolVersion.V5))
        {
            _connection.Send(new DisconnectPacket(reason));
        }

        await _connection.CloseAsync(_writer, reader, _options.CloseTimeout);
    }

    private async Task<LinkEnd> WriterEndAsync() => await _writer
        ? LinkEnd.Lost("The writer was closed.")
        : LinkEnd.Lost(_connection.Sender.Error);

    private async Task<LinkEnd> WatchAsync(PeriodicTimer timer)
    {
        while (await timer.WaitForNextTickAsync())
        {
            if (_watch.Check() is { } silence)
            {
                return LinkEnd.Silence(silence);
            }

            var now = _options.Time.GetTimestamp();
            var isWindowUseless = Window.Expire(now);
            if (isWindowUseless || _requests.IsOverdue(now))
            {
                return LinkEnd.NoAcknowledgment;
            }
        }

        return LinkEnd.Lost("The watch was closed.");
    }

    LinkEnd? IPacketConsumer<LinkEnd>.Handle(FixedHeader header, ReadOnlyMemory<byte> body) => header.Type switch
    {
        PacketType.Publish => HandlePublish(header, body),
        PacketType.PubAck => HandlePubAck(header, body),
        PacketType.SubAck => HandleSubAck(header, body),
        PacketType.UnsubAck => HandleUnsubAck(header, body),
        PacketType.PingResp => HandlePingResp(header, body),
        PacketType.Disconnect => HandleDisconnect(header, body),
        _ => LinkEnd.Violation(WireFault.Protocol("A packet that a server must not send here, or that belongs to QoS 2.")),
    };

    LinkEnd IPacketConsumer<LinkEnd>.Violated(WireFault fault) => LinkEnd.Violation(fault);

    LinkEnd IPacketConsumer<LinkEnd>.Ended(string why) => LinkEnd.Lost(why);

    private LinkEnd? HandlePublish(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!PublishCodec.TryReadBody(header.Flags, body, _connection.Version, _topics, out var packet, out var fault))
        {
            return LinkEnd.Violation(fault);
        }

        if (packet.QoS == MqttQoS.ExactlyOnce)
        {
            return LinkEnd.Violation(new WireFault(MqttReasonCode.QoSNotSupported, "A QoS 2 message, which was never subscribed to."));
        }

        if (packet.Properties?.TopicAlias is not null)
        {
            return LinkEnd.Violation(new WireFault(MqttReasonCode.TopicAliasInvalid, "A topic alias, though none are allowed [MQTT-3.1.2-26]."));
        }

        if (_options.MessageHandler is null)
        {
            return null;
        }

        var ticket = packet.QoS == MqttQoS.AtLeastOnce ? _receipts.Add(packet.PacketIdentifier) : -1;
        _incoming.Add(new MqttIncomingMessage(this, ticket, packet, packet.Payload.ToArray()));
        return null;
    }

    private LinkEnd? HandlePubAck(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!PubAckCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault))
        {
            return LinkEnd.Violation(fault);
        }

        Window.Acknowledged(packet);
        return null;
    }

    private LinkEnd? HandleSubAck(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!SubAckCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault))
        {
            return LinkEnd.Violation(fault);
        }

        return _requests.Answer(packet.PacketIdentifier, packet.ReasonCodes, mayBeEmpty: false) ? null : WrongCount;
    }

    private LinkEnd? HandleUnsubAck(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!UnsubAckCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault))
        {
            return LinkEnd.Violation(fault);
        }

        var mayBeEmpty = _connection.Version == MqttProtocolVersion.V311;
        return _requests.Answer(packet.PacketIdentifier, packet.ReasonCodes, mayBeEmpty) ? null : WrongCount;
    }

    private LinkEnd? HandlePingResp(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (!PingRespCodec.TryReadBody(header.Flags, body, _connection.Version, out _, out var fault))
        {
            return LinkEnd.Violation(fault);
        }

        _watch.Answered();
        return null;
    }

    private LinkEnd? HandleDisconnect(FixedHeader header, ReadOnlyMemory<byte> body)
    {
        if (_connection.Version == MqttProtocolVersion.V311)
        {
            return LinkEnd.Violation(WireFault.Protocol("A DISCONNECT from a 3.1.1 server."));
        }

        return DisconnectCodec.TryReadBody(header.Flags, body, _connection.Version, out var packet, out var fault)
            ? LinkEnd.ByServer(packet)
            : LinkEnd.Violation(fault);
    }

    private static LinkEnd WrongCount => LinkEnd.Violation(
        WireFault.Protocol("An acknowledgment does not have one code for each filter [MQTT-3.9.3-1]."));
}
