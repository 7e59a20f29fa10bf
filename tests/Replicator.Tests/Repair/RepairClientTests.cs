using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Repair;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests.Repair;

public sealed class RepairClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_gap_in_flight_is_asked_for_once_however_often_it_is_searched_and_restarted()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(2000, 1000);
        await rig.BeatAsync(900, 0);
        Assert.Equal(2, await rig.SearchAsync());
        await StateAsync(rig, GapState.Asked, 2);
        Assert.Equal(0, await rig.SearchAsync());
        await rig.RestartAsync();
        Assert.Equal(0, await rig.SearchAsync());
        await Eventually.TrueAsync(() => rig.Client.Doing(rig.Book.All[0].Id) == "fills", "the source is asked how far it is", Patience);
        Assert.Equal(rig.Book.All.Select(g => g.Id).Order(StringComparer.Ordinal), rig.Fills.Wishes.Keys.Order(StringComparer.Ordinal));

        // The wish reaches a little further than the gap.
        var gap = rig.Book.All[^1];
        var wish = rig.Fills.Wishes[gap.Id];
        Assert.Equal((gap.FromNs - gap.AllowedNs, gap.ToNs + gap.AllowedNs), (wish.Range.FromNs, wish.Range.ToNs));

        // By force, everything is asked for anew.
        Assert.Equal(2, await rig.SearchAsync(force: true));
        await Eventually.TrueAsync(() => rig.Fills.Wishes.Count == 4, "new tasks are asked for", Patience);
        Assert.Equal(2, rig.Book.All.Count);
    }

    [Fact]
    public async Task A_gap_is_closed_when_the_heartbeats_are_there()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Asked, 1);
        await rig.BeatAsync(1000, 900);
        rig.Fills.Answer = Done(nextSequence: 1);
        await StateAsync(rig, GapState.Closed, 1);
        Assert.Equal(0, await rig.SearchAsync());
    }

    [Fact]
    public async Task What_the_source_does_not_have_either_becomes_an_entry_in_the_loss_ledger_and_is_not_asked_for_again()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        rig.Fills.Answer = Done(nextSequence: 1);
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 1);
        Assert.Equal(0, await rig.SearchAsync());
        await IsALossAsync(rig);
    }

    [Fact]
    public async Task Each_gap_that_nobody_can_fill_is_a_loss_of_its_own()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 2000);
        await rig.BeatAsync(1900, 1000);
        await rig.BeatAsync(900, 0);
        rig.Fills.Answer = Done(nextSequence: 1);
        Assert.Equal(2, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 2);
        await IsALossAsync(rig, 2);
    }

    [Fact]
    public async Task What_is_short_and_behind_a_gap_that_was_filled_while_it_went_on_is_found_too()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Asked, 1);
        var gap = rig.Book.All[0];
        Assert.True(gap.IsOpen);

        // The source fills what it has by then, and the silence goes on.
        var filledToNs = gap.ToNs + gap.AllowedNs;
        await rig.BeatAsync(gap.FromNs, filledToNs);
        rig.Fills.Answer = Done(nextSequence: 1);
        await StateAsync(rig, GapState.Closed, 1);
        Assert.Equal(0, await rig.SearchAsync());
        Assert.True(rig.Book.All[0].IsOpen);

        // It ends too soon to be a gap.
        var againNs = filledToNs + (3 * UnixTime.NsPerSecond);
        await rig.BeatAsync(againNs, againNs + (60 * UnixTime.NsPerSecond));
        rig.Forward(TimeSpan.FromSeconds(60));
        Assert.Equal(1, await rig.SearchAsync());
        var rest = Assert.Single(rig.Book.All, g => g.Id != gap.Id);
        Assert.Equal((gap.ToNs, againNs, false), (rest.FromNs, rest.ToNs, rest.IsOpen));
        Assert.False(rig.Book.All.Single(g => g.Id == gap.Id).IsOpen);
        await StateAsync(rig, GapState.Closed, 2);
        Assert.Equal(0, await rig.SearchAsync());
    }

    [Fact]
    public async Task What_was_filled_and_was_gone_before_it_could_be_fetched_is_asked_for_a_few_times_more_and_then_given_up()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        // Done, in a stream that never comes.
        rig.Fills.Answer = Done(nextSequence: 1000);
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 1);
        Assert.Equal(4, rig.Fills.Wishes.Count);
        Assert.Contains("4 times", Assert.Single(rig.Book.All).Detail, StringComparison.Ordinal);
        await IsALossAsync(rig);
    }

    [Fact]
    public async Task A_source_that_cannot_fill_at_present_is_said_to_be_so_and_the_gap_stays()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        rig.Fills.Answer = _ => new SourceAnswer<FillReply>(SourceStatus.Unavailable, null, "no local history");
        Assert.Equal(1, await rig.SearchAsync());
        await Eventually.TrueAsync(() => rig.Client.Trouble is { } t && t.Contains("no local history", StringComparison.Ordinal), "the trouble is said", Patience);
        Assert.Equal(GapState.Found, Assert.Single(rig.Book.All).State);
    }

    [Fact]
    public async Task A_task_that_somebody_ended_at_the_source_ends_here_too()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        rig.Fills.Answer = wish => new SourceAnswer<FillReply>(
            SourceStatus.Ok, new FillReply(FillProgress.Cancelled, 5, wish.Range.FromNs, null, 0, ""), null);
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 1);
        Assert.Equal(0, await rig.SearchAsync());
        await IsALossAsync(rig);
    }

    [Fact]
    public async Task Done_without_a_stream_is_no_answer_and_ends_nothing()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        rig.Fills.Answer = wish => new SourceAnswer<FillReply>(SourceStatus.Ok, new FillReply(FillProgress.Done, 5, wish.Range.ToNs, null, 6, ""), null);
        Assert.Equal(1, await rig.SearchAsync());
        await Eventually.TrueAsync(() => rig.Client.Trouble is { } t && t.Contains("malformed", StringComparison.Ordinal), "the trouble is said", Patience);
        await rig.BeatAsync(1000, 900);
        rig.Fills.Answer = Done(nextSequence: 1);
        Assert.Equal(0, await rig.SearchAsync());
        await StateAsync(rig, GapState.Closed, 1);
    }

    [Fact]
    public async Task An_interval_longer_than_a_timer_can_wait_ends_nothing()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 0);
        await rig.RestartAsync(TimeSpan.FromDays(60));
        await Eventually.TrueAsync(() => rig.SuspendedReads > 0, "it works", Patience);
        for (var round = 0; round < 2; round++)
        {
            var before = rig.SuspendedReads;
            Assert.Equal(0, await rig.SearchAsync());
            await Eventually.TrueAsync(() => rig.SuspendedReads > before, "a search wakes it out of its pause", Patience);
        }
    }

    [Fact]
    public async Task A_gap_that_is_refused_keeps_no_other_from_being_asked_for_and_the_trouble_stays_while_it_is()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3000, 2900);
        for (var ago = 2800; ago > 0; ago -= 200)
        {
            await rig.BeatAsync(ago, Math.Max(0, ago - 100));
        }

        // As many as are asked for at once, and a few more, which the source takes.
        var refused = new HashSet<string>(StringComparer.Ordinal);
        var gate = new Lock();
        rig.Fills.Answer = wish =>
        {
            lock (gate)
            {
                return refused.Count < 8 && refused.Add(wish.Id) || refused.Contains(wish.Id)
                    ? new SourceAnswer<FillReply>(SourceStatus.Unavailable, null, "not this one")
                    : new SourceAnswer<FillReply>(SourceStatus.Ok, new FillReply(FillProgress.Open, 0, wish.Range.FromNs, null, 0, "fills"), null);
            }
        };
        var found = await rig.SearchAsync();
        Assert.InRange(found, 12, 20);
        await Eventually.TrueAsync(() => rig.Fills.Wishes.Count == 8, "the first ones are asked for", Patience);
        await Eventually.TrueAsync(() => rig.Client.Trouble is not null, "the trouble is said", Patience);
        // A search asks at once.
        await rig.SearchAsync();
        await Eventually.TrueAsync(() => rig.Book.All.Count(g => g.State == GapState.Asked) == found - 8, "the others are asked for", Patience);
        Assert.Contains("not this one", rig.Client.Trouble, StringComparison.Ordinal);

        // Nobody wants the refused ones any more.
        Assert.Null(rig.Client.Withdraw(refused));
        await Eventually.TrueAsync(() => rig.Client.Trouble is null, "the trouble is over", Patience);
    }

    [Fact]
    public async Task What_can_not_be_taken_out_of_the_book_is_said_and_is_taken_out_later()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Asked, 1);
        var id = rig.Book.All[0].Id;
        var folder = rig.BookFolder;
        Directory.Move(folder, folder + "-away");
        Assert.Contains("can't be noted", rig.Client.Withdraw(new HashSet<string>([id])), StringComparison.Ordinal);
        Directory.Move(folder + "-away", folder);
        await Eventually.TrueAsync(() => rig.Book.All.Count == 0, "it is taken out", Patience);
        await Eventually.TrueAsync(() => rig.Client.Doing(id).Length == 0, "nothing is said of it any more", Patience);
    }

    [Fact]
    public void The_tolerance_is_a_time_of_its_own_and_a_tenth_of_the_gap_where_none_is_given()
    {
        Assert.Equal(TimeSpan.FromSeconds(11), new RepairOptions { Gap = TimeSpan.FromSeconds(10) }.Allowed);
        var given = new RepairOptions { Gap = TimeSpan.FromSeconds(10), Tolerance = TimeSpan.FromSeconds(3) };
        Assert.Equal(TimeSpan.FromDays(36_500) + TimeSpan.FromSeconds(3), (given with { Gap = TimeSpan.FromDays(36_500) }).Allowed);
    }

    [Fact]
    public async Task What_is_given_up_while_the_book_can_not_be_written_is_one_loss_all_the_same()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        await ReceiveAsync(10);
        var folder = rig.BookFolder;
        var asked = 0;
        rig.Fills.Answer = wish =>
        {
            if (Interlocked.Increment(ref asked) == 1)
            {
                Directory.Move(folder, folder + "-away");
            }

            return new SourceAnswer<FillReply>(SourceStatus.Ok, new FillReply(FillProgress.Cancelled, 5, wish.Range.FromNs, null, 0, ""), null);
        };
        Assert.Equal(1, await rig.SearchAsync());

        // Meanwhile the stream goes on.
        await Eventually.TrueAsync(() => rig.Client.Trouble?.Contains("can't be noted", StringComparison.Ordinal) == true, "the trouble is said", Patience);
        await ReceiveAsync(20);
        var before = Volatile.Read(ref asked);
        await Eventually.TrueAsync(() => Volatile.Read(ref asked) >= before + 2, "it is tried again", Patience);
        Directory.Move(folder + "-away", folder);
        await StateAsync(rig, GapState.Unfillable, 1);
        await IsALossAsync(rig);

        async Task ReceiveAsync(ulong highest)
        {
            var written = await rig.History.WriteAsync(
                new HistoryWrite
                {
                    Events = new EventBatch(new OidTable(), 1),
                    Count = 0,
                    Stream = new StreamFacts(new StreamId(7, 8), TransferRig.Source, TransferRig.Target, highest),
                },
                CancellationToken.None);
            Assert.True(written.IsOk, written.Error?.ToString());
        }
    }

    private static async Task IsALossAsync(RepairRig rig, int count = 1)
    {
        var stream = Assert.Single((await rig.History.ReadStreamsAsync(only: null, 10, CancellationToken.None)).Value);
        Assert.Equal((TransferRig.Source, TransferRig.Target), (stream.Facts.Node, stream.Facts.Mailbox));
        var loss = Assert.Single(stream.Losses);
        Assert.Equal((LossReason.SourceGap, (long)count, 0UL), (loss.Reason, loss.Records, loss.Events));
    }

    [Fact]
    public async Task While_a_watched_service_is_down_nothing_is_searched_by_schedule_and_by_hand_all_the_same()
    {
        await using var rig = await RepairRig.StartAsync();
        rig.Suspended = "the watched service eva.x is down";
        await rig.RestartAsync(TimeSpan.FromMilliseconds(100));
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        var before = rig.SuspendedReads;
        await Eventually.TrueAsync(() => rig.SuspendedReads >= before + 3, "it has had the chance to search", Patience);
        Assert.Empty(rig.Book.All);
        rig.Suspended = null;
        await Eventually.TrueAsync(() => rig.Book.All.Count == 1, "it is searched as soon as the service answers", Patience);

        rig.Suspended = "down again";
        Assert.Equal(1, await rig.SearchAsync(force: true));
    }

    private static Func<FillWish, SourceAnswer<FillReply>> Done(ulong nextSequence) => wish => new SourceAnswer<FillReply>(
        SourceStatus.Ok, new FillReply(FillProgress.Done, 100, wish.Range.ToNs, new StreamId(70, 80), nextSequence, ""), null);

    private static Task StateAsync(RepairRig rig, GapState state, int count) => Eventually.TrueAsync(
        () => rig.Book.All.Count(g => g.State == state) == count && rig.Book.All.Count == count, $"{count} gaps are {state}", Patience);
}
