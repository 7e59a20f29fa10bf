using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>A TCP relay in front of a server, for cutting, freezing and changing what comes back.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private const int ChunkBytesMax = 1 << 20;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _serverPort;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Guid, (Socket Client, Socket Server)> _links = new();
    private readonly ConcurrentBag<Task> _tasks = [];
    private readonly Task _accepting;

    public Relay(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public string EndpointUrl => $"opc.tcp://localhost:{Port}/plant";

    /// <summary>When set, nothing is forwarded in either direction, but sockets stay open.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>When set, new connections are closed at once.</summary>
    public bool Refuses { get; set; }

    /// <summary>Sees each whole chunk from the server and may change it in place; the length stays.</summary>
    public Action<Memory<byte>>? OnServerChunk { get; set; }

    public int Links => _links.Count;

    /// <summary>Cuts every connection, as a cable or a firewall does.</summary>
    public void Cut()
    {
        foreach (var (client, server) in _links.Values)
        {
            Break(client);
            Break(server);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        await Task.WhenAll(_tasks);
        _stop.Dispose();
    }

    private static void Break(Socket socket)
    {
        try
        {
            socket.Close(0);
        }
        catch (SocketException)
        {
            // Closed already.
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                if (Refuses)
                {
                    Break(client);
                    continue;
                }

                _tasks.Add(LinkAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task LinkAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        var id = Guid.NewGuid();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _serverPort, _stop.Token);
            _links[id] = (client, server);
            await Task.WhenAny(ForwardAsync(client, server, null), ForwardAsync(server, client, this));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other side is told by the socket that is closed.
        }
        finally
        {
            Break(client);
            Break(server);
            _links.TryRemove(id, out _);
        }
    }

    private async Task ForwardAsync(Socket from, Socket to, Relay? changer)
    {
        var buffer = new byte[ChunkBytesMax];
        var have = 0;
        try
        {
            while (true)
            {
                var read = await from.ReceiveAsync(buffer.AsMemory(have), _stop.Token);
                if (read == 0)
                {
                    return;
                }

                have += read;
                while (IsFrozen)
                {
                    await Task.Delay(10, _stop.Token);
                }

                if (changer?.OnServerChunk is null)
                {
                    await SendAllAsync(to, buffer.AsMemory(0, have));
                    have = 0;
                    continue;
                }

                var done = 0;
                while (have - done >= 8)
                {
                    var size = (int)BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(done + 4));
                    if (have - done < size)
                    {
                        break;
                    }

                    changer.OnServerChunk?.Invoke(buffer.AsMemory(done, size));
                    await SendAllAsync(to, buffer.AsMemory(done, size));
                    done += size;
                }

                buffer.AsSpan(done, have - done).CopyTo(buffer);
                have -= done;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The link has ended.
        }
    }

    private async Task SendAllAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await to.SendAsync(bytes, _stop.Token)..];
        }
    }
}
