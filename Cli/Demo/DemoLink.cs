using System.Net;
using System.Net.Sockets;

namespace ZfRepl.Cli.Demo;

/// <summary>
/// The link between the nodes: a TCP relay that can be cut. While it is cut, connections end and none is accepted, as with a VPN that
/// is down. It counts what passes. Thread-safe.
/// </summary>
internal sealed class DemoLink : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly IPEndPoint _target;
    private readonly Lock _gate = new();
    private readonly HashSet<Socket> _sockets = [];
    private readonly List<Task> _relays = [];
    private readonly CancellationTokenSource _end = new();
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private long _bytes;

    /// <summary>A link to a server on this machine.</summary>
    /// <param name="targetPort">The server's port.</param>
    public DemoLink(int targetPort) => _target = new IPEndPoint(IPAddress.Loopback, targetPort);

    /// <summary>The port on this side.</summary>
    public int Port { get; private set; }

    /// <summary>Bytes that passed, both ways.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Whether connections pass.</summary>
    public bool IsUp => _listener is not null;

    /// <summary>Lets connections pass.</summary>
    public void Mend()
    {
        lock (_gate)
        {
            if (_listener is not null)
            {
                return;
            }

            _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
            _listener.Listen();
            Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
            _accepting = AcceptAsync(_listener);
        }
    }

    /// <summary>Ends all connections and accepts none until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _listener?.Dispose();
            _listener = null;
            foreach (var socket in _sockets)
            {
                socket.Dispose();
            }

            _sockets.Clear();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Cut();
        await _accepting;
        Task[] relays;
        lock (_gate)
        {
            relays = [.. _relays];
        }

        await Task.WhenAll(relays);
        _end.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            Socket accepted;
            try
            {
                accepted = await listener.AcceptAsync(_end.Token);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                return;
            }

            lock (_gate)
            {
                _relays.RemoveAll(r => r.IsCompleted);
                _relays.Add(RelayAsync(accepted));
            }
        }
    }

    private async Task RelayAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (!Keep(near))
            {
                return;
            }

            await far.ConnectAsync(_target, _end.Token);
            if (Keep(far))
            {
                await Task.WhenAny(PumpAsync(near, far), PumpAsync(far, near));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The server is down, or the link was cut: the connection ends, which is all there is to say.
        }
        finally
        {
            lock (_gate)
            {
                _sockets.Remove(near);
                _sockets.Remove(far);
            }

            near.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (await from.ReceiveAsync(buffer, _end.Token) is > 0 and var read)
            {
                Interlocked.Add(ref _bytes, read);
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _end.Token);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // As above.
        }
    }

    private bool Keep(Socket socket)
    {
        lock (_gate)
        {
            if (_listener is null)
            {
                return false;
            }

            _sockets.Add(socket);
            return true;
        }
    }
}
