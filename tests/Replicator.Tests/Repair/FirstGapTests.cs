using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Repair;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests.Repair;

/// <summary>The time before the first heartbeat that a centre knows: a loss only where the source had the heartbeats by then.</summary>
public sealed class FirstGapTests
{
    private const long Second = UnixTime.NsPerSecond;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task The_time_before_the_source_began_is_said_to_be_not_known_and_is_no_loss()
    {
        await using var rig = await StartAsync();
        rig.Fills.Begin = () => Since(rig.NowNs - (1000 * Second));
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.NotKnown, 1);
        Assert.Contains("not known before", rig.Book.All[0].Detail, StringComparison.Ordinal);
        Assert.Empty(await LossesAsync(rig));

        // It is over: no search finds it again, and only force asks anew.
        Assert.Equal(0, await rig.SearchAsync());
        await rig.RestartAsync();
        Assert.Equal(0, await rig.SearchAsync());
        Assert.Equal(1, await rig.SearchAsync(force: true));
        await StateAsync(rig, GapState.NotKnown, 1);
        Assert.Empty(await LossesAsync(rig));
    }

    [Fact]
    public async Task Where_the_source_had_the_heartbeats_before_it_is_a_loss()
    {
        await using var rig = await StartAsync();
        rig.Fills.Begin = () => Since(rig.NowNs - (90_000 * Second));
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 1);
        Assert.Single(await LossesAsync(rig));
    }

    [Fact]
    public async Task Where_the_source_does_not_know_when_it_began_it_is_a_loss()
    {
        await using var rig = await StartAsync();
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 1);
        Assert.Single(await LossesAsync(rig));
    }

    [Fact]
    public async Task What_the_source_had_and_does_not_have_any_more_is_a_loss_from_its_beginning_on()
    {
        await using var rig = await StartAsync();
        var beganNs = rig.NowNs - (2000 * Second);
        rig.Fills.Begin = () => Since(beganNs);
        Assert.Equal(1, await rig.SearchAsync());
        await Eventually.TrueAsync(() => rig.Book.All.Count == 3 && rig.Book.All.All(g => !g.IsInFlight), "it is judged", Patience);
        var unknown = Assert.Single(rig.Book.All, g => g.State == GapState.NotKnown);
        var lost = Assert.Single(rig.Book.All, g => g.State == GapState.Unfillable);
        Assert.Equal((beganNs, beganNs), (unknown.ToNs, lost.FromNs));
        var loss = Assert.Single(await LossesAsync(rig));
        Assert.Equal(LossReason.SourceGap, loss);
    }

    [Fact]
    public async Task As_long_as_the_source_does_not_say_since_when_it_knows_nothing_is_given_up()
    {
        await using var rig = await StartAsync();
        rig.Fills.Begin = () => new SourceAnswer<BeginReply>(SourceStatus.Unavailable, null, "the collector is down");
        Assert.Equal(1, await rig.SearchAsync());
        await Eventually.TrueAsync(() => rig.Client.Doing(rig.Book.All[0].Id).Contains("since when", StringComparison.Ordinal), "it says what it waits for", Patience);
        Assert.Equal(GapState.Filled, rig.Book.All[0].State);
        Assert.Empty(await LossesAsync(rig));
        rig.Fills.Begin = () => Since(rig.NowNs - (1000 * Second));
        await StateAsync(rig, GapState.NotKnown, 1);
        Assert.Empty(await LossesAsync(rig));
    }

    [Fact]
    public async Task Where_no_heartbeat_is_here_and_the_source_never_had_one_nothing_is_lost()
    {
        await using var rig = await RepairRig.StartAsync();
        rig.Fills.Answer = Done;
        rig.Fills.Begin = Never;
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.NotKnown, 1);
        Assert.Empty(await LossesAsync(rig));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_source_whose_history_lacks_heartbeats_that_are_here_does_not_know_when_they_began(bool hasNone)
    {
        // They came through a relay, say, or before that history was begun.
        await using var rig = await StartAsync();
        rig.Fills.Begin = hasNone ? Never : () => Since(rig.NowNs - (500 * Second));
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 1);
        Assert.Single(await LossesAsync(rig));
    }

    [Fact]
    public async Task A_gap_behind_a_heartbeat_is_a_loss_whatever_the_source_says_of_its_beginning()
    {
        await using var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(3700, 1000);
        await rig.BeatAsync(900, 0);
        rig.Fills.Answer = Done;
        rig.Fills.Begin = () => Since(rig.NowNs);
        Assert.Equal(1, await rig.SearchAsync());
        await StateAsync(rig, GapState.Unfillable, 1);
        Assert.Single(await LossesAsync(rig));
    }

    /// <summary>A centre that has heartbeats of the last quarter of an hour, looks back an hour, and whose source has no more.</summary>
    private static async Task<RepairRig> StartAsync()
    {
        var rig = await RepairRig.StartAsync();
        await rig.BeatAsync(1000, 0);
        rig.Fills.Answer = Done;
        return rig;
    }

    private static SourceAnswer<FillReply> Done(FillWish wish) => new(
        SourceStatus.Ok, new FillReply(FillProgress.Done, 0, wish.Range.ToNs, new StreamId(70, 80), 1, ""), null);

    private static SourceAnswer<BeginReply> Never() => new(SourceStatus.Ok, new BeginReply(BeginKnowledge.Never, 0), null);

    private static SourceAnswer<BeginReply> Since(long timeNs) => new(SourceStatus.Ok, new BeginReply(BeginKnowledge.Since, timeNs), null);

    private static async Task<IReadOnlyList<LossReason>> LossesAsync(RepairRig rig) =>
        [.. (await rig.History.ReadStreamsAsync(only: null, 10, CancellationToken.None)).Value.SelectMany(s => s.Losses).Select(l => l.Reason)];

    private static Task StateAsync(RepairRig rig, GapState state, int count) => Eventually.TrueAsync(
        () => rig.Book.All.Count(g => g.State == state) == count && rig.Book.All.Count == count, $"{count} gaps are {state}", Patience);
}
