using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Client;

public sealed class TrackedSubscriptionTests
{
    [Fact]
    public void Numbers_go_from_the_last_one_to_one_and_never_to_zero()
    {
        Assert.Equal(1u, NotificationNumbers.Next(uint.MaxValue));
        Assert.Equal(uint.MaxValue, NotificationNumbers.Previous(1));
        Assert.True(NotificationNumbers.IsAfter(1, uint.MaxValue));
        Assert.False(NotificationNumbers.IsAfter(uint.MaxValue, 1));
        Assert.Equal(2u, NotificationNumbers.Distance(uint.MaxValue, 2));
        Assert.Equal(3u, NotificationNumbers.Distance(4, 7));
    }

    [Fact]
    public void Numbers_are_handed_on_over_the_wrap()
    {
        var tracked = Make(uint.MaxValue);
        Assert.True(Arrive(tracked, uint.MaxValue));
        Assert.True(Arrive(tracked, 1));
        Assert.Equal([uint.MaxValue, 1u], TakeAll(tracked));
        Assert.Equal(2u, tracked.Expected);
        Assert.False(tracked.HasGap);
    }

    [Fact]
    public void A_number_ahead_waits_for_the_one_before_it()
    {
        var tracked = Make(5);
        Assert.True(Arrive(tracked, 6));
        Assert.True(tracked.HasGap);
        Assert.Empty(TakeAll(tracked));
        Assert.True(Arrive(tracked, 5));
        Assert.Equal([5u, 6u], TakeAll(tracked));
    }

    [Fact]
    public void Duplicates_are_told_apart()
    {
        var tracked = Make(5);
        Assert.True(Arrive(tracked, 5));
        Assert.False(Arrive(tracked, 5));
        Assert.Equal([5u], TakeAll(tracked));
        Assert.False(Arrive(tracked, 5));
        Assert.False(Arrive(tracked, 4));
        Assert.False(Arrive(tracked, 0));
        Assert.True(tracked.IsBefore(5));
        Assert.False(tracked.IsBefore(6));
    }

    [Fact]
    public void A_keep_alive_with_a_later_number_shows_what_is_missing()
    {
        var tracked = Make(5);
        tracked.OnKeepAlive(5, []);
        Assert.False(tracked.HasGap);
        tracked.OnKeepAlive(7, []);
        Assert.True(tracked.HasGap);
        tracked.OnMissing("gone");
        tracked.OnMissing("gone");
        Assert.False(tracked.HasGap);
        Assert.Equal(5u, tracked.MissingFirst);
        Assert.Equal(7u, tracked.Expected);
    }

    [Fact]
    public void Without_memory_it_begins_at_the_oldest_that_the_server_has()
    {
        var tracked = Make(0);
        Assert.True(Arrive(tracked, 9, 7, 8, 9));
        Assert.Equal(7u, tracked.Expected);
        Assert.True(tracked.HasGap);

        var quiet = Make(0);
        quiet.OnKeepAlive(12, []);
        Assert.Equal(12u, quiet.Expected);
        Assert.False(quiet.HasGap);
    }

    [Fact]
    public void After_a_transfer_all_that_the_server_holds_is_known_and_one_number_may_be_the_notice()
    {
        var tracked = Make(5);
        tracked.OnBreak();
        tracked.OnTransferred([3, 4, 5, 6]);
        Assert.True(tracked.HasGap);
        Assert.Equal(7u, tracked.KnownNext);
        Assert.Equal(7u, tracked.NoticeOfTransfer);
        Assert.True(Arrive(tracked, 5));
        Assert.True(Arrive(tracked, 6));
        Assert.Equal([5u, 6u], TakeAll(tracked));
        Assert.True(Arrive(tracked, 8));
        Assert.True(tracked.HasGap);
        tracked.OnMissing("not available");
        Assert.Equal(tracked.NoticeOfTransfer, tracked.MissingFirst);
        tracked.OnMissingRecorded();
        Assert.Equal([8u], TakeAll(tracked));
        Assert.Equal(0u, tracked.NoticeOfTransfer);
    }

