using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Tests.History;

namespace ZfRepl.Core.Tests.Import;

/// <summary>Blocks that are not what they were: every intact frame counts, and the rest is known by its numbers.</summary>
public sealed class DamagedBlockTests
{
    [Fact]
    public async Task Frames_before_and_behind_damage_are_taken_and_the_rest_is_missing()
    {
        await using var bench = await ImportBench.StartAsync(hasSink: true);
        var block = BlockFiles.Simple(frames: 4).Seal();
        var bytes = block.ToArray();
        bytes[block.Offsets[1] + 60] ^= 1;
        await File.WriteAllBytesAsync(bench["block"], bytes);
        for (var i = 0; i < 2; i++)
        {
            var partial = Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["block"]));
            Assert.Equal((true, false), (partial.IsSealed, partial.IsAsSealed));
            Assert.Equal([new SequenceRange(11, 20)], partial.Missing);
            Assert.Equal(block.Offsets[1], Assert.Single(partial.Damages).Offset);
            Assert.False(partial.Receipt.IsComplete);
            Assert.Equal(30, partial.Receipt.Counts.Events);
        }

        await bench.HoldsExactlyAsync(new SequenceRange(1, 10), new SequenceRange(21, 40));
        bench.LinesHoldExactly(new SequenceRange(1, 10), new SequenceRange(21, 40));
        var account = await bench.AccountAsync();
        Assert.Equal((30UL, 10UL), (account.Received, account.MissingCount));
        Assert.Equal(new LossSum(LossOrigin.Import, LossReason.Damaged, 1, 10, true), Assert.Single(account.Losses));

        // The whole block heals it.
        await bench.ImportAsync<ImportOutcome.Applied>(block);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 40));
        bench.LinesHoldExactly(new SequenceRange(1, 40));
        account = await bench.AccountAsync();
        Assert.Equal((40UL, 0UL, 0UL), (account.Received, account.MissingCount, account.Losses[0].Events));
    }

    [Fact]
    public async Task Damage_is_refused_where_the_whole_block_is_expected()
    {
        await using var bench = await ImportBench.StartAsync();
        var block = BlockFiles.Simple().Seal();
        var bytes = block.ToArray();
        bytes[block.Offsets[1] + 60] ^= 1;
        await File.WriteAllBytesAsync(bench["block"], bytes);
        var refused = Assert.IsType<ImportOutcome.Refused>(await bench.ImportAsync(bench["block"], new BlockExpectation { Hash = block.Hash }));
        Assert.Equal(RefusalKind.WrongHash, refused.Kind);
        Assert.Empty(HistoryVerbs.Ok(await bench.History.ReadStreamsAsync(null, 1, CancellationToken.None)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(116)]
    public async Task A_cut_at_the_end_costs_the_frames_that_it_hits_and_no_more(int cutBytes)
    {
        await using var bench = await ImportBench.StartAsync();
        var bytes = BlockFiles.Simple().Seal().ToArray();
        await File.WriteAllBytesAsync(bench["block"], bytes[..^cutBytes]);
        var partial = Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["block"]));
        Assert.False(partial.IsSealed);
        Assert.Empty(partial.Missing);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 30));
    }

    [Fact]
    public async Task A_block_that_is_still_written_is_taken_as_far_as_it_is_and_goes_on_later()
    {
        await using var bench = await ImportBench.StartAsync(hasSink: true);
        var early = BlockFiles.Simple(frames: 2).ToArray();
        await File.WriteAllBytesAsync(bench["block"], [.. early, 1, 2, 3]);
        var partial = Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["block"]));
        Assert.False(partial.IsSealed);
        Assert.Equal(3, partial.TornTail?.LengthBytes);
        await File.WriteAllBytesAsync(bench["block"], early);
        Assert.Null(Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["block"])).TornTail);

        var whole = BlockFiles.Simple(frames: 3).Seal();
        Assert.Equal(new WriteCounts(30, 10, 20, 0, 0), (await bench.ImportAsync<ImportOutcome.Applied>(whole)).Receipt.Counts);
        bench.LinesHoldExactly(new SequenceRange(1, 30));
    }

    [Fact]
    public async Task Whole_frames_of_a_commit_that_was_cut_short_were_never_accepted_and_are_not_taken()
    {
        await using var bench = await ImportBench.StartAsync(hasSink: true);
        var block = BlockFiles.Simple(frames: 3).TearLastCommit();
        var partial = await bench.ImportAsync<ImportOutcome.Partial>(block);
        Assert.Equal(block.Offsets[2], partial.TornTail?.Offset);
        Assert.Empty(partial.Missing);
        var account = await bench.AccountAsync();
        Assert.Equal((20UL, 20UL), (account.Received, account.Facts.HighestSequence));
        await bench.HoldsExactlyAsync(new SequenceRange(1, 20));
        bench.LinesHoldExactly(new SequenceRange(1, 20));
    }

    [Fact]
    public async Task Without_its_header_a_block_is_entered_under_its_streams_tag_until_the_stream_is_known()
    {
        await using var bench = await ImportBench.StartAsync(hasSink: true);
        var second = BlockFiles.Simple(index: 2, firstSequence: 31).Seal();
        var bytes = second.ToArray();
        bytes.AsSpan(20, 30).Clear();
        await File.WriteAllBytesAsync(bench["headless"], bytes);
        var partial = Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["headless"]));
        Assert.Equal(BlockFiles.Stream with { Low = 0 }, partial.Receipt.Block.Stream);
        Assert.Equal(30, partial.Receipt.Counts.Inserted);

        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(index: 1).Seal());
        var account = await bench.AccountAsync();
        Assert.Equal((60UL, 0UL), (account.Received, account.MissingCount));

        // Now the stream is known by its tag.
        Assert.Equal(BlockFiles.Stream, Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["headless"])).Receipt.Block.Stream);
        Assert.Single(HistoryVerbs.Ok(await bench.History.ReadStreamsAsync(null, 1, CancellationToken.None)));
        bench.LinesHoldExactly(new SequenceRange(1, 60));
    }

    [Fact]
    public async Task Without_its_header_a_block_is_refused_where_a_node_is_wanted_and_the_stream_is_unknown()
    {
        await using var bench = await ImportBench.StartAsync();
        var bytes = BlockFiles.Simple(index: 2, firstSequence: 31).Seal().ToArray();
        bytes[20] ^= 1;
        await File.WriteAllBytesAsync(bench["headless"], bytes);
        var edge1 = new BlockExpectation { Node = "edge1", Mailbox = "centre" };
        Assert.Equal(RefusalKind.OtherNode, Assert.IsType<ImportOutcome.Refused>(await bench.ImportAsync(bench["headless"], edge1)).Kind);
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple().Seal());
        Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(bench["headless"], edge1));
        await bench.HoldsExactlyAsync(new SequenceRange(1, 60));
    }

    [Fact]
    public async Task Frames_of_a_type_to_come_are_not_received_even_though_they_are_intact()
    {
        await using var bench = await ImportBench.StartAsync();
        var block = new BlockFiles().Events(10).Raw(99, 5, [1, 2, 3]).Raw(98, 0, [1]).Events(10).Seal();
        var partial = await bench.ImportAsync<ImportOutcome.Partial>(block, new BlockExpectation { Hash = block.Hash });
        Assert.True(partial.IsAsSealed);
        Assert.Equal([new SequenceRange(11, 15)], partial.Missing);
        Assert.Contains("frame type 99 with 5 events", Assert.Single(partial.Damages).Reason, StringComparison.Ordinal);
        Assert.Equal([new SequenceRange(11, 15)], (await bench.AccountAsync()).Missing);
    }

    [Fact]
    public async Task A_frame_whose_events_cannot_be_read_is_left_out_as_a_whole_and_its_neighbours_are_not()
    {
        await using var bench = await ImportBench.StartAsync();

        // The second of its three events is cut off, its checksum is right.
        var good = new BlockFiles().Frame(BlockFiles.EventAt(11), BlockFiles.EventAt(12), BlockFiles.EventAt(13));
        var payload = good.ToArray().AsSpan(good.Offsets[0] + FrameHeader.SizeBytes);
        var block = new BlockFiles().Events(10).Raw((byte)FrameType.EventRows, 3, payload[..^12]).Events(10).Seal();
        var partial = await bench.ImportAsync<ImportOutcome.Partial>(block);
        Assert.Contains("can't be read", Assert.Single(partial.Damages).Reason, StringComparison.Ordinal);
        Assert.Equal([new SequenceRange(11, 13)], partial.Missing);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 10), new SequenceRange(14, 23));
    }

    [Fact]
    public async Task Bytes_behind_the_trailer_are_not_covered_by_its_hash_and_make_the_block_another_one()
    {
        await using var bench = await ImportBench.StartAsync();
        var block = BlockFiles.Simple().Seal();
        var hash = block.Hash;
        var withMore = block.Events(10);
        var expected = new BlockExpectation { Hash = hash };
        Assert.Equal(RefusalKind.WrongHash, (await bench.ImportAsync<ImportOutcome.Refused>(withMore, expected)).Kind);
        var partial = await bench.ImportAsync<ImportOutcome.Partial>(withMore);
        Assert.False(partial.IsAsSealed);
        await bench.HoldsExactlyAsync(new SequenceRange(1, 40));
    }

    [Fact]
    public async Task A_trailer_that_counts_otherwise_makes_the_block_partial()
    {
        await using var bench = await ImportBench.StartAsync();
        Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(BlockFiles.Simple().Seal(events: 31)));
        Assert.IsType<ImportOutcome.Partial>(await bench.ImportAsync(BlockFiles.Simple(index: 2).Seal(frames: 4)));
    }

    [Fact]
    public async Task Whatever_byte_is_wrong_every_intact_frame_arrives_and_the_books_balance()
    {
        const int seed = 20260105;
        var random = new Random(seed);
        var block = BlockFiles.Simple(frames: 5).Loss(LossReason.QueueFull, 51, 55).Skip(5).Events(10).Seal();
        var good = block.ToArray();
        for (var round = 0; round < 40; round++)
        {
            await using var bench = await ImportBench.StartAsync();
            var bytes = good.ToArray();
            var at = random.Next(bytes.Length);
            bytes[at] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(bench["block"], bytes);
            var outcome = await bench.ImportAsync(bench["block"]);
            Assert.True(outcome is ImportOutcome.Partial, $"seed {seed} round {round} byte {at}: {outcome}");
            var account = Assert.Single(HistoryVerbs.Ok(await bench.History.ReadStreamsAsync(null, 10, CancellationToken.None)));
            var hit = block.Offsets.FindLastIndex(offset => offset <= at);
            var lost = hit is >= 0 and not 5 && at < good.Length - 116 ? 10UL : 0UL;
            Assert.True(account.Received == 60 - lost, $"seed {seed} round {round} byte {at}: {account}");
            var declared = account.Losses.Where(l => l.Origin == LossOrigin.Source).Aggregate(0UL, (n, l) => n + l.Events);
            Assert.Equal(account.Facts.HighestSequence, account.Received + account.MissingCount + declared);
        }
    }
}
