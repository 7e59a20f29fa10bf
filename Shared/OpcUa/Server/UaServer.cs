using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>
/// A small OPC UA server over UA-TCP: discovery, sessions, reading, writing, browsing and subscriptions. Everything else is answered with
/// BadServiceUnsupported.
/// </summary>
/// <remarks>
/// <para>Subscriptions outlive their connection and their session: they live until nobody has asked for them for their lifetime. Until then
/// they keep what was sent and not acknowledged for Republish, and changes in the queues of their items. A client takes them over by
/// activating its old session over a new connection, or by TransferSubscriptions from a new session of the same application and user.</para>
/// <para>Clients cannot bring the server down: everything that they may ask for is bounded by the options, and what they send wrong ends
/// their own connection.</para>
/// <para>It needs a thread pool that is not starved: who blocks pool threads should raise <see cref="ThreadPool.SetMinThreads"/>. All members
/// are thread-safe.</para>
/// </remarks>
public sealed class UaServer : IAsyncDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private readonly ServerCore _core;
    private readonly ConcurrentDictionary<ServerConnection, Task> _connections = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private Task? _running;
    private bool _isDisposed;

    /// <summary>Keeps the options and makes the standard nodes; nothing is started.</summary>
    /// <param name="options">Judged by <see cref="StartAsync"/>.</param>
    /// <param name="logger">For connections, sessions and subscriptions that come and go.</param>
    /// <param name="time">The clock for everything.</param>
    public UaServer(UaServerOptions options, ILogger logger, TimeProvider time) => _core = new ServerCore(options, logger, time);

    /// <summary>The nodes; may be added to at any time.</summary>
    public AddressSpace AddressSpace => _core.AddressSpace;

    /// <summary>Ends when the server has stopped; faulted when it stopped because of a defect. For the owner to observe.</summary>
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

    internal ServerCore Core => _core;

    internal int ConnectionCount => _connections.Count;

    /// <summary>Opens the port and begins to serve.</summary>
    /// <param name="cancellationToken">Gives up before the port is opened.</param>
    /// <returns>The port; BadConfigurationError when the options make no sense; BadCommunicationError when the port cannot be opened.</returns>
    /// <exception cref="InvalidOperationException">It was started before: a server starts once.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<UaResult<int>> StartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Start());
    }

    /// <summary>
    /// Stops: closes all connections and forgets everything. A defect that ended the server earlier is reported by <see cref="Completion"/>
    /// only. Repeatable.
    /// </summary>
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

    /// <summary>Cuts all connections as a broken network does; sessions and subscriptions stay.</summary>
    internal async Task CutConnectionsAsync()
    {
        foreach (var (connection, task) in _connections)
        {
            await connection.CloseAsync();
            await task;
        }
    }

    private UaResult<int> Start()
    {
        if (_core.Options.WhyInvalid() is { } whyInvalid)
        {
            return new UaError(StatusCodes.BadConfigurationError, whyInvalid);
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_running is not null)
            {
                throw new InvalidOperationException("The server was started before.");
            }

            var wanted = new IPEndPoint(_core.Options.Address, _core.Options.Port);
            var socket = new Socket(wanted.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(wanted);
                socket.Listen();
            }
            catch (SocketException e)
            {
                socket.Dispose();
                return new UaError(StatusCodes.BadCommunicationError, $"Cannot listen on {wanted}: {e.Message}");
            }

            var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
            _core.Endpoints.Port = port;
            ServerLog.Listening(_core.Logger, socket.LocalEndPoint);
            _running = RunAsync(socket);
            return port;
        }
    }

    private async Task RunAsync(Socket socket)
    {
        await Task.Yield();
        Task[] loops = [AcceptAsync(socket), TidyAsync()];
        try
        {
            await await Task.WhenAny([.. loops, _core.Failure]);
        }
        finally
        {
            await _stop.CancelAsync();
            socket.Dispose();
            await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await CutConnectionsAsync();
            foreach (var connection in _connections.Keys)
            {
                await connection.DisposeAsync();
            }

            ServerLog.Stopped(_core.Logger);
        }
    }

    private async Task AcceptAsync(Socket socket)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Serve(await socket.AcceptAsync(_stop.Token));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Too many open files, or a connection that was gone before it was accepted: neither lasts.
                ServerLog.AcceptFailed(_core.Logger, e.Message);
                await Task.Delay(Tick, _core.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Serve(Socket socket)
    {
        var remote = socket.RemoteEndPoint;
        var open = _connections.Values.Count(t => !t.IsCompleted);
        if (open >= _core.Options.ConnectionsMax)
        {
            ServerLog.TooManyConnections(_core.Logger, remote, open);
            socket.Dispose();
            return;
        }

        socket.NoDelay = true;
        var connection = new ServerConnection(_core, new NetworkStream(socket, ownsSocket: true), remote);
        _connections[connection] = connection.RunAsync(_stop.Token);
    }

    /// <summary>The server's clock: connections without a session, sessions without a client, requests that wait too long.</summary>
    private async Task TidyAsync()
    {
        using var timer = new PeriodicTimer(Tick, _core.Time);
        await using var stopTimer = _stop.Token.UnsafeRegister(static t => ((PeriodicTimer)t!).Dispose(), timer);
        while (await timer.WaitForNextTickAsync())
        {
            foreach (var (connection, task) in _connections)
            {
                if (task.IsCompleted)
                {
                    _connections.TryRemove(connection, out _);
                    await task;
                    await connection.DisposeAsync();
                }
                else if (connection.IsOverdue)
                {
                    await connection.CloseAsync();
                }
            }

            _core.Sessions.Tidy();
        }
    }
}
