using System.Security.Cryptography;
using ZfRepl.Mqtt.Topics;
using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Client;

/// <summary>
/// An MQTT client for 3.1.1 and 5.0 that keeps itself connected. <see cref="RunAsync"/> owns the connection: it tries the hosts for ever, with
/// growing delays, and makes the remembered subscriptions again. Publishing gives a typed result and is never repeated by the client. All
/// members are thread-safe.
/// </summary>
public sealed class MqttClient : IAsyncDisposable
{
    private const int FiltersPerRequest = 100;

    private readonly MqttClientOptions _options;
    private readonly SubscriptionMemory _subscriptions = new();
    private readonly PublishOperationPool _pool = new();
    private readonly IncomingQueue _incoming;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposal = new();
    private ClientLink? _link;
    private int _connection;
    private Task? _run;
    private bool _isDisposed;
    private string _clientId;
    private MqttStateChange _state = new(MqttClientState.Stopped, MqttDisconnectReason.None, "Not started.");

    /// <summary>Checks and keeps the options; nothing is started.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MqttClient(MqttClientOptions options)
    {
        options.Check();
        _options = options;
        _clientId = options.ClientId;
        _incoming = new IncomingQueue(options.MaxIncomingMessages, options.MaxIncomingBytes);
    }

    /// <summary>The last change of state.</summary>
    public MqttStateChange State => Volatile.Read(ref _state);

    /// <summary>True between a connection's subscriptions and its end; only a hint, as it may end at any moment.</summary>
    public bool IsConnected => State.State == MqttClientState.Connected;

    /// <summary>
    /// Connects, and stays connected until <paramref name="cancellationToken"/> is cancelled or the client is disposed; then says good-bye to
    /// the server and returns. Messages that the handler has not seen by then stay unacknowledged. Throws what the handlers throw. May be
    /// called again after it has returned.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is running already.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed.</exception>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_run is { IsCompleted: false })
            {
                throw new InvalidOperationException("The client is running already.");
            }

            return _run = RunCoreAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Publishes one message. The task ends with the acknowledgment (QoS 1) or when the operating system has the bytes (QoS 0), and always
    /// within <see cref="MqttClientOptions.AckTimeout"/>. With a full window the message waits its turn; with a full queue the result is
    /// <see cref="MqttPublishStatus.QueueFull"/> at once.
    /// </summary>
    /// <param name="topic">A topic name.</param>
    /// <param name="payload">The payload, which must not be changed until the task has ended; it is not looked at any more afterwards.</param>
    /// <param name="qos">0 or 1.</param>
    /// <param name="retain">Whether the broker keeps the message for later subscribers; an empty payload removes it.</param>
    /// <param name="cancellationToken">Gives up waiting. The message may have been sent.</param>
    /// <exception cref="ArgumentException">The topic is not a topic name, or the quality of service is not 0 or 1.</exception>
    public ValueTask<MqttPublishResult> PublishAsync(
        string topic, ReadOnlyMemory<byte> payload, MqttQoS qos = MqttQoS.AtLeastOnce, bool retain = false, CancellationToken cancellationToken = default)
    {
        if (!MqttTopic.IsValidName(topic))
        {
            throw new ArgumentException("Not a topic name.", nameof(topic));
        }

        if (qos is not (MqttQoS.AtMostOnce or MqttQoS.AtLeastOnce))
        {
            throw new ArgumentOutOfRangeException(nameof(qos), qos, "QoS is 0 or 1.");
        }

        return Volatile.Read(ref _link) is { } link
            ? link.Window.Publish(topic, payload, qos, retain, cancellationToken)
            : ValueTask.FromResult(new MqttPublishResult(MqttPublishStatus.NotConnected));
    }

    /// <summary>
    /// Subscribes, and remembers the filters for later connections. A filter that the server refuses is forgotten again. Without a connection
    /// the result says so, and the filters are asked for at the next one; refusals then appear in <see cref="MqttStateChange.RefusedFilters"/>.
    /// </summary>
    /// <param name="subscriptions">1 to 100 filters, of QoS 0 or 1.</param>
    /// <param name="cancellationToken">Gives up waiting for the answer; the filters stay remembered.</param>
    /// <exception cref="ArgumentException">A filter is not valid, or their number.</exception>
    /// <exception cref="InvalidOperationException">There is no handler for messages.</exception>
    public async Task<MqttSubscribeResult> SubscribeAsync(IReadOnlyList<MqttSubscription> subscriptions, CancellationToken cancellationToken = default)
    {
        CheckFilters(subscriptions.Count, subscriptions.Select(s => s.Filter));
        if (subscriptions.Any(s => s.MaximumQoS > MqttQoS.AtLeastOnce))
        {
            throw new ArgumentException("QoS 2 is not supported.", nameof(subscriptions));
        }

        if (_options.MessageHandler is null)
        {
            throw new InvalidOperationException("A client without a message handler cannot subscribe.");
        }

        _subscriptions.Want(subscriptions);
        if (Current() is not { } current)
        {
            return new MqttSubscribeResult(MqttRequestStatus.NotConnected, []);
        }

        var result = await current.Link.SubscribeAsync(subscriptions).WaitAsync(cancellationToken);
        for (var i = 0; i < result.ReasonCodes.Count; i++)
        {
            _subscriptions.Settle(current.Number, subscriptions[i], result.ReasonCodes[i]);
            _subscriptions.Drop(subscriptions[i].Filter);
        }

        return result;
    }

