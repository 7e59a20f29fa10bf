using System.Threading.Channels;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Simulation;

/// <summary>
/// The broker and the network to it, driven by the loop: every message gets there late, in any order, twice, changed, cut short, or not at all.
/// What is on its way when the broker goes down is gone.
/// </summary>
internal sealed class SimBus(SimLoop loop, int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<Endpoint> _endpoints = [];
    private int _epoch;

    /// <summary>What becomes of messages.</summary>
    public BusFaults Faults { get; set; } = new();

    /// <summary>The share of messages that are cut short.</summary>
    public double Truncate { get; set; }

    /// <summary>The usual time on the way; some take much longer.</summary>
    public TimeSpan Latency { get; set; } = TimeSpan.FromMilliseconds(5);

    public bool IsUp { get; private set; } = true;

    /// <summary>Messages given to it.</summary>
    public long Messages { get; private set; }

    public IMessageBus Connect(SimProcess process)
    {
        _endpoints.RemoveAll(e => !e.Process.IsAlive);
        var endpoint = new Endpoint(this, process, IsUp);
        _endpoints.Add(endpoint);
        return endpoint;
    }

    /// <summary>Stops or starts the broker.</summary>
    public void SetUp(bool isUp)
    {
        loop.Trace($"broker {(isUp ? "up" : "down")}");
        IsUp = isUp;
        _epoch++;
        _endpoints.RemoveAll(e => !e.Process.IsAlive);
        foreach (var endpoint in _endpoints)
        {
            endpoint.SetConnected(isUp);
        }
    }

    private static bool Matches(string filter, string topic)
    {
        var (f, t) = (filter.Split('/'), topic.Split('/'));
        return f.Length == t.Length && f.Zip(t).All(p => p.First == "+" || p.First == p.Second);
    }

    private void Route(string topic, byte[] payload)
    {
        Messages++;
        if (_random.NextDouble() < Faults.Drop)
        {
            loop.Trace($"lost: {topic} {payload.Length}");
            return;
        }

        if (_random.NextDouble() < Faults.Corrupt && payload.Length > 0)
        {
            payload[_random.Next(payload.Length)] ^= (byte)_random.Next(1, 256);
            loop.Trace($"changed: {topic} {payload.Length}");
        }

        if (_random.NextDouble() < Truncate)
        {
            payload = payload[.._random.Next(payload.Length)];
            loop.Trace($"cut: {topic} {payload.Length}");
        }

        Send(topic, payload);
        if (_random.NextDouble() < Faults.Repeat)
        {
            Send(topic, payload);
        }
    }

    private void Send(string topic, byte[] payload)
    {
        var delay = Latency * (0.5 + _random.NextDouble());
        if (_random.NextDouble() < Faults.Reorder)
        {
            delay += Latency * (20 * _random.NextDouble());
        }

        var epoch = _epoch;
        loop.After(delay, () =>
        {
            if (epoch != _epoch)
            {
                return;
            }

            loop.Trace($"message: {topic} {payload.Length}");
            foreach (var endpoint in _endpoints)
            {
                endpoint.Offer(topic, payload);
            }
        });
    }

    private sealed class Endpoint(SimBus owner, SimProcess process, bool isConnected) : IMessageBus
    {
        private readonly List<(string Filter, Channel<(string, byte[])> Queue)> _subscriptions = [];

        public event Action<bool>? ConnectionChanged;

        public SimProcess Process => process;

        public bool IsConnected { get; private set; } = isConnected;

        public Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            process.Enter();
            if (!IsConnected)
            {
                return Task.FromResult(BusResult.NotConnected);
            }

            owner.Route(topic, payload.ToArray());
            process.Enter();
            return Task.FromResult(BusResult.Sent);
        }

        public IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler)
        {
            var queue = Channel.CreateUnbounded<(string Topic, byte[] Payload)>();
            var entry = (filter, queue);
            _subscriptions.Add(entry);
            _ = PumpAsync(queue.Reader, handler);
            return new Subscription(() =>
            {
                _subscriptions.Remove(entry);
                queue.Writer.TryComplete();
            });
        }

        public void Offer(string topic, byte[] payload)
        {
            if (!IsConnected || !process.IsAlive)
            {
                return;
            }

            foreach (var (filter, queue) in _subscriptions)
            {
                if (Matches(filter, topic))
                {
                    queue.Writer.TryWrite((topic, payload));
                }
            }
        }

        public void SetConnected(bool connected)
        {
            if (IsConnected != connected && process.IsAlive)
            {
                IsConnected = connected;
                ThreadPool.UnsafeQueueUserWorkItem(_ => ConnectionChanged?.Invoke(connected), null);
            }
        }

        private async Task PumpAsync(ChannelReader<(string Topic, byte[] Payload)> queue, Func<string, ReadOnlyMemory<byte>, ValueTask> handler)
        {
            try
            {
                await foreach (var (topic, payload) in queue.ReadAllAsync())
                {
                    if (process.IsAlive)
                    {
                        await handler(topic, payload);
                    }
                }
            }
            catch (SimulatedCrashException)
            {
                // The process is dead.
            }
#pragma warning disable CA1031 // Whatever it is, a handler must not throw it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                owner.Violate($"{process.Name}: a handler of messages threw {e}");
            }
        }
    }

    private void Violate(string text) => loop.Violate(text);

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
