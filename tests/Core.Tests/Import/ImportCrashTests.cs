using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.History;

namespace ZfRepl.Core.Tests.Import;

/// <summary>
/// The process ends, or a call fails, at every single step of an import; then the same block is imported again. Afterwards everything is
/// there once. The same harness must find the two wrong orders that would lose events: it proves nothing otherwise.
/// </summary>
public sealed class ImportCrashTests
{
    private static readonly SequenceRange[] All = [new(1, 30)];

    [Fact]
    public async Task Wherever_the_process_ends_the_next_import_makes_it_whole_once()
    {
        var (steps, violations) = await CrashEverywhereAsync(history => history);
        Assert.Empty(violations);
        Assert.InRange(steps, 40, 400);
    }

    [Fact]
    public async Task Noting_a_block_as_applied_before_its_events_are_committed_would_be_found()
    {
        var (_, violations) = await CrashEverywhereAsync(history => new LedgerFirst(history));
        Assert.Contains(violations, v => v.Contains("events", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Noting_a_block_as_delivered_before_the_sinks_have_it_would_be_found()
    {
        var (_, violations) = await CrashEverywhereAsync(history => new DeliveredFirst(history));
        Assert.Contains(violations, v => v.Contains("lines", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Errno.NoSpace)]
    [InlineData(Errno.InputOutput)]
    public async Task Whichever_storage_call_fails_the_import_says_so_and_the_next_one_makes_it_whole_once(int errno)
    {
        var failures = 0;
        for (var at = 0; ; at++)
        {
            await using var bench = await ImportBench.StartAsync(hasSink: true);
            var path = Block().WriteTo(bench["block"]);
            int? countdown = null;
            var failed = "";
            bench.Storage = new FaultyStorage((operation, file) =>
            {
                if (countdown is not { } left || (countdown = left - 1) != -1)
                {
                    return null;
                }

                failed = $"{operation} {file}";
                return errno;
            });
            await bench.RestartAsync();
            countdown = at;
            var outcome = await bench.ImportAsync(path);
            if (countdown >= 0)
            {
                Assert.IsType<ImportOutcome.Applied>(outcome);
                break;
            }

            failures++;
            Assert.True(outcome is ImportOutcome.TryLater { Remedy.Length: > 0 }, $"storage call {at} ({failed}): {outcome}");

            // The same process goes on, with the same open files.
            Assert.True(await bench.ImportAsync(path) is ImportOutcome.Applied or ImportOutcome.AlreadyApplied, $"storage call {at}");
            Assert.Null(await ViolationAsync(bench, $"storage call {at}"));
        }

        Assert.InRange(failures, 10, 200);
    }

    [Fact]
    public async Task Whichever_database_call_fails_the_import_says_so_and_the_next_one_makes_it_whole_once()
    {
        for (var at = 0; ; at++)
        {
            await using var bench = await ImportBench.StartAsync(hasSink: true, new BlockImporterOptions { MaxEventsPerTransaction = 15 });
            var path = Block().WriteTo(bench["block"]);
            var flaky = new Flaky(bench.History, at);
            await bench.RestartAsync(history => flaky = new Flaky(history, at));
            var outcome = await bench.ImportAsync(path);
            if (flaky.Left >= 0)
            {
                Assert.IsType<ImportOutcome.Applied>(outcome);
                Assert.InRange(at, 5, 20);
                return;
            }

            Assert.Equal(ImportObstacle.History, Assert.IsType<ImportOutcome.TryLater>(outcome).Obstacle);
            Assert.True(await bench.ImportAsync(path) is ImportOutcome.Applied or ImportOutcome.AlreadyApplied, $"database call {at}");
            Assert.Null(await ViolationAsync(bench, $"database call {at}"));
        }
    }

    private static BlockFiles Block() =>
        BlockFiles.Simple(frames: 2).Loss(LossReason.SourceOverflow, 0, 0, 5).Loss(LossReason.SourceOverflow, 0, 0, 5).Events(10).Seal();

    /// <summary>Ends the process at step 0, 1, 2… until an import gets through; returns how many steps there are and what was wrong afterwards.</summary>
    private static async Task<(int Steps, List<string> Violations)> CrashEverywhereAsync(Func<IHistoryDatabase, IHistoryDatabase> wrap)
    {
        var violations = new List<string>();
        for (var at = 0; ; at++)
        {
            await using var bench = await ImportBench.StartAsync(hasSink: true, new BlockImporterOptions { MaxEventsPerTransaction = 15 });
            var path = Block().WriteTo(bench["block"]);
            int? countdown = null;
            bench.Storage = new FaultyStorage((_, _) => Step());
            await bench.RestartAsync(wrap, probe: _ => Step(), inside: _ => Step());
            countdown = at;
            try
            {
                Assert.IsType<ImportOutcome.Applied>(await bench.ImportAsync(path));
                return (at, violations);
            }
            catch (InvalidTimeZoneException)
            {
                countdown = null;
            }

            bench.Storage = DiskStorage.Instance;
            await bench.RestartAsync(wrap);
            for (var i = 0; i < 2; i++)
            {
                var outcome = await bench.ImportAsync(path);
                Assert.True(outcome is ImportOutcome.Applied or ImportOutcome.AlreadyApplied, $"step {at}: {outcome}");
            }

            if (await ViolationAsync(bench, $"step {at}") is { } violation)
            {
                violations.Add(violation);
            }

            int? Step()
            {
                HistoryVerbs.Break(countdown is { } left && (countdown = left - 1) == -1);
                return null;
            }
        }
    }

    private static async Task<string?> ViolationAsync(ImportBench bench, string at)
    {
        var events = await HistoryVerbs.ReadAllAsync(bench.History);
        var account = await bench.AccountAsync();
        var lines = File.ReadAllLines(bench.LinesPath);
        if (events.Count != 30)
        {
            return $"{at}: {events.Count} events";
        }

        if (lines.Length != 30 || lines.Distinct().Count() != 30)
        {
            return $"{at}: {lines.Length} lines, {lines.Distinct().Count()} different";
        }

        await bench.HoldsExactlyAsync(All);
        bench.LinesHoldExactly(All);
        return account is { Received: 30, MissingCount: 0 } && account.Losses.Single().Events == 10 ? null : $"{at}: {account}";
    }

    /// <summary>What a wrong implementation does: the books first, then the events.</summary>
    private sealed class LedgerFirst(IHistoryDatabase inner) : Forwarding(inner)
    {
        public override async ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation)
        {
            var books = HistoryVerbs.Ok(await base.WriteAsync(
                new HistoryWrite
                {
                    Events = write.Events,
                    Count = 0,
                    Stream = write.Stream,
                    Received = write.Received,
                    Losses = write.Losses,
                    Applied = write.Applied,
                },
                cancellation));
            var events = await base.WriteAsync(new HistoryWrite { Events = write.Events, Start = write.Start, Count = write.Count }, cancellation);
            return new WriteReceipt(HistoryVerbs.Ok(events).Counts, books.Applied);
        }
    }

    /// <summary>What a wrong implementation does: delivered as soon as applied.</summary>
    private sealed class DeliveredFirst(IHistoryDatabase inner) : Forwarding(inner)
    {
        public override async ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation)
        {
            var result = await base.WriteAsync(write, cancellation);
            if (write.Applied is { } applied)
            {
                HistoryVerbs.Ok(await MarkDeliveredAsync(applied.Block, cancellation));
            }

            return result;
        }
    }

    /// <summary>Fails one call.</summary>
    private sealed class Flaky(IHistoryDatabase inner, int failAt) : Forwarding(inner)
    {
        public int Left { get; private set; } = failAt;

        protected override HistoryError? Enter() => Left-- == 0 ? new HistoryError(HistoryTrouble.Busy, "injected", "wait") : null;
    }

    /// <summary>Passes everything on.</summary>
    private abstract class Forwarding(IHistoryDatabase inner) : IHistoryDatabase
    {
        public string Name => inner.Name;

        public virtual async ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation) =>
            Enter() is { } error ? error : await inner.WriteAsync(write, cancellation);

        public async ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation) =>
            Enter() is { } error ? error : await inner.FindAppliedAsync(block, cancellation);

        public async ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation) =>
            Enter() is { } error ? error : await inner.MarkDeliveredAsync(block, cancellation);

        public async ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation) =>
            Enter() is { } error ? error : await inner.FindStreamAsync(tag, cancellation);

        public ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(StreamId? only, int maxMissing, CancellationToken cancellation) =>
            inner.ReadStreamsAsync(only, maxMissing, cancellation);

        public ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
            Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation) =>
            inner.ReadEventsAsync(oid, after, toNs, limit, target, cancellation);

        public ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation) =>
            inner.ReadLossesAsync(node, limit, cancellation);

        public ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation) =>
            inner.ListOidsAsync(after, limit, cancellation);

        public ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation) =>
            inner.CountByOidAsync(after, limit, cancellation);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        protected virtual HistoryError? Enter() => null;
    }
}