    [Fact]
    public void A_wild_number_does_not_mean_millions_of_requests()
    {
        var tracked = Make(5);
        Assert.True(Arrive(tracked, 1_500_000_000));
        var asked = 0;
        while (tracked.HasGap)
        {
            tracked.SkipHopeless();
            tracked.OnMissing("gone");
            asked++;
        }

        Assert.InRange(asked, 1, 10_000);
        Assert.Equal(5u, tracked.MissingFirst);
        Assert.Equal([1_500_000_000u], TakeAll(tracked));
    }

    [Fact]
    public void A_retiring_subscription_is_drained_by_an_answer_to_a_later_request()
    {
        var tracked = Make(5);
        tracked.Retire(now: 0);

        // Until the server has surely emptied the items' queues, an answer may leave something behind.
        tracked.OnAnswer(9, moreNotifications: false);
        Assert.False(tracked.IsDrained);
        tracked.OnQueuesTaken(10);
        tracked.OnQueuesTaken(20);
        tracked.OnAnswer(10, moreNotifications: false);
        Assert.False(tracked.IsDrained);
        tracked.OnAnswer(11, moreNotifications: true);
        Assert.False(tracked.IsDrained);
        tracked.OnAnswer(12, moreNotifications: false);
        Assert.True(tracked.IsDrained);
    }

    internal static SavedSubscription Saved(int items = 1) => new()
    {
        Id = 42,
        Incarnation = 0xFEED_0000_0000_0001,
        Plan = new PlannedSubscription(100, 50, 36_000, 10_000),
        PublishingMs = 100,
        KeepAliveCount = 50,
        LifetimeCount = 36_000,
        Items =
        [
            .. Enumerable.Range(0, items).Select(i =>
                new PlannedItem($"key {i}", new NodeId(2, $"node {i}"), 0.5 * i, (uint)i + 2, DeadbandType.Absolute, i / 3.0)),
        ],
        Accepted = [.. Enumerable.Range(0, items).Select(i => i % 3 != 1)],
    };

    private static TrackedSubscription Make(uint expected, uint notTaken = 0) => new(Saved(), expected, notTaken);

    [Fact]
    public void What_an_earlier_process_has_in_part_is_asked_for_again_and_is_no_loss_where_the_server_has_forgotten_it()
    {
        var tracked = Make(expected: 5, notTaken: 8);
        Assert.True(tracked.HasGap);

        // 5 was acknowledged, 6 and 7 were not; 8 is lost.
        tracked.OnMissing("not available");
        Assert.True(Arrive(tracked, 6));
        Assert.True(Arrive(tracked, 7));
        Assert.Equal([6u, 7u], TakeAll(tracked));
        Assert.Equal((8u, 0u, false), (tracked.Expected, tracked.MissingFirst, tracked.HasGap));
        Assert.True(Arrive(tracked, 9));
        tracked.OnMissing("not available");
        Assert.Equal(8u, tracked.MissingFirst);
    }

    [Fact]
    public void Only_a_number_that_has_ended_three_connections_is_given_up_also_where_the_host_has_it_in_part()
    {
        var tracked = Make(expected: 5, notTaken: 8);
        tracked.OnFatal(5, "too large");
        tracked.OnFatal(5, "too large");
        tracked.OnFatal(6, "too large");
        tracked.OnFatal(5, "too large");
        tracked.OnFatal(5, "too large");
        Assert.False(tracked.IsFatal(5));
        tracked.OnFatal(5, "too large");
        Assert.True(tracked.IsFatal(5));
        tracked.OnGivenUp();
        Assert.Equal((6u, 5u, "too large"), (tracked.Expected, tracked.MissingFirst, tracked.MissingCause));
        tracked.OnMissingRecorded();
        Assert.False(tracked.IsFatal(6));

        // With nothing known beyond it, giving it up makes no hole after it.
        var last = Make(expected: 5);
        last.OnFatal(5, "too large");
        last.OnGivenUp();
        Assert.Equal((6u, 6u, false), (last.Expected, last.KnownNext, last.HasGap));
    }

    private static bool Arrive(TrackedSubscription tracked, uint number, params uint[] available) =>
        tracked.OnArrived(new ArrivedNotification(number, new UaDateTime(number), false, new DataChangeBatch()), available);

    private static List<uint> TakeAll(TrackedSubscription tracked)
    {
        var taken = new List<uint>();
        while (tracked.TryPeek(out var notification))
        {
            tracked.OnTaken(notification);
            taken.Add(notification.Number);
        }

        return taken;
    }
}
