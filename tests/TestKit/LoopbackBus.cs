using System.Threading.Channels;
using ZfRepl.Core.Transfer;

namespace ZfRepl.TestKit;

/// <summary>What a bus does to messages, decided by a seed.</summary>
public sealed record BusFaults(double Drop = 0, double Repeat = 0, double Reorder = 0, double Corrupt = 0);

/// <summary>Connects nodes of one test; loses, repeats, reorders and changes messages as the faults say.</summary>
public sealed class LoopbackBus(int seed = 0, BusFaults? faults = null)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly List<Endpoint> _endpoints = [];
    private (string Topic, byte[] Payload)? _held;

    /// <summary>Every message that was sent, before any fault.</summary>
    public List<(string Topic, byte[] Payload)> Sent { get; } = [];

    /// <summary>Looks at, replaces (return value) or drops (null) each message; runs before the seeded faults.</summary>
    public Func<string, byte[], byte[]?>? Tap { get; set; }

    public IMessageBus Connect()
    {
        var endpoint = new Endpoint(this);
        lock (_gate)
        {
            _endpoints.Add(endpoint);
        }

        return endpoint;
    }

    /// <summary>Cuts or mends the connection of all.</summary>
    public void SetConnected(bool connected)
    {
        Endpoint[] endpoints;
        lock (_gate)
        {
            endpoints = [.. _endpoints];
        }

        foreach (var endpoint in endpoints)
        {
            endpoint.SetConnected(connected);
        }
    }

    /// <summary>Puts a message in, as an attacker or a confused broker does.</summary>
    public void Inject(string topic, byte[] payload) => Deliver(topic, payload);

    private static bool Matches(string filter, string topic)
    {
        var (f, t) = (filter.Split('/'), topic.Split('/'));
        return f.Length == t.Length && f.Zip(t).All(p => p.First == "+" || p.First == p.Second);
    }

    private void Route(string topic, byte[] payload)
    {
        var queue = new List<(string Topic, byte[] Payload)>();
        lock (_gate)
        {
            Sent.Add((topic, payload));
            var tapped = Tap is null ? payload : Tap(topic, payload);
            if (tapped is null)
            {
                return;
            }

            payload = tapped;
            if (faults is not null)
            {
                if (_random.NextDouble() < faults.Drop)
                {
                    return;
                }

                if (_random.NextDouble() < faults.Corrupt)
                {
                    payload = (byte[])payload.Clone();
                    payload[_random.Next(payload.Length)] ^= (byte)_random.Next(1, 256);
                }

                if (_held is null && _random.NextDouble() < faults.Reorder)
                {
                    _held = (topic, payload);
                    return;
                }
            }

            queue.Add((topic, payload));
            if (_held is { } held)
            {
                queue.Add(held);
                _held = null;
            }

            if (faults is not null && _random.NextDouble() < faults.Repeat)
            {
                queue.Add(queue[0]);
            }
        }

        foreach (var (t, p) in queue)
        {
            Deliver(t, p);
        }
    }

    private void Deliver(string topic, byte[] payload)
    {
        Endpoint[] endpoints;
        lock (_gate)
        {
            endpoints = [.. _endpoints];
        }

        foreach (var endpoint in endpoints)
        {
            endpoint.Offer(topic, payload);
        }
    }

    private sealed class Endpoint(LoopbackBus owner) : IMessageBus
    {
        private readonly Lock _gate = new();
        private readonly List<(string Filter, Channel<(string, byte[])> Queue)> _subscriptions = [];

        public event Action<bool>? ConnectionChanged;

        public bool IsConnected { get; private set; } = true;

        public Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            if (!IsConnected)
            {
                return Task.FromResult(BusResult.NotConnected);
            }

            owner.Route(topic, payload.ToArray());
            return Task.FromResult(BusResult.Sent);
        }

        public IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler)
        {
            var queue = Channel.CreateUnbounded<(string Topic, byte[] Payload)>();
            var entry = (filter, queue);
            lock (_gate)
            {
                _subscriptions.Add(entry);
            }

            var pump = PumpAsync(queue.Reader, handler);
            return new Subscription(() =>
            {
                lock (_gate)
                {
                    _subscriptions.Remove(entry);
                }

                queue.Writer.TryComplete();
                _ = pump;
            });
        }

        public void Offer(string topic, byte[] payload)
        {
            lock (_gate)
            {
                foreach (var (filter, queue) in _subscriptions)
                {
                    if (IsConnected && Matches(filter, topic))
                    {
                        queue.Writer.TryWrite((topic, payload));
                    }
                }
            }
        }

        public void SetConnected(bool connected)
        {
            if (IsConnected != connected)
            {
                IsConnected = connected;
                ConnectionChanged?.Invoke(connected);
            }
        }

        private static async Task PumpAsync(
            ChannelReader<(string Topic, byte[] Payload)> queue, Func<string, ReadOnlyMemory<byte>, ValueTask> handler)
        {
            await foreach (var (topic, payload) in queue.ReadAllAsync())
            {
                await handler(topic, payload);
            }
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
