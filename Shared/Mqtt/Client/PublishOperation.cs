using System.Threading.Tasks.Sources;

namespace ZfRepl.Mqtt.Client;

/// <summary>
/// One call of <see cref="MqttClient.PublishAsync"/> while it is under way: the message as long as it waits, and the caller's awaitable. Used
/// again for later calls, so that publishing does not leave garbage behind. Guarded by the lock of the window it belongs to.
/// </summary>
internal sealed class PublishOperation : IValueTaskSource<MqttPublishResult>
{
    private readonly PublishOperationPool _pool;
    private ManualResetValueTaskSourceCore<MqttPublishResult> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;

    public PublishOperation(PublishOperationPool pool)
    {
        _pool = pool;
        Place = new LinkedListNode<PublishOperation>(this);
    }

    public PublishWindow? Window { get; private set; }

    public string Topic { get; private set; } = "";

    public ReadOnlyMemory<byte> Payload { get; private set; }

    public bool Retain { get; private set; }

    public int PacketSize { get; private set; }

    /// <summary>Timestamp at which the caller gets <see cref="MqttPublishStatus.TimedOut"/>.</summary>
    public long Deadline { get; private set; }

    public CancellationToken Cancellation { get; private set; }

    /// <summary>The place in the waiting list.</summary>
    public LinkedListNode<PublishOperation> Place { get; }

    public bool IsPending { get; private set; }

    /// <summary>Tells one use of the object from the next. Wider than <see cref="Version"/>, which a busy client runs through in seconds.</summary>
    public long Use { get; private set; }

    /// <summary>The token of the caller's awaitable.</summary>
    public short Version => _core.Version;

    public void Begin(
        PublishWindow window, string topic, ReadOnlyMemory<byte> payload, bool retain, int packetSize, long deadline, CancellationToken cancellation)
    {
        (Window, Topic, Payload, Retain, PacketSize) = (window, topic, payload, retain, packetSize);
        (Deadline, Cancellation, IsPending) = (deadline, cancellation, true);
        Use++;
    }

    /// <summary>Called once, after <see cref="Begin"/> and outside of the window's lock: a token that is cancelled already calls back at once.</summary>
    public void WatchCancellation()
    {
        if (Cancellation.CanBeCanceled)
        {
            _registration = Cancellation.UnsafeRegister(
                static (self, token) => ((PublishOperation)self!).Window?.Cancel((PublishOperation)self, token), this);
        }
    }

    /// <summary>The message is encoded, or will never be: the caller's memory is not looked at again.</summary>
    public void ForgetMessage() => (Topic, Payload) = ("", default);

    public void Complete(MqttPublishResult result)
    {
        IsPending = false;
        ForgetMessage();
        _core.SetResult(result);
    }

    public void CompleteCancelled(CancellationToken token)
    {
        IsPending = false;
        ForgetMessage();
        _core.SetException(new OperationCanceledException(token));
    }

    MqttPublishResult IValueTaskSource<MqttPublishResult>.GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _registration.Unregister();
            _registration = default;
            Cancellation = CancellationToken.None;
            _core.Reset();
            _pool.Return(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<MqttPublishResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<MqttPublishResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

/// <summary>Operations that are free. Thread-safe, bounded.</summary>
internal sealed class PublishOperationPool
{
    private const int KeptMax = 1_024;

    private readonly Lock _gate = new();
    private readonly Stack<PublishOperation> _free = new();

    public PublishOperation Rent()
    {
        lock (_gate)
        {
            return _free.TryPop(out var operation) ? operation : new PublishOperation(this);
        }
    }

    public void Return(PublishOperation operation)
    {
        lock (_gate)
        {
            if (_free.Count < KeptMax)
            {
                _free.Push(operation);
            }
        }
    }
}
