using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Tests.Topics;

public sealed class TopicTests
{
    [Theory]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/ranking", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true)]
    [InlineData("sport/#", "sport", true)]
    [InlineData("#", "anything/at/all", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1/ranking", false)]
    [InlineData("sport/+", "sport", false)]
    [InlineData("sport/+", "sport/", true)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("/+", "/finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("#", "$SYS/", false)]
    [InlineData("+/monitor/Clients", "$SYS/monitor/Clients", false)]
    [InlineData("$SYS/#", "$SYS/", true)]
    [InlineData("$SYS/monitor/+", "$SYS/monitor/Clients", true)]
    [InlineData("a/+/c", "a/b/c", true)]
    [InlineData("a/+/c", "a//c", true)]
    [InlineData("a/b", "a/b/", false)]
    [InlineData("a/b", "A/b", false)]
    [InlineData("/a", "a", false)]
    [InlineData("a/#", "ab", false)]
    [InlineData("+/tennis/#", "sport/tennis", true)]
    [InlineData("ACCOUNTS", "Accounts", false)]
    [InlineData("a/$x", "a/$x", true)]
    [InlineData("a/+", "a/$x", true)]
    public void Filters_match_as_in_the_examples_of_the_standard(string filter, string name, bool expected)
    {
        Assert.True(MqttTopic.IsValidFilter(filter) && MqttTopic.IsValidName(name));
        Assert.Equal(expected, MqttTopic.Matches(filter, name));

        var tree = new SubscriptionTree<string, int>();
        tree.Set(filter, "client", 1);
        var found = new List<KeyValuePair<string, int>>();
        tree.Match(name, found);
        Assert.Equal(expected ? 1 : 0, found.Count);
    }

    [Theory]
    [InlineData("#", true)]
    [InlineData("sport/tennis/#", true)]
    [InlineData("sport/tennis#", false)]
    [InlineData("sport/tennis/#/ranking", false)]
    [InlineData("+", true)]
    [InlineData("+/tennis/#", true)]
    [InlineData("sport+", false)]
    [InlineData("sport/+/player1", true)]
    [InlineData("/", true)]
    [InlineData("//", true)]
    [InlineData(" ", true)]
    [InlineData("", false)]
    [InlineData("a\0b", false)]
    public void Filters_are_valid_as_in_the_examples_of_the_standard(string filter, bool expected) =>
        Assert.Equal(expected, MqttTopic.IsValidFilter(filter));

    [Theory]
    [InlineData("a", true)]
    [InlineData("/a//b/", true)]
    [InlineData("$SYS", true)]
    [InlineData("a+", false)]
    [InlineData("a/#", false)]
    [InlineData("", false)]
    [InlineData("x\0", false)]
    public void Names_hold_no_wildcards(string name, bool expected) => Assert.Equal(expected, MqttTopic.IsValidName(name));

    [Fact]
    public void Half_a_character_is_not_a_topic()
    {
        Assert.False(MqttTopic.IsValidFilter("a\ud800"));
        Assert.False(MqttTopic.IsValidName("\udc00b"));
        Assert.True(MqttTopic.IsValidName("\U0001F600"));
    }

    [Fact]
    public void The_length_of_a_name_is_bounded_in_bytes()
    {
        Assert.True(MqttTopic.IsValidName(new string('a', 65_535)));
        Assert.False(MqttTopic.IsValidName(new string('a', 65_536)));
        Assert.True(MqttTopic.IsValidName(new string('ö', 32_767)));
        Assert.False(MqttTopic.IsValidName(new string('ö', 32_768)));
    }

    [Theory]
    [InlineData("#", "a/+/b", true)]
    [InlineData("a/#", "a/b/#", true)]
    [InlineData("a/#", "a", true)]
    [InlineData("a/+", "a/+", true)]
    [InlineData("a/+", "a/b", true)]
    [InlineData("a/+", "a/#", false)]
    [InlineData("a/b", "a/+", false)]
    [InlineData("a/+/c", "a/b/#", false)]
    [InlineData("+", "#", false)]
    [InlineData("#", "$SYS/#", false)]
    [InlineData("$SYS/#", "$SYS/a", true)]
    public void One_filter_covers_another(string outer, string inner, bool expected) => Assert.Equal(expected, MqttTopic.Covers(outer, inner));

    [Fact]
    public void Covering_agrees_with_matching()
    {
        const int seed = 11;
        var random = new Random(seed);
        var names = Enumerable.Range(0, 3_000).Select(_ => RandomTopic(random, wildcards: false)).Distinct().ToList();
        for (var i = 0; i < 2_000; i++)
        {
            var outer = RandomTopic(random, wildcards: true);
            var inner = RandomTopic(random, wildcards: true);
            if (MqttTopic.Covers(outer, inner))
            {
                Assert.All(names.Where(n => MqttTopic.Matches(inner, n)), n => Assert.True(MqttTopic.Matches(outer, n), $"seed {seed}: {outer} {inner} {n}"));
            }
        }
    }

    [Fact]
    public void The_tree_finds_what_comparing_each_filter_finds()
    {
        const int seed = 12;
        var random = new Random(seed);
        var tree = new SubscriptionTree<string, int>();
        var plain = new Dictionary<(string Filter, string Client), int>();
        for (var i = 0; i < 20_000; i++)
        {
            var filter = RandomTopic(random, wildcards: true);
            var client = "client" + random.Next(5);
            if (random.Next(3) > 0)
            {
                Assert.Equal(!plain.ContainsKey((filter, client)), tree.Set(filter, client, i));
                plain[(filter, client)] = i;
            }
            else
            {
                Assert.Equal(plain.Remove((filter, client)), tree.Remove(filter, client));
            }

            Assert.Equal(plain.Count, tree.Count);
            var name = RandomTopic(random, wildcards: false);
            var found = new List<KeyValuePair<string, int>>();
            tree.Match(name, found);
            var expected = plain.Where(p => MqttTopic.Matches(p.Key.Filter, name)).Select(p => p.Value).Order();
            Assert.True(expected.SequenceEqual(found.Select(f => f.Value).Order()), $"seed {seed}, round {i}: {name}");
        }
    }

    private static string RandomTopic(Random random, bool wildcards)
    {
        string[] words = wildcards ? ["a", "b", "", "$x", "+", "+"] : ["a", "b", "", "$x"];
        var levels = Enumerable.Range(0, random.Next(1, 5)).Select(_ => words[random.Next(words.Length)]).ToList();
        if (wildcards && random.Next(4) == 0)
        {
            levels.Add("#");
        }

        var topic = string.Join('/', levels);
        return topic.Length == 0 ? "a" : topic;
    }
}
