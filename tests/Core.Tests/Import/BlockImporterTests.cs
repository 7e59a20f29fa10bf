using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.History;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Import;

/// <summary>Whole blocks into the real database: what is taken, what is recognised, what is refused.</summary>
public sealed class BlockImporterTests
{
    [Fact]
    public async Task A_sealed_block_is_applied_with_all_its_books()
    {
        await using var bench = await ImportBench.StartAsync();
        var block = BlockFiles.Simple().Position().Seal();
        var applied = await bench.ImportAsync<ImportOutcome.Applied>(block, new BlockExpectation
        {
            Stream = BlockFiles.Stream,
            Index = 1,
            Hash = block.Hash,
            Node = "edge1",
            Mailbox = "centre",
        });
        Assert.Empty(applied.Missing);
        Assert.Equal(new WriteCounts(30, 30, 0, 0, 0), applied.Receipt.Counts);
        Assert.Equal((1UL, 31UL, true, true), (applied.Receipt.FirstSequence, applied.Receipt.NextSequence, applied.Receipt.IsComplete, applied.Receipt.IsDelivered));
        Assert.Equal(applied.Receipt, HistoryVerbs.Ok(await bench.History.FindAppliedAsync(
            new BlockKey(BlockFiles.Stream, 1, block.Hash), CancellationToken.None)));
        Assert.Equal(
            new StreamFacts(BlockFiles.Stream, "edge1", "centre", 30), (await bench.AccountAsync()).Facts);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 30));
    }

    [Fact]
    public async Task The_same_block_three_times_is_one()
    {
        await using var bench = await ImportBench.StartAsync(hasSink: true);
        var block = BlockFiles.Simple().Loss(LossReason.SourceOverflow, 0, 0, 5).Seal();
        await bench.ImportAsync<ImportOutcome.Applied>(block);
        for (var i = 0; i < 2; i++)
        {
            var again = await bench.ImportAsync<ImportOutcome.AlreadyApplied>(block);
            Assert.Equal(30, again.Receipt.Counts.Inserted);
        }

        await bench.HoldsExactlyAsync(new SequenceRange(1, 30));
        bench.LinesHoldExactly(new SequenceRange(1, 30));
        var account = await bench.AccountAsync();
        Assert.Equal(30UL, account.Received);
        Assert.Equal(5UL, Assert.Single(account.Losses).Events);
    }

    [Fact]
    public async Task Blocks_that_overlap_give_each_event_once()
    {
        await using var bench = await ImportBench.StartAsync(hasSink: true);
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(index: 1, firstSequence: 1, frames: 3).Seal());
        var second = await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(index: 2, firstSequence: 21, frames: 3).Seal());
        Assert.Equal(new WriteCounts(30, 20, 10, 0, 0), second.Receipt.Counts);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 50));
        bench.LinesHoldExactly(new SequenceRange(1, 50));
        Assert.Equal((50UL, 0UL), ((await bench.AccountAsync()).Received, (await bench.AccountAsync()).MissingCount));
    }

    [Fact]
    public async Task Blocks_in_any_order_leave_the_same_books_and_holes_are_known_at_once()
    {
        await using var bench = await ImportBench.StartAsync();
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(index: 3, firstSequence: 61).Seal());
        Assert.Equal([new SequenceRange(1, 60)], (await bench.AccountAsync()).Missing);
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(index: 1, firstSequence: 1).Seal());
        Assert.Equal([new SequenceRange(31, 60)], (await bench.AccountAsync()).Missing);
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(index: 2, firstSequence: 31).Seal());
        Assert.Equal((90UL, 0UL), ((await bench.AccountAsync()).Received, (await bench.AccountAsync()).MissingCount));
    }

    [Fact]
    public async Task An_empty_sealed_block_tells_what_came_before_it()
    {
        await using var bench = await ImportBench.StartAsync();
        var applied = await bench.ImportAsync<ImportOutcome.Applied>(new BlockFiles(index: 9, firstSequence: 101).Seal());
        Assert.Equal(0, applied.Receipt.Counts.Events);
        Assert.Equal([new SequenceRange(1, 100)], (await bench.AccountAsync()).Missing);
    }

    [Fact]
    public async Task Every_kind_of_value_travels_through_a_block()
    {
        await using var bench = await ImportBench.StartAsync(hasSink: true);
        var oid = Oid.Parse("lvar:all");
        var events = ValueSamples.All.Select((v, i) => HistoryVerbs.Event(i, v, (ulong)i + 1, oid: oid)).ToArray();
        await bench.ImportAsync<ImportOutcome.Applied>(new BlockFiles().Frame(events).Seal());
        Assert.Equal(events, await HistoryVerbs.ReadAsync(bench.History, oid));
        Assert.Equal(events.Length, File.ReadAllLines(bench.LinesPath).Length);
    }

    [Fact]
    public async Task A_huge_block_is_written_in_several_transactions_and_the_last_one_applies_it()
    {
        await using var bench = await ImportBench.StartAsync(options: new BlockImporterOptions { MaxEventsPerTransaction = 25 });

        // Small frames that share a transaction, one that alone takes four, and the end on a boundary.
        var block = BlockFiles.Simple(frames: 4).Events(95).Loss(LossReason.SourceOverflow, 0, 0, 1).Events(25).Seal();
        var steps = new List<ImportStep>();
        var applied = 0;
        await bench.RestartAsync(probe: steps.Add, inside: step => applied += step == SqliteHistoryStep.Committed ? 1 : 0);
        var receipt = (await bench.ImportAsync<ImportOutcome.Applied>(block)).Receipt;
        Assert.Equal(new WriteCounts(160, 160, 0, 0, 0), receipt.Counts);
        Assert.Equal(ImportStep.Applied, steps[^1]);
        Assert.InRange(steps.Count(s => s == ImportStep.PartWritten), 6, 10);
        Assert.Equal(steps.Count - 1, applied);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 160));
        Assert.Equal(160UL, (await bench.AccountAsync()).Received);
    }

    [Fact]
    public async Task An_ordinary_block_is_one_transaction()
    {
        await using var bench = await ImportBench.StartAsync();
        var commits = 0;
        await bench.RestartAsync(inside: step => commits += step == SqliteHistoryStep.Committed ? 1 : 0);
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(frames: 50).Seal());
        Assert.Equal(1, commits);
    }

    [Fact]
    public async Task What_the_source_lost_is_in_the_books_and_not_missing()
    {
        await using var bench = await ImportBench.StartAsync();
        var block = new BlockFiles().Events(10).Skip(20).Loss(LossReason.QueueFull, 11, 30).Events(10).Seal();
        Assert.Empty((await bench.ImportAsync<ImportOutcome.Applied>(block)).Missing);
        var account = await bench.AccountAsync();
        Assert.Equal((20UL, 0UL), (account.Received, account.MissingCount));
        Assert.Equal(new LossSum(LossOrigin.Source, LossReason.QueueFull, 1, 20, true), Assert.Single(account.Losses));
    }

    [Fact]
    public async Task A_hole_that_the_source_does_not_explain_is_reported_and_stays_missing()
    {
        await using var bench = await ImportBench.StartAsync();
        var block = new BlockFiles().Events(10).Skip(5).Events(10).Seal();
        Assert.Equal([new SequenceRange(11, 15)], (await bench.ImportAsync<ImportOutcome.Applied>(block)).Missing);
        var account = await bench.AccountAsync();
        Assert.Equal([new SequenceRange(11, 15)], account.Missing);
        Assert.Equal(new LossSum(LossOrigin.Import, LossReason.Damaged, 1, 5, true), Assert.Single(account.Losses));
    }

    public static TheoryData<string, RefusalKind> Refusals => new()
    {
        { "stream", RefusalKind.OtherStream },
        { "index", RefusalKind.OtherBlock },
        { "hash", RefusalKind.WrongHash },
        { "node", RefusalKind.OtherNode },
        { "mailbox", RefusalKind.OtherMailbox },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_block_that_is_not_the_expected_one_is_refused_and_writes_nothing(string what, RefusalKind kind)
    {
        await using var bench = await ImportBench.StartAsync();
        var block = BlockFiles.Simple().Seal();
        var expected = what switch
        {
            "stream" => new BlockExpectation { Stream = new StreamId(1, 1) },
            "index" => new BlockExpectation { Index = 2 },
            "hash" => new BlockExpectation { Hash = new BlockHash(new byte[32]) },
            "node" => new BlockExpectation { Node = "edge2" },
            _ => new BlockExpectation { Mailbox = "elsewhere" },
        };
        Assert.Equal(kind, (await bench.ImportAsync<ImportOutcome.Refused>(block, expected)).Kind);
        Assert.Empty(HistoryVerbs.Ok(await bench.History.ReadStreamsAsync(null, 1, CancellationToken.None)));
    }

    [Fact]
    public async Task What_is_no_block_is_refused()
    {
        await using var bench = await ImportBench.StartAsync();
        await File.WriteAllTextAsync(bench["text"], new string('x', 10_000));
        await File.WriteAllBytesAsync(bench["empty"], []);
        Assert.Equal(RefusalKind.NotABlock, Assert.IsType<ImportOutcome.Refused>(await bench.ImportAsync(bench["text"])).Kind);
        Assert.Equal(RefusalKind.NotABlock, Assert.IsType<ImportOutcome.Refused>(await bench.ImportAsync(bench["empty"])).Kind);
        Assert.Equal(RefusalKind.Missing, Assert.IsType<ImportOutcome.Refused>(await bench.ImportAsync(bench["absent"])).Kind);
        Assert.IsType<ImportOutcome.TryLater>(await bench.ImportAsync(bench["."]));
    }

    [Fact]
    public async Task A_block_above_the_size_limit_is_refused_before_it_is_read()
    {
        await using var bench = await ImportBench.StartAsync(options: new BlockImporterOptions { MaxBlockBytes = 500 });
        Assert.Equal(RefusalKind.TooLarge, (await bench.ImportAsync<ImportOutcome.Refused>(BlockFiles.Simple().Seal())).Kind);
    }

    [Fact]
    public async Task A_block_of_a_format_to_come_is_left_for_a_newer_program()
    {
        await using var bench = await ImportBench.StartAsync();
        var bytes = BlockFiles.Simple().Seal().ToArray();
        bytes[8] = bytes[10] = 3;
        var size = BitConverter.ToInt32(bytes, 12);
        BitConverter.TryWriteBytes(bytes.AsSpan(size - 4), Bytes.Crc32C.Compute(bytes.AsSpan(0, size - 4)));
        await File.WriteAllBytesAsync(bench["newer"], bytes);
        var refused = Assert.IsType<ImportOutcome.Refused>(await bench.ImportAsync(bench["newer"]));
        Assert.Equal(RefusalKind.NewerFormat, refused.Kind);
        Assert.Contains("update the program", refused.Reason, StringComparison.Ordinal);

        // With a wrong checksum the same bytes are damage, and the frames behind it are good.
        bytes[size - 1] ^= 1;
        await File.WriteAllBytesAsync(bench["damaged"], bytes);
        Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["damaged"]));
    }

    [Fact]
    public async Task Numbers_beyond_what_a_stream_can_reach_are_refused()
    {
        await using var bench = await ImportBench.StartAsync();
        Assert.Equal(RefusalKind.ImpossibleSequence, (await bench.ImportAsync<ImportOutcome.Refused>(new BlockFiles(1, ulong.MaxValue).Seal())).Kind);
        Assert.Equal(RefusalKind.ImpossibleSequence, (await bench.ImportAsync<ImportOutcome.Refused>(new BlockFiles(ulong.MaxValue, 1).Seal())).Kind);
        Assert.Equal(
            RefusalKind.ImpossibleSequence, (await bench.ImportAsync<ImportOutcome.Refused>(new BlockFiles(1, long.MaxValue - 1).Raw((byte)FrameType.EventRows, 5, []).Seal())).Kind);
    }

    [Fact]
    public async Task A_locked_database_is_try_later_and_then_goes_on()
    {
        await using var bench = await ImportBench.StartAsync();
        var block = BlockFiles.Simple().Seal();
        using (var other = SqliteSession.Open(new SqliteHistoryOptions { Path = bench["h.db"] }, SqliteAccess.Write))
        {
            other.Begin();
            var later = await bench.ImportAsync<ImportOutcome.TryLater>(block);
            Assert.Equal((ImportObstacle.History, false), (later.Obstacle, later.NeedsOperator));
            Assert.Contains("another program", later.Reason, StringComparison.Ordinal);
        }

        await bench.ImportAsync<ImportOutcome.Applied>(block);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 30));
    }

    [RootFact]
    public async Task A_full_disk_is_try_later_and_goes_on_when_there_is_space()
    {
        await using var disk = await SmallDisk.MountAsync(2048);
        await using var bench = await ImportBench.StartAsync();
        await using var history = HistoryVerbs.Ok(await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = Path.Combine(disk.Path, "h.db") }));
        using var importer = new BlockImporter(Storage.DiskStorage.Instance, history, [], new TestKit.ManualTime());
        var path = BlockFiles.Simple(frames: 500).Seal().WriteTo(bench["block"]);
        var ballast = disk.Fill();
        var later = Assert.IsType<ImportOutcome.TryLater>(await importer.ImportAsync(path, BlockExpectation.Anything, CancellationToken.None));
        Assert.Contains("free space", later.Remedy, StringComparison.Ordinal);
        Assert.False(later.NeedsOperator);
        disk.Free(ballast);
        Assert.IsType<ImportOutcome.Applied>(await importer.ImportAsync(path, BlockExpectation.Anything, CancellationToken.None));
        Assert.Equal(5000, (await HistoryVerbs.ReadAllAsync(history)).Count);
    }

    [Fact]
    public async Task Cancelling_between_parts_leaves_a_block_that_is_not_applied_and_goes_on_later()
    {
        await using var bench = await ImportBench.StartAsync(options: new BlockImporterOptions { MaxEventsPerTransaction = 10 });
        using var cancel = new CancellationTokenSource();
        await bench.RestartAsync(probe: step =>
        {
            if (step == ImportStep.PartWritten)
            {
                cancel.Cancel();
            }
        });
        var block = BlockFiles.Simple().Seal();
        var path = block.WriteTo(bench["block"]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.Importer.ImportAsync(path, BlockExpectation.Anything, cancel.Token).AsTask());
        Assert.Null(HistoryVerbs.Ok(await bench.History.FindAppliedAsync(new BlockKey(BlockFiles.Stream, 1, block.Hash), CancellationToken.None)));
        Assert.Equal(10UL, (await bench.AccountAsync()).Received);
        await bench.RestartAsync();
        Assert.IsType<ImportOutcome.Applied>(await bench.ImportAsync(path));
        await bench.HoldsExactlyAsync(new SequenceRange(1, 30));
    }

    [Fact]
    public async Task Remembered_oids_stay_in_bounds_from_block_to_block()
    {
        await using var bench = await ImportBench.StartAsync(options: new BlockImporterOptions { MaxOids = 3 });
        for (ulong i = 0; i < 5; i++)
        {
            await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(i + 1, (i * 30) + 1).Seal());
        }

        await bench.HoldsExactlyAsync(new SequenceRange(1, 150));
    }
}
