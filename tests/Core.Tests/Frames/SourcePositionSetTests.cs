using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Tests.Frames;

public sealed class SourcePositionSetTests
{
    [Fact]
    public void Two_subscriptions_of_a_source_keep_their_positions_side_by_side()
    {
        var set = new SourcePositionSet { new("plc", 1, 5), new("plc", 2, 1), new("plc", 1, 6), new("other", 1, 9), new("plc", 2, 2) };
        Assert.Equal((6UL, 2UL, 9UL), (set.LastOf("plc", 1), set.LastOf("plc", 2), set.LastOf("other", 1)));
        Assert.True(set.Covers(new("plc", 1, 6)));
        Assert.False(set.Covers(new("plc", 1, 7)));
        Assert.False(set.Covers(new("plc", 3, 1)));
        Assert.Equal(3, set.Count);
    }

    [Fact]
    public void A_third_subscription_lets_the_oldest_one_be_forgotten_and_no_other_source()
    {
        var set = new SourcePositionSet { new("other", 1, 9), new("plc", 1, 5), new("plc", 2, 1), new("plc", 3, 1) };
        Assert.Null(set.LastOf("plc", 1));
        Assert.Equal((1UL, 1UL, 9UL), (set.LastOf("plc", 2), set.LastOf("plc", 3), set.LastOf("other", 1)));
        Assert.Equal(set, new SourcePositionSet(set));
        Assert.True(set.Knows("plc"));
        Assert.False(set.Knows("pl"));
    }
}
