using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>The books of every kind of database: streams, ranges, losses, applied blocks.</summary>
public abstract class HistoryLedgerContract
{
    private static readonly StreamFacts Stream = new(new StreamId(0xFFFF_0000_0000_0001, 7), "edge", "centre", 0);

    /// <summary>A place of the test's own.</summary>
    protected abstract IHistoryPlace NewPlace();

    [ContractFact]
    public async Task Ranges_in_the_database_melt_together_like_a_set_of_numbers()
    {
        const int seed = 20260104;
        var random = new Random(seed);
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        for (ulong round = 0; round < 25; round++)
        {
            var stream = Stream with { Id = new StreamId(round, 1), HighestSequence = 99 };
            var naive = new SortedSet<ulong>();
            for (var i = random.Next(1, 25); i > 0; i--)
            {
                var first = (ulong)random.Next(1, 80);
                var range = new SequenceRange(first, first + (ulong)random.Next(15));
                naive.UnionWith(Numbers(range));
                await WriteBooksAsync(history, stream, [range]);
            }

            var account = await AccountAsync(history, stream.Id);
            Assert.True((ulong)naive.Count == account.Received, $"seed {seed} round {round}");
            Assert.Equal(Numbers(new SequenceRange(1, 99)).Except(naive), account.Missing.SelectMany(Numbers));
            Assert.Equal(99UL - (ulong)naive.Count, account.MissingCount);
        }
    }

