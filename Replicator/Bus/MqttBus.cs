using Microsoft.Extensions.Logging;
using ZfRepl.Core.Transfer;
using ZfRepl.Mqtt;
using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Replicator.Bus;

/// <summary>The messages seam over MQTT: one connection, that keeps itself up. Thread-safe.</summary>
public sealed class MqttBus : IMessageBus, IAsyncDisposable
{
    // What is not acknowledged yet is all that moves in a round trip. A 5.0 broker says how many it takes, and never takes more than it is told here.
    private const int InFlight = 512;

    private const int MaxNameChars = 51;

    private readonly MqttClient _client;
    private readonly MqttQoS _qos;
    private readonly Lock _gate = new();
    private readonly List<Subscription> _subscriptions = [];
    private bool _wasConnected;

    /// <summary>A bus that <see cref="RunAsync"/> connects.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="clientName">What the connection calls itself; a random part is added, since two may not be called the same.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public MqttBus(MqttBusOptions options, string clientName, TimeProvider time, ILogger logger)
    {
        _qos = options.QoS;
        _client = new MqttClient(new MqttClientOptions
        {
            Hosts = options.Hosts,
            RandomizeHosts = options.RandomizeHosts,
            ProtocolVersion = options.Version,
            ClientId = UniqueId(clientName),
            UserName = options.UserName,
            Password = options.Password,
            Tls = options.CaFile is null ? null : new MqttTlsOptions { CaFile = options.CaFile },
            KeepAlive = options.PingInterval,
            PingTimeout = options.PingInterval,
            MaxQueuedMessages = options.QueueSize,
            MaxInFlight = InFlight,
            ReceiveMaximum = InFlight,
            MaxIncomingMessages = InFlight,
            ReconnectDelayMax = options.ReconnectDelayMax,
            MessageHandler = HandleAsync,
            StateHandler = Changed,
            Time = time,
            Log = logger,
        });
    }

    /// <inheritdoc/>
    public event Action<bool>? ConnectionChanged;

    /// <inheritdoc/>
    public bool IsConnected => _client.IsConnected;

    /// <summary>What the connection is doing, in one sentence.</summary>
    public string State => _client.State.Detail;

    /// <summary>Keeps the connection up until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => _client.RunAsync(cancellationToken);

    /// <inheritdoc/>
    public async Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var result = await _client.PublishAsync(topic, payload, _qos, retain: false, cancellationToken);
        return result.Status switch
        {
            MqttPublishStatus.Acknowledged or MqttPublishStatus.Written => BusResult.Sent,
            MqttPublishStatus.NotConnected => BusResult.NotConnected,
            MqttPublishStatus.ConnectionLost or MqttPublishStatus.TimedOut => BusResult.Unknown,
            MqttPublishStatus.TooLarge => BusResult.Unacceptable,
            MqttPublishStatus.Refused => result.ReasonCode switch
            {
                MqttReasonCode.NotAuthorized or MqttReasonCode.TopicNameInvalid => BusResult.Forbidden,
                MqttReasonCode.PacketTooLarge or MqttReasonCode.PayloadFormatInvalid or MqttReasonCode.MalformedPacket => BusResult.Unacceptable,
                _ => BusResult.Refused,
            },
            _ => BusResult.Refused,
        };
    }

    /// <inheritdoc/>
    public IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler)
    {
        var subscription = new Subscription(this, filter, handler);
        lock (_gate)
        {
            _subscriptions.Add(subscription);
        }

        // Remembered for every connection to come, whatever the answer to this one is.
        subscription.Asking = _client.SubscribeAsync([new MqttSubscription(filter, _qos)]);
        return subscription;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _client.DisposeAsync();

    /// <summary>A name as long as brokers take; what is too long is cut, and never the part that makes it unique.</summary>
    internal static string UniqueId(string clientName) =>
        $"{(clientName.Length <= MaxNameChars ? clientName : clientName[..MaxNameChars])}-{Guid.NewGuid():N}"[..(Math.Min(clientName.Length, MaxNameChars) + 9)];

    private async ValueTask HandleAsync(MqttIncomingMessage message, CancellationToken cancellationToken)
    {
        Subscription[] subscriptions;
        lock (_gate)
        {
            subscriptions = [.. _subscriptions.Where(s => MqttTopic.Matches(s.Filter, message.Topic))];
        }

        foreach (var subscription in subscriptions)
        {
            await subscription.Handler(message.Topic, message.Payload);
        }

        // Our own confirmation decides over data; for the broker the message is done.
        message.Acknowledge();
    }

    private void Changed(MqttStateChange change)
    {
        var isConnected = change.State == MqttClientState.Connected;
        if (isConnected != _wasConnected)
        {
            _wasConnected = isConnected;
            ConnectionChanged?.Invoke(isConnected);
        }
    }

    private sealed class Subscription(MqttBus owner, string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler) : IDisposable
    {
        public string Filter => filter;

        public Func<string, ReadOnlyMemory<byte>, ValueTask> Handler => handler;

        /// <summary>The request at the broker; its outcome is in the connection's state.</summary>
        public Task? Asking { get; set; }

        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._subscriptions.Remove(this);
            }
        }
    }
}
