using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Client;

/// <summary>
/// Received messages on their way from the reading loop to the handler. Adding never fails; the reader looks at <see cref="IsFull"/> afterwards
/// and stops reading, so that at most one packet goes beyond the bounds. Outlives connections: what came is handled even when the connection is gone.
/// </summary>
internal sealed class IncomingQueue(int messagesMax, long bytesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<MqttIncomingMessage> _messages = new();
    private readonly AsyncSignal _arrived = new();
    private long _bytes;

    /// <summary>Set whenever the reader may have reason to go on: a message was taken out, or acknowledged.</summary>
    public AsyncSignal Progress { get; } = new();

    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _messages.Count >= messagesMax || _bytes >= bytesMax;
            }
        }
    }

    public void Add(MqttIncomingMessage message)
    {
        lock (_gate)
        {
            _messages.Enqueue(message);
            _bytes += message.Payload.Length;
        }

        _arrived.Set();
    }

    /// <summary>The next message, or null when the queue was woken to end.</summary>
    public async ValueTask<MqttIncomingMessage?> TakeAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (TryTake() is { } message)
            {
                Progress.Set();
                return message;
            }

            await _arrived.WaitAsync();
        }

        return null;
    }

    /// <summary>Makes a waiting <see cref="TakeAsync"/> look at its token.</summary>
    public void Wake() => _arrived.Set();

    private MqttIncomingMessage? TryTake()
    {
        lock (_gate)
        {
            if (!_messages.TryDequeue(out var message))
            {
                return null;
            }

            _bytes -= message.Payload.Length;
            return message;
        }
    }
}
