using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Transport;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Client;

/// <summary>
/// The outgoing messages of one connection. QoS 1: at most so many unacknowledged as the server takes (flow control, MQTT 5.0, 4.9); the rest
/// waits in order, bounded in messages and bytes. QoS 0: until the socket has them. A message is encoded at the moment it is sent, under the lock,
/// so that the caller's memory is his own again whenever his task ends. A packet identifier whose caller has given up stays in use until the
/// acknowledgment comes or the connection ends. Thread-safe.
/// </summary>
internal sealed class PublishWindow(
    PacketConnection connection, PacketIdentifiers identifiers, ServerLimits limits, MqttClientOptions options, PublishOperationPool pool)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ushort, InFlight> _inFlight = [];
    private readonly LinkedList<PublishOperation> _waiting = [];
    private readonly Queue<Unwritten> _unwritten = new();
    private long _waitingBytes;
    private bool _isClosed;

    /// <summary>Messages sent and not acknowledged.</summary>
    public int InFlightCount
    {
        get
        {
            lock (_gate)
            {
                return _inFlight.Count;
            }
        }
    }

    public ValueTask<MqttPublishResult> Publish(
        string topic, ReadOnlyMemory<byte> payload, MqttQoS qos, bool retain, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<MqttPublishResult>(cancellation);
        }

        if (RefuseByLimits(qos, retain) is { } code)
        {
            return ValueTask.FromResult(new MqttPublishResult(MqttPublishStatus.Refused, code));
        }

        if (MeasurePacket(topic, payload, qos) is not { } size)
        {
            return ValueTask.FromResult(new MqttPublishResult(MqttPublishStatus.TooLarge));
        }

        PublishOperation operation;
        lock (_gate)
        {
            if (Admit(size) is { } refusal)
            {
                return ValueTask.FromResult(new MqttPublishResult(refusal));
            }

            operation = pool.Rent();
            operation.Begin(this, topic, payload, retain, size, Deadline(options.AckTimeout), cancellation);
            Take(operation, qos);
        }

        operation.WatchCancellation();
        return new ValueTask<MqttPublishResult>(operation, operation.Version);
    }

    /// <summary>PUBACK. One for an identifier that is not in use belongs to an earlier life, and is dropped.</summary>
    public void Acknowledged(in PubAckPacket packet)
    {
        lock (_gate)
        {
            if (_isClosed || !_inFlight.Remove(packet.PacketIdentifier, out var entry))
            {
                return;
            }

            identifiers.Release(packet.PacketIdentifier);
            var status = packet.ReasonCode.IsFailure() ? MqttPublishStatus.Refused : MqttPublishStatus.Acknowledged;
            if (entry.IsCurrent)
            {
                entry.Operation.Complete(new MqttPublishResult(status, packet.ReasonCode));
            }

            StartWaiting();
        }
    }

    /// <summary>The socket has taken everything up to this position.</summary>
    public void Written(long position)
    {
        lock (_gate)
        {
            while (_unwritten.TryPeek(out var first) && first.Position <= position)
            {
                _unwritten.Dequeue();
                if (first.IsCurrent)
                {
                    first.Operation.Complete(new MqttPublishResult(MqttPublishStatus.Written));
                }
            }
        }
    }

    /// <summary>Ends what has waited too long. True when an acknowledgment is so late that the connection is useless.</summary>
    public bool Expire(long now)
    {
        lock (_gate)
        {
            while (_waiting.First?.Value is { } first && first.Deadline <= now)
            {
                Withdraw(first);
                first.Complete(new MqttPublishResult(MqttPublishStatus.TimedOut));
            }

            foreach (var entry in _unwritten)
            {
                if (entry.IsCurrent && entry.Operation.Deadline <= now)
                {
                    entry.Operation.Complete(new MqttPublishResult(MqttPublishStatus.TimedOut));
                }
            }

            return ExpireInFlight(now);
        }
    }

    public void Cancel(PublishOperation operation, CancellationToken token)
    {
        lock (_gate)
        {
            if (operation.Window != this || operation.Cancellation != token || !operation.IsPending)
            {
                return;
            }

            if (operation.Place.List is not null)
            {
                Withdraw(operation);
            }

            operation.CompleteCancelled(token);
        }
    }

    /// <summary>The connection is over: every caller learns it, and later ones get NotConnected.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            var lost = new MqttPublishResult(MqttPublishStatus.ConnectionLost);
            foreach (var entry in _inFlight.Values.Where(e => e.IsCurrent))
            {
                entry.Operation.Complete(lost);
            }

            foreach (var entry in _unwritten.Where(e => e.IsCurrent))
            {
                entry.Operation.Complete(lost);
            }

            while (_waiting.First?.Value is { } first)
            {
                // Never sent, so the clearer answer of the two.
                Withdraw(first);
                first.Complete(new MqttPublishResult(MqttPublishStatus.NotConnected));
            }

            _inFlight.Clear();
            _unwritten.Clear();
        }
    }

    private MqttReasonCode? RefuseByLimits(MqttQoS qos, bool retain)
    {
        if (qos != MqttQoS.AtMostOnce && !limits.AllowsQoS1)
        {
            return MqttReasonCode.QoSNotSupported;
        }

        return retain && !limits.AllowsRetain ? MqttReasonCode.RetainNotSupported : null;
    }

    private int? MeasurePacket(string topic, ReadOnlyMemory<byte> payload, MqttQoS qos)
    {
        var head = PacketEncoder.MeasureBody<PublishCodec, PublishPacket>(new PublishPacket(topic, default, qos, 1), connection.Version);
        if (payload.Length > WireLimits.RemainingLengthMax - head)
        {
            return null;
        }

        var size = PacketEncoder.PacketSize(head + payload.Length);
        return size <= limits.MaximumPacketSize ? size : null;
    }

    private MqttPublishStatus? Admit(int size)
    {
        if (_isClosed)
        {
            return MqttPublishStatus.NotConnected;
        }

        var backlog = _waitingBytes + connection.Sender.PendingBytes;
        var isFull = _waiting.Count + _unwritten.Count >= options.MaxQueuedMessages || (backlog > 0 && backlog + size > options.MaxQueuedBytes);
        return isFull ? MqttPublishStatus.QueueFull : null;
    }

    private void Take(PublishOperation operation, MqttQoS qos)
    {
        if (qos == MqttQoS.AtMostOnce)
        {
            connection.Send(new PublishPacket(operation.Topic, operation.Payload, qos, 0, operation.Retain));
            operation.ForgetMessage();
            _unwritten.Enqueue(new Unwritten(operation, operation.Use, connection.Sender.AppendedBytes));
        }
        else if (_waiting.Count == 0 && _inFlight.Count < limits.ReceiveMaximum)
        {
            Send(operation);
        }
        else
        {
            _waiting.AddLast(operation.Place);
            _waitingBytes += operation.PacketSize;
        }
    }

    private void StartWaiting()
    {
        while (_inFlight.Count < limits.ReceiveMaximum && _waiting.First?.Value is { } next)
        {
            Withdraw(next);
            Send(next);
        }
    }

    private void Send(PublishOperation operation)
    {
        var identifier = identifiers.Take();
        _inFlight.Add(identifier, new InFlight(operation, operation.Use, Deadline(options.AckTimeout * 2)));
        connection.Send(new PublishPacket(operation.Topic, operation.Payload, MqttQoS.AtLeastOnce, identifier, operation.Retain));
        operation.ForgetMessage();
    }

    private void Withdraw(PublishOperation operation)
    {
        _waiting.Remove(operation.Place);
        _waitingBytes -= operation.PacketSize;
    }

    private bool ExpireInFlight(long now)
    {
        var isUseless = false;
        foreach (var entry in _inFlight.Values)
        {
            isUseless |= entry.UselessAt <= now;
            if (entry.IsCurrent && entry.Operation.Deadline <= now)
            {
                entry.Operation.Complete(new MqttPublishResult(MqttPublishStatus.TimedOut));
            }
        }

        return isUseless;
    }

    private long Deadline(TimeSpan span) => options.Time.TimestampAfter(span);

    /// <summary>A packet identifier in use. Its caller may have given up, and the object serve another call by now.</summary>
    private readonly record struct InFlight(PublishOperation Operation, long Use, long UselessAt)
    {
        public bool IsCurrent => Operation.Use == Use && Operation.IsPending;
    }

    /// <summary>A QoS 0 message on its way to the socket, with the same caution.</summary>
    private readonly record struct Unwritten(PublishOperation Operation, long Use, long Position)
    {
        public bool IsCurrent => Operation.Use == Use && Operation.IsPending;
    }
}
