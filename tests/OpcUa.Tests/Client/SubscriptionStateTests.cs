using System.Security.Cryptography;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Client;

public sealed class SubscriptionStateTests
{
    private static readonly SavedState State = new(
        new FormerSession(
            "urn:server", "ABCD", new SessionHandle(new NodeId(1, 7), new NodeId(0, [1, 2, 3]), [9, 8, 7], TimeSpan.FromMinutes(3))),
        new UaDateTime(1234567), [TrackedSubscriptionTests.Saved(), TrackedSubscriptionTests.Saved(items: 5)]);

    [Fact]
    public void A_state_comes_back_as_it_was()
    {
        var read = SubscriptionStateCodec.TryRead(SubscriptionStateCodec.Write(State), out var problem);
        Assert.Null(problem);
        Assert.Equal(State.ServerStartTime, read!.ServerStartTime);
        Assert.Equal(State.Session.ServerUri, read.Session.ServerUri);
        Assert.Equal(State.Session.Thumbprint, read.Session.Thumbprint);
        Assert.Equal(State.Session.Session.AuthenticationToken, read.Session.Session.AuthenticationToken);
        Assert.Equal(State.Session.Session.SessionId, read.Session.Session.SessionId);
        Assert.Equal(State.Session.Session.ServerNonce, read.Session.Session.ServerNonce);
        Assert.Equal(State.Session.Session.Timeout, read.Session.Session.Timeout);
        Assert.Equal(2, read.Subscriptions.Count);
        var (before, after) = (State.Subscriptions[1], read.Subscriptions[1]);
        Assert.True(after.IsWhatWeWant(before.Plan, before.Items));
        Assert.Equal(before.Accepted, after.Accepted);
        Assert.Equal((before.Id, before.Incarnation, before.KeepAliveInterval), (after.Id, after.Incarnation, after.KeepAliveInterval));
        Assert.DoesNotContain("AQID", State.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_over_between_two_subscriptions_of_very_many_items_can_be_read_again()
    {
        var items = Enumerable.Range(0, 150_000)
            .Select(i => new PlannedItem($"sensor:plant/area/line/cell/machine/module/component/channel/value/{i:00000000}",
                new NodeId(4, $"Plant.Area.Line.Cell.Machine.Module.Component.Channel.Value.{i:00000000}"), 100, 1000, DeadbandType.None, 0))
            .ToArray();
        var saved = TrackedSubscriptionTests.Saved();
        var large = new SavedSubscription
        {
            Id = saved.Id,
            Incarnation = saved.Incarnation,
            Plan = saved.Plan,
            PublishingMs = saved.PublishingMs,
            KeepAliveCount = saved.KeepAliveCount,
            LifetimeCount = saved.LifetimeCount,
            Items = items,
            Accepted = new bool[items.Length],
        };
        var read = SubscriptionStateCodec.TryRead(
            SubscriptionStateCodec.Write(State with { Subscriptions = [large, large] }), out var problem);
        Assert.Null(problem);
        Assert.Equal(items[^1], read!.Subscriptions[1].Items[^1]);
    }

    [Fact]
    public void Every_cut_and_every_flipped_byte_is_noticed()
    {
        var bytes = SubscriptionStateCodec.Write(State);
        for (var i = 0; i < bytes.Length; i++)
        {
            Assert.Null(SubscriptionStateCodec.TryRead(bytes.AsSpan(0, i), out var cut));
            Assert.NotNull(cut);
            bytes[i] ^= 0x20;
            Assert.Null(SubscriptionStateCodec.TryRead(bytes, out var flipped));
            Assert.NotNull(flipped);
            bytes[i] ^= 0x20;
        }
    }

    [Fact]
    public void Wild_contents_with_a_right_checksum_do_no_harm()
    {
        var bytes = SubscriptionStateCodec.Write(State);
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var wild = bytes[..^32];
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                wild[random.Next(5, wild.Length)] = (byte)random.Next(256);
            }

            byte[] whole = [.. wild, .. SHA256.HashData(wild)];
            var read = SubscriptionStateCodec.TryRead(whole, out var problem);
            Assert.NotEqual(read is null, problem is null);
            Assert.All(read?.Subscriptions ?? [], s => Assert.True(s.Lifetime <= TimeSpan.FromDays(30) && s.Accepted.Length == s.Items.Count));
        }
    }

    [Fact]
    public void The_same_items_in_another_order_are_the_same_plan()
    {
        var namespaces = new NamespaceTable(["http://opcfoundation.org/UA/", "urn:a", "urn:b"]);
        WatchedItem[] items =
        [
            new(ExpandedNodeId.Parse("nsu=urn:b;s=X"), "x", TimeSpan.FromSeconds(1), 10),
            new(ExpandedNodeId.Parse("nsu=urn:a;s=Y"), "y", TimeSpan.Zero, 0, DeadbandType.Percent, 5),
        ];
        var plan = ItemPlan.Make(items, namespaces);
        Assert.Equal(plan, ItemPlan.Make([items[1], items[0], items[0] with { QueueSize = 99 }], namespaces));
        Assert.Equal(new NodeId(2, "X"), plan[0].Node);
        Assert.Equal(1u, plan[1].QueueSize);
        Assert.NotEqual(plan, ItemPlan.Make([items[0], items[1] with { DeadbandValue = 6 }], namespaces));
        Assert.NotEqual(plan, ItemPlan.Make(items, new NamespaceTable(["http://opcfoundation.org/UA/", "urn:b", "urn:a"])));
        Assert.True(ItemPlan.Make(items, new NamespaceTable([]))[0].Node.IsNull);
    }

    [Fact]
    public void A_lifetime_is_at_least_three_keep_alives()
    {
        var plan = PlannedSubscription.From(new SubscriptionOptions
        {
            PublishingInterval = TimeSpan.FromMilliseconds(100),
            KeepAliveInterval = TimeSpan.FromSeconds(5),
            Lifetime = TimeSpan.FromSeconds(1),
        });
        Assert.Equal(new PlannedSubscription(100, 50, 150, 10_000), plan);
    }
}
