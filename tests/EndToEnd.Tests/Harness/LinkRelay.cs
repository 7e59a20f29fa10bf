using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>A TCP link that can be cut: while it is, connections are refused, and those that were open are reset.</summary>
internal sealed class LinkRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly ConcurrentBag<Task> _pumps = [];
    private readonly int _target;
    private readonly Task _accepting;
    private long _bytes;
    private volatile bool _isCut;

    /// <summary>A link to a port of this machine.</summary>
    public LinkRelay(int targetPort)
    {
        _target = targetPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes that went through, both ways together.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Resets every connection and lets no new one through.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var socket in _open.Keys)
        {
            // No goodbye: a reset is what a broken link looks like at its best.
            socket.Close(0);
        }
    }

    public void Restore() => _isCut = false;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Cut();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_pumps);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var near = await _listener.AcceptTcpClientAsync(_end.Token);
                if (_isCut)
                {
                    near.Client.Close(0);
                    continue;
                }

                _pumps.Add(JoinAsync(near));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task JoinAsync(TcpClient near)
    {
        using var far = new TcpClient();
        var (nearSocket, farSocket) = (near.Client, far.Client);
        using (near)
        {
            try
            {
                await far.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
                _open[nearSocket] = true;
                _open[farSocket] = true;
                if (_isCut)
                {
                    // The cut came in between, and did not see this connection.
                    return;
                }

                await Task.WhenAny(PumpAsync(near.GetStream(), far.GetStream()), PumpAsync(far.GetStream(), near.GetStream()));
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
            {
                // One side is gone: so is the connection.
            }
            finally
            {
                _open.TryRemove(nearSocket, out _);
                _open.TryRemove(farSocket, out _);
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer, _end.Token)) > 0)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), _end.Token);
                Interlocked.Add(ref _bytes, count);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The other direction ends with this one.
        }
    }
}
