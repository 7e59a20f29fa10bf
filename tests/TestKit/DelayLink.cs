using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace ZfRepl.TestKit;

/// <summary>
/// A TCP link to a port of this machine that is as far away as it is told: every byte takes its time in each direction, and with a rate so many go
/// through in a second, both directions apart. How much is under way at once is not limited otherwise.
/// </summary>
public sealed class DelayLink : IAsyncDisposable
{
    private const int PieceBytes = 64 * 1024;

    // What waits for a slow link waits in the sockets of the sender beyond this, as it does before a modem.
    private const int MaxPiecesWithRate = 8;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _connections = [];
    private readonly TimeSpan _oneWay;
    private readonly double? _bytesPerSecond;
    private readonly int _target;
    private readonly TimeProvider _time;
    private readonly Task _accepting;
    private long _bytes;

    /// <summary>A link.</summary>
    /// <param name="targetPort">Where it leads to.</param>
    /// <param name="oneWay">How long a byte takes, one way.</param>
    /// <param name="time">The clock.</param>
    /// <param name="bitsPerSecond">The rate of each direction; null for any.</param>
    public DelayLink(int targetPort, TimeSpan oneWay, TimeProvider time, double? bitsPerSecond = null)
    {
        _target = targetPort;
        _oneWay = oneWay;
        _time = time;
        _bytesPerSecond = bitsPerSecond / 8;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where to connect to.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes that have arrived, both ways together.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepting;
        await Task.WhenAll(_connections);
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _connections.Add(JoinAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // The orderly end.
        }
    }

    private async Task JoinAsync(TcpClient near)
    {
        using var far = new TcpClient();
        using (near)
        {
            try
            {
                near.NoDelay = far.NoDelay = true;
                await far.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
                using var over = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
                var ways = new[] { CarryAsync(near.Client, far.Client, over.Token), CarryAsync(far.Client, near.Client, over.Token) };
                await Task.WhenAny(ways);
                await over.CancelAsync();
                await Task.WhenAll(ways);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // One side is gone: so is the connection.
            }
        }
    }

    private async Task CarryAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        var underWay = _bytesPerSecond is null
            ? Channel.CreateUnbounded<(byte[] Bytes, int Count, long Due)>()
            : Channel.CreateBounded<(byte[] Bytes, int Count, long Due)>(MaxPiecesWithRate);
        try
        {
            await Task.WhenAll(ReadAsync(from, underWay.Writer, cancellationToken), WriteAsync(underWay.Reader, to, cancellationToken));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side is gone: so is the connection.
        }
    }

    private async Task ReadAsync(Socket from, ChannelWriter<(byte[] Bytes, int Count, long Due)> underWay, CancellationToken cancellationToken)
    {
        var isFree = _time.GetTimestamp();
        try
        {
            // Small pieces where there is a rate, so that a byte waits for those before it and not for those behind it.
            var size = _bytesPerSecond is { } rate ? Math.Clamp((int)(rate / 50), 512, PieceBytes) : PieceBytes;
            while (true)
            {
                var buffer = new byte[size];
                var count = await from.ReceiveAsync(buffer, cancellationToken);
                if (count == 0)
                {
                    return;
                }

                isFree = Math.Max(isFree, _time.GetTimestamp());
                if (_bytesPerSecond is { } bytesPerSecond)
                {
                    isFree += (long)(count / bytesPerSecond * _time.TimestampFrequency);
                }

                await underWay.WriteAsync((buffer, count, isFree + (long)(_oneWay.TotalSeconds * _time.TimestampFrequency)), cancellationToken);
            }
        }
        finally
        {
            underWay.TryComplete();
        }
    }

    private async Task WriteAsync(ChannelReader<(byte[] Bytes, int Count, long Due)> underWay, Socket to, CancellationToken cancellationToken)
    {
        await foreach (var (bytes, count, due) in underWay.ReadAllAsync(cancellationToken))
        {
            var left = _time.GetElapsedTime(_time.GetTimestamp(), due);
            if (left > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(left, _time, cancellationToken);
            }

            for (var sent = 0; sent < count;)
            {
                sent += await to.SendAsync(bytes.AsMemory(sent, count - sent), cancellationToken);
            }

            Interlocked.Add(ref _bytes, count);
        }

        to.Shutdown(SocketShutdown.Send);
    }
}