    [ContractFact]
    public async Task Many_missing_ranges_are_counted_and_the_first_are_listed()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        await WriteBooksAsync(
            history, Stream with { HighestSequence = 2000 }, [.. Enumerable.Range(1, 999).Select(i => new SequenceRange((ulong)i * 2, (ulong)i * 2))]);
        var account = Assert.Single(Ok(await history.ReadStreamsAsync(null, 3, CancellationToken.None)));
        Assert.Equal(1001UL, account.MissingCount);
        Assert.Equal([new(1, 1), new(3, 3), new(5, 5)], account.Missing);
    }

    [ContractFact]
    public async Task What_the_source_declared_lost_is_not_missing_and_what_arrives_after_all_is_not_lost()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var facts = Stream with { HighestSequence = 100 };
        LossEntry[] losses = [Loss(LossReason.Expired, 11, 20), Loss(LossReason.Expired, 16, 30), Loss(LossReason.SourceOverflow, 0, 0, count: 7)];
        for (var i = 0; i < 3; i++)
        {
            await WriteBooksAsync(history, facts, [new SequenceRange(1, 10), new SequenceRange(31, 90)], losses);
        }

        var account = await AccountAsync(history, facts.Id);
        Assert.Equal([new SequenceRange(91, 100)], account.Missing);
        Assert.Equal(
            [
                new LossSum(LossOrigin.Source, LossReason.SourceOverflow, 1, 7, true),
                new LossSum(LossOrigin.Source, LossReason.Expired, 2, 20, true),
            ],
            account.Losses);

        await WriteBooksAsync(history, facts, [new SequenceRange(20, 25)]);
        account = await AccountAsync(history, facts.Id);
        Assert.Equal(14UL, account.Losses.Single(l => l.Reason == LossReason.Expired).Events);
        Assert.Equal(account.Facts.HighestSequence, account.Received + account.MissingCount + 14);
    }

    [ContractFact]
    public async Task A_loss_that_the_import_found_stays_missing_until_it_arrives()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var facts = Stream with { HighestSequence = 50 };
        var found = Loss(LossReason.Damaged, 11, 20) with { Origin = LossOrigin.Import };
        await WriteBooksAsync(history, facts, [new SequenceRange(1, 10), new SequenceRange(21, 50)], found);
        await WriteBooksAsync(history, facts, null, found with { Record = found.Record with { RecordedNs = 99, Detail = "seen again" } });
        var account = await AccountAsync(history, facts.Id);
        Assert.Equal([new SequenceRange(11, 20)], account.Missing);
        Assert.Equal([new LossSum(LossOrigin.Import, LossReason.Damaged, 1, 10, true)], account.Losses);

        await WriteBooksAsync(history, facts, [new SequenceRange(11, 20)]);
        account = await AccountAsync(history, facts.Id);
        Assert.Equal(0UL, account.MissingCount);
        Assert.Equal(0UL, Assert.Single(account.Losses).Events);
    }

    [ContractFact]
    public async Task Equal_losses_at_one_place_are_told_apart_and_replays_are_not()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var loss = Loss(LossReason.SourceOverflow, 0, 0, count: 1);
        for (var i = 0; i < 3; i++)
        {
            await WriteBooksAsync(history, Stream, null, loss, loss with { Occurrence = 1 }, loss with { AtSequence = 9 });
        }

        Assert.Equal(3UL, Assert.Single((await AccountAsync(history, Stream.Id)).Losses).Events);
    }

    [ContractFact]
    public async Task The_loss_ledger_is_listed_entry_by_entry_the_newest_first()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var other = Stream with { Id = new StreamId(5, 6), Node = "edge2", HighestSequence = 9 };
        var first = Listed(LossReason.Expired, 11, 20, recordedNs: 100) with { Origin = LossOrigin.Import };
        var second = Listed(LossReason.SourceOverflow, 0, 0, recordedNs: 300);
        var third = Listed((LossReason)200, 1, 9, recordedNs: 200);
        await WriteBooksAsync(history, Stream with { HighestSequence = 20 }, [new SequenceRange(1, 10)], first, second);
        await WriteBooksAsync(history, other, null, third);
        await WriteBooksAsync(history, Stream with { HighestSequence = 20 }, [new SequenceRange(13, 15)]);

        // What arrived in another way since is no longer lost; the entry itself stays as it was written.
        BookedLoss[] expected =
        [
            new(Stream with { HighestSequence = 20 }, LossOrigin.Source, second.Record, 3),
            new(other, LossOrigin.Source, third.Record, 9),
            new(Stream with { HighestSequence = 20 }, LossOrigin.Import, first.Record, 7),
        ];
        Assert.Equal(expected, await LossesAsync(history, null, 10));
        Assert.Equal(expected[..2], await LossesAsync(history, null, 2));
        Assert.Equal([expected[0], expected[2]], await LossesAsync(history, "edge", 10));
        Assert.Empty(await LossesAsync(history, "nobody\0' OR 1", 10));
        Assert.Equal(expected, await LossesAsync(await place.OpenAsync(), null, 10));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => history.ReadLossesAsync(null, 0, CancellationToken.None).AsTask());
    }

    [ContractFact]
    public async Task Absurd_numbers_in_loss_records_do_not_break_the_books()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        await WriteBooksAsync(
            history,
            Stream with { HighestSequence = long.MaxValue },
            [new SequenceRange(1, long.MaxValue - 1)],
            Loss(LossReason.SourceGap, 0, 0, ulong.MaxValue),
            Loss(LossReason.SourceGap, 0, 0, long.MaxValue),
            Loss(LossReason.SourceGap, 5, ulong.MaxValue, 1),
            Loss((LossReason)200, 9, 8, 1));
        var account = await AccountAsync(history, Stream.Id);
        Assert.Equal([new SequenceRange(long.MaxValue, long.MaxValue)], account.Missing);
        Assert.Equal(2UL << 40, account.Losses.Single(l => l.Reason == LossReason.SourceGap).Events);
        ulong[] stillLost = [1, 1, long.MaxValue, ulong.MaxValue];
        Assert.Equal(stillLost, (await LossesAsync(history, null, 10)).Select(l => l.StillLost).Order());
    }

    [ContractFact]
    public async Task An_applied_block_is_found_by_stream_number_and_hash_only()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var block = new BlockKey(Stream.Id, ulong.MaxValue, new BlockHash(new byte[32]));
        var applied = new AppliedBlock(block, 1, 11, new WriteCounts(4, 3, 1, 0, 0), 5, IsComplete: false, IsDelivered: false);
        var receipt = Ok(await history.WriteAsync(
            new HistoryWrite { Events = Batch(), Count = 0, Stream = Stream, Applied = applied }, CancellationToken.None));
        Assert.Equal(applied, receipt.Applied);
        Assert.Equal(applied, Ok(await history.FindAppliedAsync(block, CancellationToken.None)));
        Assert.Null(Ok(await history.FindAppliedAsync(block with { Index = 1 }, CancellationToken.None)));
        Assert.Null(Ok(await history.FindAppliedAsync(block with { Stream = new StreamId(1, 1) }, CancellationToken.None)));
        Assert.Null(Ok(await history.FindAppliedAsync(block with { Hash = new BlockHash([.. new byte[31], 1]) }, CancellationToken.None)));
    }

    [ContractFact]
    public async Task What_a_block_has_reached_is_never_taken_back()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var block = new BlockKey(Stream.Id, 3, new BlockHash(new byte[32]));
        var complete = new AppliedBlock(block, 1, 11, new WriteCounts(10, 10, 0, 0, 0), 5, IsComplete: true, IsDelivered: false);
        await PutAsync(complete);
        Ok(await history.MarkDeliveredAsync(block, CancellationToken.None));
        Ok(await history.MarkDeliveredAsync(block with { Index = 99 }, CancellationToken.None));
        var later = await PutAsync(complete with { Counts = new WriteCounts(10, 0, 10, 0, 0), IsComplete = false });
        Assert.True(later.IsComplete && later.IsDelivered);

        // A newer program may understand more of the same bytes: then the sinks have not seen all of it.
        Assert.False((await PutAsync(complete with { Counts = new WriteCounts(12, 2, 10, 0, 0) })).IsDelivered);

        async Task<AppliedBlock> PutAsync(AppliedBlock applied) => Ok(await history.WriteAsync(
            new HistoryWrite { Events = Batch(), Count = 0, Stream = Stream, Applied = applied }, CancellationToken.None)).Applied!;
    }

    [ContractFact]
    public async Task A_stream_known_by_its_tag_gets_its_whole_id_later()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var half = new StreamFacts(Stream.Id with { Low = 0 }, "", "", 20);
        await WriteBooksAsync(history, half, [new SequenceRange(11, 20)]);
        Assert.Equal(half, Ok(await history.FindStreamAsync(half.Id.High, CancellationToken.None)));
        await WriteBooksAsync(history, Stream with { HighestSequence = 10 }, [new SequenceRange(1, 10)]);
        var account = Assert.Single(Ok(await history.ReadStreamsAsync(null, 10, CancellationToken.None)));
        Assert.Equal(Stream with { HighestSequence = 20 }, account.Facts);
        Assert.Equal((20UL, 0UL), (account.Received, account.MissingCount));

        // Names that a damaged header does not tell are kept.
        await WriteBooksAsync(history, Stream with { Node = "", Mailbox = "", HighestSequence = 21 });
        Assert.Equal(Stream with { HighestSequence = 21 }, Ok(await history.FindStreamAsync(half.Id.High, CancellationToken.None)));
        await WriteBooksAsync(history, Stream with { Id = Stream.Id with { Low = 8 } });
        Assert.Null(Ok(await history.FindStreamAsync(half.Id.High, CancellationToken.None)));
    }

    [ContractFact]
    public async Task Bookkeeping_without_a_stream_is_wrong_use()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => history.WriteAsync(
            new HistoryWrite { Events = Batch(), Count = 0, Received = [new SequenceRange(1, 2)] }, CancellationToken.None).AsTask());
    }

    private static LossEntry Loss(LossReason reason, ulong first, ulong last, ulong? count = null) => new(
        LossOrigin.Source, 100, 0, new LossRecord(reason, first, last, count ?? (last - first + 1), IsExact: true, 0, 0, 5, "opc\0ua", "why"));

    private static LossEntry Listed(LossReason reason, ulong first, ulong last, long recordedNs) => new(
        LossOrigin.Source, 100, 0, new LossRecord(reason, first, last, first == 0 ? 3 : last - first + 1, first > 0, 7, 8, recordedNs, "opcua", "pourquoi?"));

    private static async Task<IReadOnlyList<BookedLoss>> LossesAsync(IHistoryDatabase history, string? node, int limit) =>
        Ok(await history.ReadLossesAsync(node, limit, CancellationToken.None));

    private static IEnumerable<ulong> Numbers(SequenceRange range) => Enumerable.Range((int)range.First, (int)range.Count).Select(n => (ulong)n);
}
