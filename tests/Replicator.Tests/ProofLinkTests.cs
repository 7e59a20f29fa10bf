using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Proof;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>The questions of a proof over the link: large answers, slow answers, sources of another version, and what becomes of what differs.</summary>
public sealed class ProofLinkTests
{
    private static readonly TimeRange Range = new(0, 10 * BookHour.Ns);

    [Fact]
    public async Task A_statement_that_is_larger_than_a_message_arrives_whole()
    {
        using var proofs = new FakeProofs { Padding = 100_000 };
        await using var rig = new TransferRig(new LoopbackBus());
        rig.Server.Proofs = proofs;
        Assert.True((await rig.Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
        var stated = await rig.Link.StateAsync(Range, CancellationToken.None);
        Assert.True(stated.IsOk, stated.Detail);
        Assert.Equal(proofs.Last!.Text, stated.Value!.Text);
        Assert.InRange(stated.Value.Text.Length, 100_000, int.MaxValue);
        Assert.Equal(1, proofs.Stated);
    }

    [Fact]
    public async Task Sums_come_page_by_page_though_the_bus_loses_and_repeats_messages()
    {
        using var proofs = new FakeProofs { Pages = 5 };
        await using var rig = new TransferRig(
            new LoopbackBus(seed: 5, new BusFaults(Drop: 0.2, Repeat: 0.2)),
            tune: o => o with { RepeatAfter = TimeSpan.FromMilliseconds(100) });
        rig.Server.Proofs = proofs;
        var cells = new List<DigestCell>();
        var walked = await rig.Link.DigestAsync(Range, [], page =>
        {
            cells.AddRange(page.Cells);
            return Task.FromResult(true);
        }, CancellationToken.None, SessionAsync);
        Assert.True(walked.IsOk, walked.Detail);
        Assert.Equal(Enumerable.Range(0, 5), cells.Select(c => c.Hour));

        async Task<bool> SessionAsync(CancellationToken token) => (await rig.Link.EnsureSessionAsync(token)).IsOk;
    }

    [Fact]
    public async Task A_source_that_takes_its_time_keeps_the_session_and_blocks_go_on_meanwhile()
    {
        using var proofs = new FakeProofs { Pages = 1, Slow = new TaskCompletionSource() };
        await using var rig = new TransferRig(new LoopbackBus(), tune: o => o with { RepeatAfter = TimeSpan.FromMilliseconds(500) });
        rig.Server.Proofs = proofs;
        rig.AddBlock(50);
        Assert.True((await rig.Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
        var walking = rig.Link.DigestAsync(Range, [], _ => Task.FromResult(true), CancellationToken.None);
        await proofs.Asked.Task;
        Assert.Single(await rig.FetchAllAsync());
        await Eventually.TrueAsync(() => rig.Link.Repeats > 0, "the question was repeated");
        Assert.False(walking.IsCompleted);
        proofs.Slow.SetResult();
        var walked = await walking;
        Assert.True(walked.IsOk && walked.Value, walked.Detail);
        Assert.Equal(1, proofs.Digested);
    }

    [Fact]
    public async Task A_source_of_an_earlier_version_is_named_with_what_to_do()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        Assert.True((await rig.Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
        var stated = await rig.Link.StateAsync(Range, CancellationToken.None);
        Assert.Equal(LinkStatus.Refused, stated.Status);
        Assert.Contains("edge1 is of a version that can't state its accounts: update zfrepl there", stated.Detail, StringComparison.Ordinal);
        var walked = await rig.Link.DigestAsync(Range, [], _ => Task.FromResult(true), CancellationToken.None);
        Assert.Contains("update zfrepl there", walked.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_collector_answers_when_it_cannot_is_passed_on()
    {
        using var proofs = new FakeProofs { Failure = "this collector keeps no local history" };
        await using var rig = new TransferRig(new LoopbackBus());
        rig.Server.Proofs = proofs;
        Assert.True((await rig.Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
        var walked = await rig.Link.DigestAsync(Range, [], _ => Task.FromResult(true), CancellationToken.None);
        Assert.Equal((LinkStatus.NotReady, "this collector keeps no local history"), (walked.Status, walked.Detail));
    }

    [Fact]
    public async Task A_statement_that_lists_a_block_twice_ends_nothing()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        await using var rig = await FetchRig.StartAsync(transfer);
        var hash = new string('a', 64);
        var block = new ChainBlock(3, "", 1, 2, 1, hash);
        var read = await TargetStatement.ReadAsync(
            rig.History, new StreamId(7, 8), new ChainStatement(0, ulong.MaxValue, ulong.MaxValue, hash, 1, hash, [block, block]), CancellationToken.None);
        Assert.True(read.IsOk, read.Error?.ToString());
        Assert.Equal(0UL, read.Value.Chain.Blocks);
    }

    [Fact]
    public void Hours_in_a_row_that_lack_the_same_items_are_one_task_and_nothing_else_is_asked_for()
    {
        var (a, b) = (Oid.Parse("sensor:a"), Oid.Parse("sensor:b"));
        DigestComparison.Cell[] missing = [Cell(a, 3), Cell(b, 3), Cell(a, 4), Cell(b, 4), Cell(a, 5), Cell(a, 7)];
        var range = new TimeRange(3 * BookHour.Ns + 5, 7 * BookHour.Ns + 9);
        var gaps = RepairPlan.Make(missing, range, "edge1", 1).ToList();
        Assert.Equal(
            [(range.FromNs, BookHour.LastNs(4), "sensor:a sensor:b"), (BookHour.FirstNs(5), BookHour.LastNs(5), "sensor:a"), (BookHour.FirstNs(7), range.ToNs, "sensor:a")],
            gaps.Select(g => (g.FromNs, g.ToNs, string.Join(' ', g.Items))));
        Assert.Equal(3, gaps.Select(g => g.Id).Distinct().Count());

        static DigestComparison.Cell Cell(Oid item, int hour) => new(item, hour, new EventSum(2, 1), new EventSum(1, 1));
    }

    [Fact]
    public void A_comparison_counts_everything_and_keeps_what_it_has_room_for()
    {
        var comparison = new DigestComparison();
        var sums = Enumerable.Range(0, DigestComparison.MaxKept + 5).ToDictionary(h => h, _ => new EventSum(3, 9));
        comparison.Add(Oid.Parse("sensor:a"), sums, new Dictionary<int, EventSum>());
        comparison.Add(Oid.Parse("sensor:b"), new Dictionary<int, EventSum> { [1] = new(1, 2) }, new Dictionary<int, EventSum> { [1] = new(1, 3), [2] = new(1, 1) });
        var result = comparison.Result(true, DigestResult.History);
        Assert.Equal(
            (2L, DigestComparison.MaxKept + 5L, 3L * (DigestComparison.MaxKept + 5), 1L, 1L),
            (result.Items, result.MissingCells, result.MissingEvents, result.AlteredCells, result.MoreCells));
        Assert.Equal((DigestComparison.MaxKept, true, 1000), (comparison.Differing.Count, comparison.IsCut, result.Differing.Count));

        // What has come since differs no more.
        var first = comparison.Differing.First();
        comparison.Replace(first, first.Source, first.Source);
        Assert.Equal(DigestComparison.MaxKept + 4, comparison.Result(true, DigestResult.History).MissingCells);
    }

    /// <summary>A collector's part, in memory.</summary>
    private sealed class FakeProofs : IProofSource, IDisposable
    {
        private readonly ProofKey _key = ProofKey.Create();

        public int Padding { get; init; }

        public int Pages { get; init; }

        public string? Failure { get; init; }

        public TaskCompletionSource? Slow { get; init; }

        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SignedDocument? Last { get; private set; }

        public int Stated { get; private set; }

        public int Digested { get; private set; }

        public Task<SourceAnswer<SignedDocument>> StateAsync(string mailbox, TimeRange range, CancellationToken cancellationToken)
        {
            Stated++;
            Last = SignedDocument.Sign(SourceStatement.Format, $"\"{new string('x', Padding)}\"", _key);
            return Task.FromResult(new SourceAnswer<SignedDocument>(SourceStatus.Ok, Last, null));
        }

        public async Task<SourceAnswer<DigestPage>> DigestAsync(string mailbox, DigestWish wish, CancellationToken cancellationToken)
        {
            if (Failure is not null)
            {
                return new SourceAnswer<DigestPage>(SourceStatus.Unavailable, null, Failure);
            }

            Digested++;
            Asked.TrySetResult();
            await (Slow?.Task ?? Task.CompletedTask).WaitAsync(cancellationToken);
            var page = (int)(wish.After?.Cursor.Number ?? 0);
            var item = Oid.Parse("sensor:a");
            var next = page + 1 < Pages ? new DigestPlace(item, new HistoryCursor(0, page + 1)) : null;
            return new SourceAnswer<DigestPage>(SourceStatus.Ok, new DigestPage(false, [new DigestCell(item, page, new EventSum(1, 1))], next), null);
        }

        public void Dispose() => _key.Dispose();
    }
}
