using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Sinks;

namespace ZfRepl.Replicator.Tests;

/// <summary>The archive topic gets whole blocks, however often an attempt is cut short.</summary>
public sealed class ArchiveSinkTests
{
    private static readonly SinkBlock Block = new(new BlockKey(StreamId.Create(), 1, new BlockHash(new byte[32])), "edge1", "centre");

    [Fact]
    public async Task An_attempt_that_was_cancelled_leaves_nothing_that_ends_the_next_one()
    {
        var bus = new StuckBus();
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine: null, TimeProvider.System);
        using (var end = new CancellationTokenSource())
        {
            Assert.Null(await sink.DeliverAsync(Batch(10), end.Token));
            var completing = sink.CompleteAsync(Block, end.Token).AsTask();
            Assert.False(completing.IsCompleted);
            await end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completing);
        }

        bus.IsStuck = false;
        using var again = new CancellationTokenSource();
        Assert.Null(await sink.DeliverAsync(Batch(40), again.Token));
        Assert.Null(await sink.CompleteAsync(Block, again.Token));
        Assert.Equal(40, bus.Sent);
    }

    private static SinkBatch Batch(int count)
    {
        var events = new EventBatch(new OidTable());
        for (var i = 0; i < count; i++)
        {
            events.Add(new TelemetryEvent(Oid.Parse("sensor:a"), i, 1, 0, TelemetryValue.From(i), new Ieid(1, (ulong)i + 1)));
        }

        return new SinkBatch(Block, events, [new SequenceRun(0, count, 1)]);
    }

    private sealed class StuckBus : IMessageBus
    {
        private int _sent;

        public event Action<bool>? ConnectionChanged
        {
            add { }
            remove { }
        }

        public bool IsStuck { get; set; } = true;

        public bool IsConnected => true;

        public int Sent => Volatile.Read(ref _sent);

        public async Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            if (IsStuck)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            Interlocked.Increment(ref _sent);
            return BusResult.Sent;
        }

        public IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler) => throw new NotSupportedException();
    }
}
