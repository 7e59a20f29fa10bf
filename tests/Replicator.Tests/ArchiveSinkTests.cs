using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Import;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Sinks;
using ZfRepl.TestKit;

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

    [Fact]
    public async Task What_the_broker_will_never_take_goes_to_quarantine_and_the_rest_on_the_topic()
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        var bus = new StuckBus { IsStuck = false, Refuses = n => n is 3 or 7 or 99 ? BusResult.Unacceptable : BusResult.Sent };
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        Assert.Null(await sink.DeliverAsync(Batch(100), CancellationToken.None));
        Assert.Null(await sink.CompleteAsync(Block, CancellationToken.None));
        Assert.Equal((97, 3L, 0L), (bus.Sent, sink.KeptAside, sink.Dropped));
        var entry = Assert.Single(quarantine.List(null, 10).Value);
        Assert.Equal(QuarantineKind.ArchiveEvents, entry.Kind);
        Assert.Contains("3 events of sensor:a and others are in the history database only", entry.Reason, StringComparison.Ordinal);

        var kept = new List<(ulong Sequence, long Value)>();
        var read = await KeptEvents.ReadAsync<string>(DiskStorage.Instance, entry.Path, batch =>
        {
            kept.AddRange(batch.Runs.SelectMany(r => Enumerable.Range(0, r.Count).Select(i => (r.FirstSequence + (ulong)i, batch.Events[r.Start + i].Value.AsInt64))));
            return ValueTask.FromResult<string?>(null);
        });
        Assert.True(read.IsOk);
        Assert.Equal([(4UL, 3L), (8, 7), (100, 99)], kept);

        // Served again after a crash, it is the same file.
        Assert.Null(await sink.DeliverAsync(Batch(100), CancellationToken.None));
        Assert.Null(await sink.CompleteAsync(Block, CancellationToken.None));
        Assert.Single(quarantine.List(null, 10).Value);

        // The broker takes them now.
        var retry = new ArchiveSink(bus, "ST/RAR/", quarantine: null, TimeProvider.System);
        var refused = await KeptEvents.ReadAsync(DiskStorage.Instance, entry.Path, async b => await retry.DeliverAsync(b, default) ?? await retry.CompleteAsync(b.Block, default));
        Assert.Contains("refuses", refused.Value!.Detail, StringComparison.Ordinal);
        bus.Refuses = _ => BusResult.Sent;
        var published = await KeptEvents.ReadAsync(DiskStorage.Instance, entry.Path, async b => await retry.DeliverAsync(b, default) ?? await retry.CompleteAsync(b.Block, default));
        Assert.Null(published.Value);
    }

    [Theory]
    [InlineData(BusResult.Refused)]
    [InlineData(BusResult.NotConnected)]
    [InlineData(BusResult.Unknown)]
    public async Task What_the_broker_does_not_take_for_now_is_waited_for_and_nothing_is_kept_aside(BusResult result)
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        var bus = new StuckBus { IsStuck = false, Refuses = n => n == 5 ? result : n == 3 ? BusResult.Unacceptable : BusResult.Sent };
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        var error = await sink.DeliverAsync(Batch(10), CancellationToken.None) ?? await sink.CompleteAsync(Block, CancellationToken.None);
        Assert.NotNull(error);
        Assert.Empty(quarantine.List(null, 10).Value);

        // The next attempt begins afresh and keeps the one event once.
        bus.Refuses = n => n == 3 ? BusResult.Unacceptable : BusResult.Sent;
        Assert.Null(await sink.DeliverAsync(Batch(10), CancellationToken.None));
        Assert.Null(await sink.CompleteAsync(Block, CancellationToken.None));
        Assert.Equal(1, sink.KeptAside);
        Assert.Contains("1 events of sensor:a are in", Assert.Single(quarantine.List(null, 10).Value).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_ends_the_connection_after_some_refusals_is_got_past_all_the_same()
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        var refusals = 0;
        var bus = new StuckBus { IsStuck = false };
        bus.Refuses = n => n % 2 == 0 ? BusResult.Sent : refusals++ < 20 ? BusResult.Unacceptable : BusResult.Unknown;
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            refusals = 0;
            var error = await sink.DeliverAsync(Batch(100), CancellationToken.None) ?? await sink.CompleteAsync(Block, CancellationToken.None);
            Assert.Equal(attempt < 2, error is not null);
        }

        Assert.Equal(50, sink.KeptAside);
    }

    [Fact]
    public async Task A_message_over_which_the_connection_ends_every_time_is_kept_aside_in_the_end()
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        var bus = new StuckBus { IsStuck = false, Refuses = n => n == 50 ? BusResult.Unknown : BusResult.Sent };
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        for (var attempt = 1; attempt <= 6; attempt++)
        {
            var error = await sink.DeliverAsync(Batch(100), CancellationToken.None) ?? await sink.CompleteAsync(Block, CancellationToken.None);
            Assert.Equal(attempt < 6, error is not null);
        }

        Assert.Equal(1, sink.KeptAside);
    }

    [Fact]
    public async Task Blocks_of_other_sources_in_between_do_not_make_the_sink_forget_which_message_is_suspect()
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        var bus = new StuckBus { IsStuck = false };
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        var other = new SinkBlock(new BlockKey(StreamId.Create(), 1, new BlockHash(new byte[32])), "edge2", "centre");
        for (var attempt = 1; attempt <= 6; attempt++)
        {
            bus.Refuses = n => n == 50 ? BusResult.Unknown : BusResult.Sent;
            var error = await sink.DeliverAsync(Batch(100), CancellationToken.None) ?? await sink.CompleteAsync(Block, CancellationToken.None);
            Assert.Equal(attempt < 6, error is not null);
            bus.Refuses = _ => BusResult.Sent;
            Assert.Null(await sink.DeliverAsync(Batch(10) with { Block = other }, CancellationToken.None) ?? await sink.CompleteAsync(other, CancellationToken.None));
        }

        Assert.Equal(1, sink.KeptAside);
    }

    [Fact]
    public async Task A_connection_that_ends_over_other_messages_each_time_makes_none_of_them_suspect()
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        var bad = 0L;
        var bus = new StuckBus { IsStuck = false };
        bus.Refuses = n => n == bad ? BusResult.Unknown : BusResult.Sent;
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        for (var attempt = 0; attempt < 20; attempt++)
        {
            bad = 10 + (attempt % 3);
            Assert.NotNull(await sink.DeliverAsync(Batch(100), CancellationToken.None) ?? await sink.CompleteAsync(Block, CancellationToken.None));
        }

        bad = -1;
        Assert.Null(await sink.DeliverAsync(Batch(100), CancellationToken.None) ?? await sink.CompleteAsync(Block, CancellationToken.None));
        Assert.Equal(0, sink.KeptAside);
    }

    [Fact]
    public async Task Where_a_whole_topic_is_refused_it_is_asked_once_for_a_block()
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        var asked = 0;
        var bus = new StuckBus { IsStuck = false };
        bus.Refuses = _ =>
        {
            asked++;
            return BusResult.Forbidden;
        };
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        Assert.Null(await sink.DeliverAsync(Batch(1000), CancellationToken.None));
        Assert.Null(await sink.CompleteAsync(Block, CancellationToken.None));
        Assert.Equal(1000, sink.KeptAside);
        Assert.InRange(asked, 1, 33);
    }

    [Fact]
    public async Task Where_the_quarantine_is_full_the_queue_goes_on_and_it_is_counted()
    {
        using var folder = new TempFolder();
        var quarantine = Quarantine.Open(DiskStorage.Instance, folder["q"], TimeProvider.System).Value;
        using (var huge = new FileStream(folder["q", "huge"], FileMode.CreateNew))
        {
            huge.SetLength(Quarantine.MaxKeptBytes);
        }

        var bus = new StuckBus { IsStuck = false, Refuses = n => n == 3 ? BusResult.Unacceptable : BusResult.Sent };
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine, TimeProvider.System);
        Assert.Null(await sink.DeliverAsync(Batch(10), CancellationToken.None));
        Assert.Null(await sink.CompleteAsync(Block, CancellationToken.None));
        Assert.Equal((9, 0L, 1L), (bus.Sent, sink.KeptAside, sink.Dropped));
    }

    [Fact]
    public async Task A_rate_slows_it_down_and_nothing_is_dropped()
    {
        var time = new ManualTime();
        var bus = new StuckBus { IsStuck = false };
        var sink = new ArchiveSink(bus, "ST/RAR/", quarantine: null, time, new EventPacer(100, time));
        var delivering = DeliverAsync();
        for (var tenths = 0; tenths < 24; tenths++)
        {
            await Eventually.TrueAsync(() => time.PendingTimers == 1 || delivering.IsCompleted, "it waits");
            Assert.InRange(bus.Sent, Math.Max(0, tenths * 10 - 1), 10 + (tenths * 10));
            time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Null(await delivering);
        Assert.Equal(250, bus.Sent);

        // What was not used is no credit beyond a tenth of a second.
        time.Advance(TimeSpan.FromHours(1));
        var more = DeliverAsync();
        await Eventually.TrueAsync(() => time.PendingTimers == 1, "it waits");
        Assert.InRange(bus.Sent, 250, 260);
        while (!more.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal(500, bus.Sent);

        async Task<SinkError?> DeliverAsync() =>
            await sink.DeliverAsync(Batch(250), CancellationToken.None) ?? await sink.CompleteAsync(Block, CancellationToken.None);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task A_rate_is_held_whatever_it_is(int rate)
    {
        var time = new ManualTime();
        var pacer = new EventPacer(rate, time);
        var passed = 0;
        var passing = Task.Run(async () =>
        {
            while (passed < 10 * rate)
            {
                await pacer.WaitAsync(CancellationToken.None);
                Interlocked.Increment(ref passed);
            }
        });
        var milliseconds = 0;
        while (!passing.IsCompleted)
        {
            await Eventually.TrueAsync(() => time.PendingTimers == 1 || passing.IsCompleted, "it waits");

            // As late as a real timer.
            time.Advance(TimeSpan.FromMilliseconds(7));
            milliseconds += 7;
        }

        Assert.InRange(milliseconds, 9000, 11_500);
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

        /// <summary>What becomes of a message with a value.</summary>
        public Func<long, BusResult> Refuses { get; set; } = _ => BusResult.Sent;

        public bool IsConnected => true;

        public int Sent => Volatile.Read(ref _sent);

        public async Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            if (IsStuck)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            using var json = System.Text.Json.JsonDocument.Parse(payload);
            var result = Refuses(json.RootElement.GetProperty("value").GetInt64());
            if (result == BusResult.Sent)
            {
                Interlocked.Increment(ref _sent);
            }

            return result;
        }

        public IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler) => throw new NotSupportedException();
    }
}
