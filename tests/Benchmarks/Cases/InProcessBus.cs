using System.Threading.Channels;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>Two nodes on one bus without a broker: each message is copied once, as a connection would, and handed to the other node.</summary>
internal sealed class InProcessBus
{
    private readonly Endpoint _first;
    private readonly Endpoint _second;

    public InProcessBus()
    {
        _first = new Endpoint();
        _second = new Endpoint { Other = _first };
        _first.Other = _second;
    }

    public IMessageBus First => _first;

    public IMessageBus Second => _second;

    private sealed class Endpoint : IMessageBus
    {
        private readonly Channel<(string Topic, byte[] Payload)> _incoming = Channel.CreateBounded<(string, byte[])>(64);
        private Func<string, ReadOnlyMemory<byte>, ValueTask>? _handler;
        private Task? _pump;

        public event Action<bool>? ConnectionChanged
        {
            add { }
            remove { }
        }

        public Endpoint? Other { get; set; }

        public bool IsConnected => true;

        public async Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            try
            {
                // Who waits for room gets it in order.
                await Other!._incoming.Writer.WriteAsync((topic, payload.ToArray()), cancellationToken);
            }
            catch (ChannelClosedException)
            {
                // To a node that has left it is sent all the same: a bus does not know whether anybody listens.
            }

            return BusResult.Sent;
        }

        // Each node here subscribes once, to what is meant for it.
        public IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler)
        {
            _handler = handler;
            _pump ??= PumpAsync();
            return new Subscription(this);
        }

        private async Task PumpAsync()
        {
            await foreach (var (topic, payload) in _incoming.Reader.ReadAllAsync())
            {
                if (_handler is { } handler)
                {
                    await handler(topic, payload);
                }
            }
        }

        private sealed class Subscription(Endpoint owner) : IDisposable
        {
            public void Dispose()
            {
                owner._handler = null;
                owner._incoming.Writer.TryComplete();
            }
        }
    }
}