    /// <summary>Takes subscriptions back, now or at the next connection. Messages that are on their way still come.</summary>
    /// <param name="filters">1 to 100 filters, spelled as they were subscribed.</param>
    /// <param name="cancellationToken">Gives up waiting for the answer.</param>
    /// <exception cref="ArgumentException">A filter is not valid, or their number.</exception>
    public async Task<MqttSubscribeResult> UnsubscribeAsync(IReadOnlyList<string> filters, CancellationToken cancellationToken = default)
    {
        CheckFilters(filters.Count, filters);
        _subscriptions.Unwant(filters);
        if (Current() is not { } current)
        {
            return new MqttSubscribeResult(MqttRequestStatus.NotConnected, []);
        }

        var result = await current.Link.UnsubscribeAsync(filters).WaitAsync(cancellationToken);
        SettleUnsubscribed(current.Number, filters, result);
        return result;
    }

    /// <summary>Stops the client, and waits until <see cref="RunAsync"/> has ended. Its failure is reported by its own task only.</summary>
    public async ValueTask DisposeAsync()
    {
        Task? run;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            run = _run;
        }

        await _disposal.CancelAsync();
        if (run is not null)
        {
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _disposal.Dispose();
    }

    private static void CheckFilters(int count, IEnumerable<string> filters)
    {
        if (count is 0 or > FiltersPerRequest)
        {
            throw new ArgumentException($"A request holds 1 to {FiltersPerRequest} filters.", nameof(filters));
        }

        if (filters.FirstOrDefault(f => !MqttTopic.IsValidFilter(f)) is { } bad)
        {
            throw new ArgumentException($"Not a topic filter: {bad}", nameof(filters));
        }
    }

    private (ClientLink Link, int Number)? Current()
    {
        lock (_gate)
        {
            return _link is { } link ? (link, _connection) : null;
        }
    }

