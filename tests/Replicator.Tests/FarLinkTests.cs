using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.Transfer;
using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Client;
using ZfRepl.Replicator.Bus;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>A target whose broker is 200 ms away, there and back: what matters is how much is under way at once.</summary>
public sealed class FarLinkTests
{
    private const int Blocks = 200;

    [Fact]
    public async Task Many_blocks_are_on_their_way_at_once_and_each_is_sent_once()
    {
        var (most, far, rig) = await DrainAsync(o => o);
        await using (rig)
        {
            // 2 MiB of one source, of which each counts as 16 KiB at least.
            Assert.InRange(most, 32, 128);
            Assert.Equal(Blocks, far.ChunksOf.Count);
            Assert.All(far.ChunksOf.Values, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public async Task Control_without_a_pipeline_one_block_is_on_its_way()
    {
        var (most, _, rig) = await DrainAsync(o => o with { BlocksInFlight = 1 }, blocks: 5);
        await using (rig)
        {
            Assert.Equal(1, most);
        }
    }

    [Fact]
    public async Task The_next_offers_are_asked_for_before_the_last_ones_are_in()
    {
        var (_, far, rig) = await DrainAsync(o => o with { OffersLimit = 20 });
        await using (rig)
        {
            var behind = far.Rig.Blocks.Queries.Where(q => q.After is not null).ToArray();
            Assert.InRange(behind.Length, Blocks / 20 - 1, Blocks / 20 + 10);
            Assert.All(behind, q => Assert.Equal(20, q.Limit));
            // Asked only after a list was in, all ten lists would have been answered with the backlog at most 20 blocks shorter than the one before.
            Assert.InRange(far.UnconfirmedAtMost, 32, 128 + 20);
        }
    }

    private static async Task<(int Most, FarTarget Far, FetchRig Rig)> DrainAsync(
        Func<Fetch.FetchOptions, Fetch.FetchOptions> tune, int blocks = Blocks)
    {
        var far = await FarTarget.StartAsync();
        for (var i = 0; i < blocks; i++)
        {
            far.Rig.AddBlock(20, i);
        }

        var rig = await FetchRig.StartAsync(far.Rig, tune: tune, owned: far);
        await rig.DrainedAsync();
        await Eventually.TrueAsync(() => rig.Client.State.Blocks == blocks, "all are counted");
        Assert.Empty(far.Rig.LinkLog.Lines);
        return (far.UnconfirmedAtMost, far, rig);
    }

    /// <summary>A source at the broker, and a target that is far from it.</summary>
    private sealed class FarTarget : IAsyncDisposable
    {
        private static readonly TimeSpan OneWay = TimeSpan.FromMilliseconds(100);

        private readonly CancellationTokenSource _end = new();
        private readonly MqttBroker _broker;
        private readonly DelayLink _link;
        private readonly MqttBus _edge;
        private readonly MqttBus _target;
        private readonly Task _running;

        private FarTarget()
        {
            _broker = new MqttBroker(new MqttBrokerOptions { Listeners = [new MqttListener(IPAddress.Loopback, 0)], AllowAnonymous = true });
            Assert.True(_broker.TryStart(out var whyNot), whyNot);
            _link = new DelayLink(_broker.Endpoints[0].Port, OneWay, TimeProvider.System);
            _edge = Connect(_broker.Endpoints[0].Port, "edge");
            _target = Connect(_link.Port, "target");
            Rig = new TransferRig(new Watched(_edge, this), _target);
            _running = Task.WhenAll(KeepAsync(_edge), KeepAsync(_target));
        }

        public TransferRig Rig { get; }

        /// <summary>How often a chunk of each transfer was sent.</summary>
        public Dictionary<ulong, int> ChunksOf { get; } = [];

        /// <summary>The most transfers that were begun and not confirmed.</summary>
        public int UnconfirmedAtMost { get; private set; }

        public static async Task<FarTarget> StartAsync()
        {
            var far = new FarTarget();
            await Eventually.TrueAsync(() => far._edge.IsConnected && far._target.IsConnected, "both are connected");
            return far;
        }

        public async ValueTask DisposeAsync()
        {
            await Rig.DisposeAsync();
            await _end.CancelAsync();
            await _running;
            await _edge.DisposeAsync();
            await _target.DisposeAsync();
            await _link.DisposeAsync();
            await _broker.StopAsync();
            await _broker.DisposeAsync();
            _end.Dispose();
        }

        private static MqttBus Connect(int port, string name) =>
            new(new MqttBusOptions { Hosts = [new MqttHost("127.0.0.1", port)] }, name, TimeProvider.System, NullLogger.Instance);

        private async Task KeepAsync(MqttBus bus)
        {
            try
            {
                await bus.RunAsync(_end.Token);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                // The orderly end.
            }
        }

        private void Sent(in MessageHeader header)
        {
            if (header.Type != MessageType.Chunk)
            {
                return;
            }

            lock (ChunksOf)
            {
                ChunksOf[header.TransferId] = ChunksOf.GetValueOrDefault(header.TransferId) + 1;
                UnconfirmedAtMost = Math.Max(UnconfirmedAtMost, ChunksOf.Count - (int)Rig.Server.Counters.ConfirmedBlocks);
            }
        }

        private sealed class Watched(IMessageBus inner, FarTarget owner) : IMessageBus
        {
            public event Action<bool>? ConnectionChanged
            {
                add => inner.ConnectionChanged += value;
                remove => inner.ConnectionChanged -= value;
            }

            public bool IsConnected => inner.IsConnected;

            public Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
            {
                if (MessageHeader.TryRead(payload.Span, out var header))
                {
                    owner.Sent(header);
                }

                return inner.SendAsync(topic, payload, cancellationToken);
            }

            public IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler) => inner.Subscribe(filter, handler);
        }
    }
}
