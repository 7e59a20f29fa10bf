using System.Text;
using System.Threading.Channels;
using ZfRepl.Mqtt.Client;

namespace ZfRepl.Mqtt.Tests.Support;

/// <summary>A client that runs, with what it was told kept for the test to await.</summary>
internal sealed class TestClient : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Channel<MqttIncomingMessage> _messages = Channel.CreateUnbounded<MqttIncomingMessage>();
    private readonly Channel<MqttStateChange> _states = Channel.CreateUnbounded<MqttStateChange>();
    private Task _run = Task.CompletedTask;

    private TestClient()
    {
    }

    public MqttClient Client { get; private set; } = null!;

    /// <summary>The task of the client's own loop.</summary>
    public Task Run => _run;

    /// <summary>Acknowledges each message when the test takes it.</summary>
    public bool AcknowledgesByItself { get; set; } = true;

    /// <summary>Starts a client. The callback receives the options' two handlers and returns the options.</summary>
    public static TestClient Start(
        Func<Func<MqttIncomingMessage, CancellationToken, ValueTask>, Action<MqttStateChange>, MqttClientOptions> describe)
    {
        var self = new TestClient();
        self.Client = new MqttClient(describe(self.TakeAsync, self.Note));
        self._run = self.Client.RunAsync(CancellationToken.None);
        return self;
    }

    /// <summary>A client with short times for one plain host.</summary>
    public static TestClient Start(int port, MqttProtocolVersion version = MqttProtocolVersion.V5, string clientId = "", bool cleanStart = true) =>
        Start((messages, states) => Options(port, version, messages, states, clientId, cleanStart));

    public static MqttClientOptions Options(
        int port,
        MqttProtocolVersion version,
        Func<MqttIncomingMessage, CancellationToken, ValueTask> messages,
        Action<MqttStateChange> states,
        string clientId = "",
        bool cleanStart = true) => new()
        {
            Hosts = [new MqttHost("127.0.0.1", port)],
            ProtocolVersion = version,
            ClientId = clientId,
            CleanStart = cleanStart,
            SessionExpiry = cleanStart ? TimeSpan.Zero : TimeSpan.FromMinutes(10),
            CloseTimeout = TimeSpan.FromMilliseconds(500),
            ReconnectDelayMin = TimeSpan.FromMilliseconds(20),
            ReconnectDelayMax = TimeSpan.FromMilliseconds(200),
            MessageHandler = messages,
            StateHandler = states,
        };

    /// <summary>Waits for a change to this state, skipping others.</summary>
    public async Task<MqttStateChange> StateAsync(MqttClientState state, MqttDisconnectReason? reason = null)
    {
        using var limit = new CancellationTokenSource(Limit);
        var seen = new StringBuilder();
        try
        {
            while (true)
            {
                var change = await _states.Reader.ReadAsync(limit.Token);
                seen.AppendLine(change.ToString());
                if (change.State == state && (reason is null || change.Reason == reason))
                {
                    return change;
                }
            }
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"The client did not get to {state} {reason}. It was told:\n{seen}", e);
        }
    }

    /// <summary>Waits until it is connected, and fails with the reason when it is not in time.</summary>
    public Task<MqttStateChange> ConnectedAsync() => StateAsync(MqttClientState.Connected);

    public async Task SubscribeAsync(params MqttSubscription[] subscriptions)
    {
        var result = await Client.SubscribeAsync(subscriptions);
        Assert.True(result.IsSuccess, $"{result.Status}: {string.Join(' ', result.ReasonCodes)}");
    }

    public async Task PublishAsync(string topic, string text, MqttQoS qos = MqttQoS.AtLeastOnce, bool retain = false)
    {
        var result = await Client.PublishAsync(topic, Encoding.UTF8.GetBytes(text), qos, retain);
        Assert.True(result.IsSuccess, result.ToString());
    }

    /// <summary>The next message.</summary>
    public async Task<MqttIncomingMessage> MessageAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            var message = await _messages.Reader.ReadAsync(limit.Token);
            if (AcknowledgesByItself)
            {
                message.Acknowledge();
            }

            return message;
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"No message came. The client's state: {Client.State}", e);
        }
    }

    /// <summary>The text of the next message.</summary>
    public async Task<string> TextAsync() => Encoding.UTF8.GetString((await MessageAsync()).Payload.Span);

    /// <summary>True when nothing has come that was not taken.</summary>
    public bool HasNoMessage => !_messages.Reader.TryPeek(out _);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _run;
    }

    private ValueTask TakeAsync(MqttIncomingMessage message, CancellationToken stop) => _messages.Writer.WriteAsync(message, stop);

    private void Note(MqttStateChange change) => _states.Writer.TryWrite(change);
}
