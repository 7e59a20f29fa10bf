namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// A PUBACK that waits until the consumers whose queues are too long have caught up. Counts them, and itself until routing is done, so that
/// it cannot leave half-way. Thread-safe.
/// </summary>
internal sealed class HeldAcknowledgment(BrokerInbound publisher, long ticket, int bytes)
{
    private int _pending = 1;

    public void AddConsumer() => Interlocked.Increment(ref _pending);

    /// <summary>One consumer has caught up, or is gone, or routing is done; the last one lets the PUBACK go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _pending) == 0)
        {
            publisher.Unhold(ticket, bytes);
        }
    }
}

/// <summary>One publication while it is routed.</summary>
/// <param name="publisher">Null when nobody waits for an acknowledgment: QoS 0, wills.</param>
/// <param name="ticket">The place in the publisher's order of acknowledgments.</param>
internal ref struct Publication(BrokerInbound? publisher, long ticket)
{
    /// <summary>Not null when the acknowledgment has to wait.</summary>
    public HeldAcknowledgment? Held { get; private set; }

    public readonly bool CanBeHeld => publisher is not null;

    /// <summary>Makes the acknowledgment wait for one more consumer; returns it.</summary>
    public HeldAcknowledgment Hold(int bytes)
    {
        if (Held is null)
        {
            Held = new HeldAcknowledgment(publisher!, ticket, bytes);
            publisher!.Hold(bytes);
        }

        Held.AddConsumer();
        return Held;
    }
}
