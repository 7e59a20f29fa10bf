using Microsoft.Extensions.Logging;

namespace ZfRepl.OpcUa.Client;

/// <summary>
/// Receives the changes of many items and loses none of them silently: every notification reaches the host in the order of its number, is
/// acknowledged only when the host says that it is durable, and is asked for again after every break, also by the next process. What the
/// server does not have any more is entered into the host's books as a loss.
/// </summary>
/// <remarks>
/// <see cref="State"/> is thread-safe. <see cref="RunAsync"/> is called once. After a process ended in whatever way, the next one goes on
/// with the state that the host has kept: with the same session if the server still has it, else with the same subscription in a new session.
/// Memory is bounded: at most <see cref="SubscriptionOptions.UnacknowledgedMax"/> notifications are with the host, on their way or waiting;
/// when the host is slower than the plant, the queues at the server fill and mark what they drop.
/// </remarks>
/// <param name="client">How to reach the server.</param>
/// <param name="options">How the subscription is kept.</param>
/// <param name="host">Where the changes go.</param>
/// <param name="logger">The log.</param>
/// <param name="time">The clock.</param>
public sealed class Subscriber(
    UaClientOptions client, SubscriptionOptions options, ISubscriptionHost host, ILogger logger, TimeProvider time)
{
    private readonly SubscriberMemory _memory = new(host, options);
    private Status _status = new(false, "Not started.", 0, 0, 0);
    private string? _lastCause;

    /// <summary>How it is doing now.</summary>
    public SubscriberState State
    {
        get
        {
            var status = Volatile.Read(ref _status);
            return new SubscriberState(
                status.IsConnected, status.Text, _memory.Notifications, _memory.Values, _memory.Republished, status.Reconnects, status.Items,
                status.ItemsRefused);
        }
    }

    /// <summary>Connects and receives until it is cancelled; trouble with the connection or the server never ends it.</summary>
    /// <param name="cancellationToken">
    /// Ends it in order: it waits about two seconds for what is with the host, acknowledges what is durable, and closes the connection. Session
    /// and subscription stay at the server for the next process.
    /// </param>
    /// <returns>Why it ended by itself: the host said no, or the options contradict each other.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<UaError?> RunAsync(CancellationToken cancellationToken)
    {
        if (SessionConnector.FindMisconfiguration(client) is { } misconfiguration)
        {
            Show(status => status with { IsConnected = false, Text = misconfiguration.ToString() });
            return misconfiguration;
        }

        try
        {
            await LoadAsync(cancellationToken);
            return await KeepConnectingAsync(cancellationToken);
        }
        finally
        {
            await _memory.Window.SettleAsync(SubscriberConnection.GoodbyeLimit, time);
        }
    }

    private async Task<UaError?> KeepConnectingAsync(CancellationToken cancellationToken)
    {
        var delay = new ReconnectDelay(client.ReconnectDelayMin, client.ReconnectDelayMax);
        while (true)
        {
            Show(status => status with { IsConnected = false, Text = _lastCause is null ? "Connecting." : status.Text });
            var end = await ConnectOnceAsync(delay, cancellationToken);
            Show(status => status with { IsConnected = false, Text = $"Not connected: {end.Error}" });
            if (end.Kind == EndKind.Refused)
            {
                return end.Error;
            }

            var cause = end.Error.ToString();
            if (cause != _lastCause)
            {
                _lastCause = cause;
                ClientLog.ConnectionTrouble(logger, client.EndpointUrl, cause);
            }

            if (end.Kind == EndKind.RetryLate)
            {
                delay.StretchToMax();
            }

            await Task.Delay(delay.Next(), time, cancellationToken);
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        if (await host.LoadStateAsync(cancellationToken) is not { } bytes)
        {
            return;
        }

        if (SubscriptionStateCodec.TryRead(bytes.Span, out var problem) is { } state)
        {
            _memory.Load(state);
        }
        else
        {
            ClientLog.StateNotReadable(logger, problem ?? "");
        }
    }

    private async Task<ConnectionEnd> ConnectOnceAsync(ReconnectDelay delay, CancellationToken cancellationToken)
    {
        var connected = await new SessionConnector(client, logger, time).ConnectAsync(_memory.Session, cancellationToken);
        if (connected.Error is { } error)
        {
            return ConnectionEnd.Retry(error);
        }

        var session = connected.Value;
        ClientLog.Connected(
            logger, client.EndpointUrl, client.Policy.Name, client.Mode.ToString(),
            session.IsResumed ? "the session goes on" : "a new session");
        await using var connection = new SubscriberConnection(client, options, host, _memory, session, logger, time)
        {
            Changed = () => Show(static status => status),
        };
        try
        {
            return await connection.RunAsync(OnStreaming, cancellationToken);
        }
        finally
        {
            if (connection.HasReceived)
            {
                delay.Reset();
            }
        }
    }

    private void OnStreaming()
    {
        _lastCause = null;
        Show(status => status with
        {
            IsConnected = true,
            Text = "Receiving.",
            Reconnects = status.Connections,
            Connections = status.Connections + 1,
        });
    }

    private void Show(Func<Status, Status> change)
    {
        var current = _memory.Current?.Saved;
        var watched = current?.Accepted.Count(a => a) ?? 0;
        Volatile.Write(ref _status, change(_status) with { Items = watched, ItemsRefused = (current?.Accepted.Length ?? 0) - watched });
    }

    private sealed record Status(bool IsConnected, string Text, long Reconnects, int Items, int ItemsRefused, long Connections = 0);
}
