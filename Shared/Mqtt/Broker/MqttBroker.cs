using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// An MQTT broker for one site, inside the process of its owner: 3.1.1 and 5.0, QoS 0 and 1, retained messages, wills, kept sessions, TLS.
/// It is a pipe, not a store: everything is in memory, bounded, and gone with the process.
/// </summary>
/// <remarks>
/// <para>When a subscriber's queue is full: QoS 0 messages for it are dropped and counted. A QoS 1 message is still queued, but its PUBACK is held
/// until the queue is within its bounds again, so that publishers slow down to the pace of the slowest connected consumer. A consumer that takes
/// nothing for <see cref="MqttBrokerOptions.StallTimeout"/> while publishers wait, and one whose queue fills up while it is away, lose their
/// session: they are disconnected (0x97), counted, logged, and find no session at their return (Session Present 0). So no acknowledged message
/// disappears unnoticed.</para>
/// <para>Not supported, and refused as the standard prescribes: QoS 2 (granted as 1; publications close the connection, 0x9B), shared
/// subscriptions (0x9E), subscription identifiers (0xA1), topic aliases (0x94), enhanced authentication (0x8C).</para>
/// <para>All members are thread-safe.</para>
/// </remarks>
public sealed class MqttBroker : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private readonly BrokerCore _core;
    private readonly ConcurrentDictionary<BrokerClient, Task> _clients = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<(Socket Socket, MqttListener Listener)> _listening = [];
    private Task? _running;
    private bool _isDisposed;

    /// <summary>Checks and keeps the options; nothing is started.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MqttBroker(MqttBrokerOptions options)
    {
        options.Check();
        _core = new BrokerCore(options);
    }

    /// <summary>Where the broker listens, in the order of the listeners, with the real ports; empty before the start.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; private set; } = [];

    /// <summary>Ends when the broker has stopped; faulted when it stopped because of a defect. For the owner to observe.</summary>
    public Task Completion
    {
        get
        {
            lock (_gate)
            {
                return _running ?? Task.CompletedTask;
            }
        }
    }

    /// <summary>The counters now.</summary>
    public MqttBrokerStatistics Statistics
    {
        get
        {
            var (retainedCount, retainedBytes) = _core.Router.Retained;
            var snapshot = _core.Counters.Snapshot(_core.Sessions.Count, _core.Router.SubscriptionCount, retainedCount, retainedBytes);
            var live = _clients.Keys.ToList();
            return snapshot with
            {
                BytesReceived = snapshot.BytesReceived + live.Sum(c => c.BytesReceived),
                BytesSent = snapshot.BytesSent + live.Sum(c => c.BytesSent),
            };
        }
    }

    /// <summary>Opens the listeners and begins to serve. False, and nothing is open, when a listener cannot be opened.</summary>
    /// <param name="whyNot">One line for a person.</param>
    /// <exception cref="InvalidOperationException">It has been started before: a broker starts once.</exception>
    public bool TryStart([NotNullWhen(false)] out string? whyNot)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_running is not null)
            {
                throw new InvalidOperationException("The broker has been started before.");
            }

            foreach (var listener in _core.Options.Listeners)
            {
                if (!TryListen(listener, out whyNot))
                {
                    CloseListeners();
                    return false;
                }
            }

            Endpoints = [.. _listening.Select(l => (IPEndPoint)l.Socket.LocalEndPoint!)];
            _running = RunAsync();
            whyNot = null;
            return true;
        }
    }

    /// <summary>Stops serving: clients are told (0x8B), connections closed, and everything in memory is forgotten. Repeatable.</summary>
    public async Task StopAsync()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }
        }

        await _stop.CancelAsync();
        await Completion;
    }

    /// <summary>Stops. A defect that ended the broker earlier is reported by <see cref="Completion"/> only.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        await _stop.CancelAsync();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _core.Dispose();
    }

    private bool TryListen(MqttListener listener, [NotNullWhen(false)] out string? whyNot)
    {
        var socket = new Socket(listener.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(listener.Address, listener.Port));
            socket.Listen();
            _listening.Add((socket, listener));
            whyNot = null;
            return true;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            whyNot = $"Cannot listen on {new IPEndPoint(listener.Address, listener.Port)}: {e.Message}";
            return false;
        }
    }

    private void CloseListeners()
    {
        foreach (var (socket, _) in _listening)
        {
            socket.Dispose();
        }

        _listening.Clear();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        var loops = _listening.Select(l => AcceptAsync(l.Socket, l.Listener.Certificate)).Append(TidyAsync()).ToList();
        try
        {
            await await Task.WhenAny(loops);
        }
        finally
        {
            await _stop.CancelAsync();
            CloseListeners();
            await Task.WhenAll(loops);
            foreach (var client in _clients.Keys)
            {
                client.Close(MqttReasonCode.ServerShuttingDown, "The broker stops.");
            }

            await Task.WhenAll(_clients.Values);
            BrokerLog.Stopped(_core.Options.Log);
        }
    }

    private async Task AcceptAsync(Socket socket, X509Certificate2? certificate)
    {
        var endpoint = (IPEndPoint)socket.LocalEndPoint!;
        BrokerLog.Listening(_core.Options.Log, endpoint, certificate is null ? "" : " with TLS");
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Serve(await socket.AcceptAsync(_stop.Token), certificate);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Too many open files, or a connection that was gone before it was accepted: neither lasts.
                BrokerLog.AcceptFailed(_core.Options.Log, endpoint, e.Message);
                await Task.Delay(Tick, _core.Options.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Serve(Socket socket, X509Certificate2? certificate)
    {
        Interlocked.Increment(ref _core.Counters.ConnectionsAccepted);
        if (_clients.Count >= _core.Options.MaxConnections && _clients.Values.Count(t => !t.IsCompleted) >= _core.Options.MaxConnections)
        {
            Interlocked.Increment(ref _core.Counters.ConnectionsOverLimit);
            socket.Dispose();
            return;
        }

        var client = new BrokerClient(_core, socket, certificate);
        _clients[client] = Task.Run(client.RunAsync);
    }

    /// <summary>The broker's clock: keep alive, expiry, stalled consumers, late wills; and the tasks of connections that have ended.</summary>
    private async Task TidyAsync()
    {
        using var timer = new PeriodicTimer(Tick, _core.Options.Time);
        await using var stopTimer = _stop.Token.UnsafeRegister(static t => ((PeriodicTimer)t!).Dispose(), timer);
        while (await timer.WaitForNextTickAsync())
        {
            await ForgetEndedClientsAsync();
            var now = _core.Options.Time.GetTimestamp();
            foreach (var client in _clients.Keys)
            {
                client.Check(now);
            }

            var wills = new List<BrokerMessage>();
            _core.Sessions.Tidy(now, wills);
            _core.PublishWills(wills);
        }
    }

    private async Task ForgetEndedClientsAsync()
    {
        foreach (var (client, task) in _clients)
        {
            if (task.IsCompleted)
            {
                _clients.TryRemove(client, out _);
                // A connection's trouble is its own and never an exception: one that is thrown here is a defect, and ends the broker.
                await task;
            }
        }
    }
}