    private async Task RunCoreAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposal.Token);
        await using var wake = stop.Token.UnsafeRegister(static queue => ((IncomingQueue)queue!).Wake(), _incoming);
        var handling = HandleMessagesAsync(stop.Token);
        var connecting = StayConnectedAsync(stop.Token);
        try
        {
            await await Task.WhenAny(handling, connecting);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(handling, connecting);
            ClientLog.Stopped(_options.Log, _clientId);
            Announce(new MqttStateChange(MqttClientState.Stopped, MqttDisconnectReason.Stopped, "Stopped."));
        }
    }

    private async Task HandleMessagesAsync(CancellationToken stop)
    {
        // Leaves the caller's thread: nothing of the loop runs inside RunAsync itself.
        await Task.Yield();
        while (await _incoming.TakeAsync(stop) is { } message)
        {
            try
            {
                await _options.MessageHandler!(message, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The handler stopped as it was told to; its message stays unacknowledged.
                return;
            }
        }
    }

    private async Task StayConnectedAsync(CancellationToken stop)
    {
        await Task.Yield();
        var random = new Random(RandomNumberGenerator.GetInt32(int.MaxValue));
        var delay = new ReconnectDelay(_options.ReconnectDelayMin, _options.ReconnectDelayMax, random);
        var hosts = new HostRotation(_options.Hosts, _options.RandomizeHosts ? random : null);
        while (!stop.IsCancellationRequested)
        {
            var host = hosts.Next();
            Announce(new MqttStateChange(MqttClientState.Connecting, MqttDisconnectReason.None, $"Connecting to {host}.") { Host = host });
            var started = _options.Time.GetTimestamp();
            var end = await ConnectAsync(host, stop);
            if (_options.Time.GetElapsedTime(started) >= _options.StableAfter && State.State == MqttClientState.Connected)
            {
                delay.Reset();
                hosts.Restart();
                await WaitAsync(host, end, delay.Next(), stop);
            }
            else
            {
                await WaitAsync(host, end, hosts.IsRoundOver ? DelayAfter(end, delay) : TimeSpan.Zero, stop);
            }
        }
    }

    /// <summary>Neither wrong credentials nor somebody else under the same identifier go away within seconds.</summary>
    private static TimeSpan DelayAfter(LinkEnd end, ReconnectDelay delay) =>
        end.Reason is MqttDisconnectReason.NotAuthorized or MqttDisconnectReason.SessionTakenOver ? delay.AfterRefusal() : delay.Next();

    private async Task WaitAsync(MqttHost host, LinkEnd end, TimeSpan delay, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
        {
            return;
        }

        var isRefusal = end.Reason == MqttDisconnectReason.NotAuthorized;
        if (isRefusal)
        {
            ClientLog.Refused(_options.Log, _clientId, host, end.Detail, delay.TotalSeconds);
        }
        else
        {
            ClientLog.Waiting(_options.Log, _clientId, host, end.Reason, end.Detail, delay.TotalSeconds);
        }

        Announce(new MqttStateChange(isRefusal ? MqttClientState.Refused : MqttClientState.Waiting, end.Reason, end.Detail)
        {
            Host = host,
            ReasonCode = end.ReasonCode,
            RetryIn = delay,
        });
        await Task.Delay(delay, _options.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>One connection from the first byte to the last.</summary>
    private async Task<LinkEnd> ConnectAsync(MqttHost host, CancellationToken stop)
    {
        var (link, end) = await OpenAsync(host, stop);
        if (link is null)
        {
            return end;
        }

        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var run = link.RunAsync(giveUp.Token);
        try
        {
            if (await RestoreSubscriptionsAsync(link))
            {
                ClientLog.Connected(_options.Log, _clientId, host, link.Accepted.SessionPresent);
                Announce(new MqttStateChange(MqttClientState.Connected, MqttDisconnectReason.None, $"Connected to {host}.")
                {
                    Host = host,
                    SessionPresent = link.Accepted.SessionPresent,
                    RefusedFilters = _subscriptions.Refused(),
                });
            }

            return await run;
        }
        finally
        {
            lock (_gate)
            {
                _link = null;
            }

            await giveUp.CancelAsync();
            await ((Task)run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<(ClientLink? Link, LinkEnd End)> OpenAsync(MqttHost host, CancellationToken stop)
    {
        using var patience = new CancellationTokenSource(_options.ConnectTimeout, _options.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stop);
        var opened = await ClientTransport.OpenAsync(host, _options.Tls, _options.MaxPacketSize, _options.Time, _options.Log, limit.Token);
        if (opened.Connection is not { } connection)
        {
            return (null, new LinkEnd(opened.Reason, opened.Detail));
        }

        await using var cut = limit.Token.UnsafeRegister(static c => ((PacketConnection)c!).Abort(), connection);
        var writer = connection.RunSenderAsync();
        var (accepted, end) = await ClientHandshake.RunAsync(connection, ClientHandshake.Describe(_options, _clientId));
        if (accepted is not null)
        {
            _clientId = accepted.Properties?.AssignedClientIdentifier ?? _clientId;
            return (new ClientLink(connection, writer, accepted, _options, _incoming, _pool), default);
        }

        connection.Abort();
        connection.Sender.Complete();
        await writer;
        connection.Dispose();
        return (null, patience.IsCancellationRequested
            ? new LinkEnd(MqttDisconnectReason.ConnectTimedOut, "The server did not answer CONNECT in time.")
            : end);
    }

    /// <summary>
    /// Asks for what is remembered and not confirmed by a kept session, then opens the connection for the owner. Both under one lock at the
    /// end, so that a filter that is added meanwhile is either seen here or sent by its caller.
    /// </summary>
    private async Task<bool> RestoreSubscriptionsAsync(ClientLink link)
    {
        var number = _subscriptions.Connected(link.Accepted.SessionPresent);
        while (true)
        {
            IReadOnlyList<MqttSubscription> subscribe;
            IReadOnlyList<string> unsubscribe;
            lock (_gate)
            {
                (subscribe, unsubscribe) = _subscriptions.Open(FiltersPerRequest);
                if (subscribe.Count == 0 && unsubscribe.Count == 0)
                {
                    _connection = number;
                    _link = link;
                    return true;
                }
            }

            if (unsubscribe.Count > 0 && !SettleUnsubscribed(number, unsubscribe, await link.UnsubscribeAsync(unsubscribe)))
            {
                return false;
            }

            if (subscribe.Count > 0 && !SettleSubscribed(number, subscribe, await link.SubscribeAsync(subscribe)))
            {
                return false;
            }
        }
    }

    private bool SettleSubscribed(int connection, IReadOnlyList<MqttSubscription> subscriptions, MqttSubscribeResult result)
    {
        for (var i = 0; i < result.ReasonCodes.Count; i++)
        {
            _subscriptions.Settle(connection, subscriptions[i], result.ReasonCodes[i]);
            if (result.ReasonCodes[i].IsFailure())
            {
                ClientLog.FilterRefused(_options.Log, _clientId, subscriptions[i].Filter, result.ReasonCodes[i].Describe());
            }
        }

        return result.Status == MqttRequestStatus.Answered;
    }

    private bool SettleUnsubscribed(int connection, IReadOnlyList<string> filters, MqttSubscribeResult result)
    {
        foreach (var filter in result.Status == MqttRequestStatus.Answered ? filters : [])
        {
            _subscriptions.SettleUnwanted(connection, filter);
        }

        return result.Status == MqttRequestStatus.Answered;
    }

    private void Announce(MqttStateChange change)
    {
        Volatile.Write(ref _state, change);
        _options.StateHandler?.Invoke(change);
    }
}
