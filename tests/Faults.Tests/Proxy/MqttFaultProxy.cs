using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ZfRepl.Faults.Tests.Proxy;

/// <summary>
/// Stands between one client and its broker, understands the packets, and does with them what links and brokers do at their worst; by a seeded chance,
/// or at a given byte of a given packet. What it did is counted.
/// </summary>
internal sealed class MqttFaultProxy : IAsyncDisposable
{
    private const int RememberedMessages = 100;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly ConcurrentDictionary<string, int> _done = new();
    private readonly List<MqttPacket> _remembered = [];
    private readonly Lock _gate = new();
    private readonly Random _random;
    private readonly int _brokerPort;
    private readonly Task _accepting;
    private (int MinBytes, int At, TaskCompletionSource Done)? _plannedCut;

    /// <summary>Listens on a free port of the loopback.</summary>
    public MqttFaultProxy(int brokerPort, Random random)
    {
        (_brokerPort, _random) = (brokerPort, random);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>What it does by chance; nothing at first.</summary>
    public MqttFaults Faults { get; set; } = new();

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How often what was done.</summary>
    public IReadOnlyDictionary<string, int> Done => new SortedDictionary<string, int>(_done, StringComparer.Ordinal);

    /// <summary>Resets the connection within the next large PUBLISH of the client.</summary>
    /// <param name="minBytes">How large it has to be.</param>
    /// <param name="at">So many bytes of it go through.</param>
    /// <returns>Ends when that was done.</returns>
    public Task CutWithinAsync(int minBytes, int at)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _plannedCut = (minBytes, at, done);
        }

        return done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepting;
        await Task.WhenAll(_connections);
        _listener.Dispose();
        _end.Dispose();
    }

    private static bool IsEnd(Exception e) =>
        e is IOException or SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException;

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
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        using (near)
        {
            try
            {
                near.NoDelay = far.NoDelay = true;
                await far.ConnectAsync(IPAddress.Loopback, _brokerPort, _end.Token);
                using var up = new Way(near.GetStream(), far.GetStream(), fromClient: true);
                using var down = new Way(far.GetStream(), near.GetStream(), fromClient: false);
                var ways = new[] { CarryAsync(up, over.Token), CarryAsync(down, over.Token) };
                await Task.WhenAny(ways);
                near.Client.Close(0);
                far.Client.Close(0);
                await over.CancelAsync();
                await Task.WhenAll(ways);
            }
            catch (Exception e) when (IsEnd(e))
            {
                // One side is gone: so is the connection.
            }
        }
    }

    private async Task CarryAsync(Way way, CancellationToken cancellationToken)
    {
        var late = new List<Task>();
        try
        {
            while (await MqttPacket.ReadAsync(way.From, cancellationToken) is { } packet)
            {
                if (!await CarryAsync(way, packet, late, cancellationToken))
                {
                    break;
                }
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            // One side is gone: so is the connection.
        }

        await Task.WhenAll(late);
    }

    /// <summary>Carries one packet.</summary>
    /// <returns>False when the connection is to end within it.</returns>
    private async Task<bool> CarryAsync(Way way, MqttPacket packet, List<Task> late, CancellationToken cancellationToken)
    {
        if (way.FromClient && TakeCut(packet) is { } cut)
        {
            await way.SendAsync(packet.Bytes.AsMemory(0, Math.Min(cut.At, packet.Bytes.Length)), cancellationToken);
            Count("cut");
            cut.Done.TrySetResult();
            return false;
        }

        var faults = Faults;
        if (packet.IsPubAck && Happens(faults.DropAcknowledgment))
        {
            Count("acknowledgment dropped");
            return true;
        }

        if (!packet.IsPublish)
        {
            await way.SendAsync(packet.Bytes, cancellationToken);
            return true;
        }

        if (Happens(faults.Cut))
        {
            Count("cut");
            await way.SendAsync(packet.Bytes.AsMemory(0, Next(packet.Bytes.Length)), cancellationToken);
            return false;
        }

        if (Happens(faults.Delay))
        {
            Count("delayed");
            await Task.Delay(Next(200), cancellationToken);
        }

        if (!way.FromClient && packet.Identifier > 0 && way.LastIdentifier > 0 && Happens(faults.ReuseIdentifier))
        {
            // The broker waits for an acknowledgment that never comes for this one, and may get one too many for that.
            Count("identifier used again");
            packet = packet.WithIdentifier(way.LastIdentifier);
        }

        way.LastIdentifier = packet.Identifier;
        if (Happens(faults.Reorder))
        {
            Count("overtaken");
            late.Add(SendLateAsync(way, packet, Next(300), cancellationToken));
        }
        else
        {
            await way.SendAsync(packet.Bytes, cancellationToken);
        }

        if (Happens(faults.Duplicate))
        {
            Count("duplicated");
            await way.SendAsync(packet.Repeated().Bytes, cancellationToken);
        }

        if (!way.FromClient)
        {
            await SendStaleAsync(way, packet, faults, cancellationToken);
        }

        return true;
    }

    private static async Task SendLateAsync(Way way, MqttPacket packet, int milliseconds, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(milliseconds, cancellationToken);
            await way.SendAsync(packet.Bytes, cancellationToken);
        }
        catch (Exception e) when (IsEnd(e))
        {
            // It was on its way when the connection ended.
        }
    }

    private async Task SendStaleAsync(Way way, MqttPacket packet, MqttFaults faults, CancellationToken cancellationToken)
    {
        MqttPacket? stale = null;
        lock (_gate)
        {
            var isRetained = Happens(faults.Retained);
            if (_remembered.Count > 0 && (isRetained || Happens(faults.Stale)))
            {
                stale = _remembered[_random.Next(_remembered.Count)].AsStale(isRetained);
                Count(isRetained ? "retained" : "stale");
            }

            if (_remembered.Count < RememberedMessages)
            {
                _remembered.Add(packet);
            }
            else
            {
                // Some stay for long.
                _remembered[_random.Next(RememberedMessages)] = packet;
            }
        }

        if (stale is not null)
        {
            await way.SendAsync(stale.Bytes, cancellationToken);
        }
    }

    private (int MinBytes, int At, TaskCompletionSource Done)? TakeCut(MqttPacket packet)
    {
        lock (_gate)
        {
            if (_plannedCut is { } planned && packet.IsPublish && packet.Bytes.Length >= planned.MinBytes)
            {
                _plannedCut = null;
                return planned;
            }

            return null;
        }
    }

    private bool Happens(double share)
    {
        lock (_gate)
        {
            return share > 0 && _random.NextDouble() < share;
        }
    }

    private int Next(int limit)
    {
        lock (_gate)
        {
            return _random.Next(limit);
        }
    }

    private void Count(string what) => _done.AddOrUpdate(what, 1, (_, n) => n + 1);

    /// <summary>One direction of a connection.</summary>
    private sealed class Way(NetworkStream from, NetworkStream to, bool fromClient) : IDisposable
    {
        private readonly SemaphoreSlim _writing = new(1, 1);

        public NetworkStream From => from;

        public bool FromClient => fromClient;

        public ushort LastIdentifier { get; set; }

        public void Dispose() => _writing.Dispose();

        /// <summary>Sends whole: what is late must not land within another packet.</summary>
        public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await _writing.WaitAsync(cancellationToken);
            try
            {
                await to.WriteAsync(bytes, cancellationToken);
            }
            finally
            {
                _writing.Release();
            }
        }
    }
}
