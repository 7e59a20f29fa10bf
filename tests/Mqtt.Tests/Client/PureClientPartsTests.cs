using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Tests.Client;

public sealed class PureClientPartsTests
{
    [Fact]
    public void Delays_double_up_to_the_longest_with_jitter_and_start_again_after_a_stable_time()
    {
        var delay = new ReconnectDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), new Random(1));
        foreach (var bound in new[] { 1, 2, 4, 8, 16, 30, 30, 30 })
        {
            Assert.InRange(delay.Next().TotalSeconds, bound / 2.0, bound);
        }

        Assert.InRange(delay.AfterRefusal().TotalSeconds, 15, 30);
        delay.Reset();
        Assert.InRange(delay.Next().TotalSeconds, 0.5, 1);
        var seen = Enumerable.Range(0, 20).Select(_ => delay.AfterRefusal()).Distinct();
        Assert.True(seen.Count() > 10, "The delays are not spread.");
    }

    [Fact]
    public void Hosts_go_round_in_order()
    {
        var hosts = new[] { new MqttHost("a", 1), new MqttHost("b", 1), new MqttHost("c", 1) };
        var rotation = new HostRotation(hosts, random: null);
        Assert.Equal(["a", "b", "c", "a"], Enumerable.Range(0, 4).Select(_ => rotation.Next().Name));
        Assert.False(rotation.IsRoundOver);
        rotation.Restart();
        Assert.Equal(["a", "b", "c"], Enumerable.Range(0, 3).Select(_ => rotation.Next().Name));
        Assert.True(rotation.IsRoundOver);
    }

    [Fact]
    public void Shuffled_hosts_each_come_once_a_round_and_not_always_in_one_order()
    {
        var hosts = Enumerable.Range(0, 5).Select(i => new MqttHost($"h{i}", 1)).ToArray();
        var rotation = new HostRotation(hosts, new Random(3));
        var rounds = Enumerable.Range(0, 20).Select(_ => string.Join(' ', Enumerable.Range(0, 5).Select(_ => rotation.Next().Name))).ToList();
        Assert.All(rounds, r => Assert.Equal(5, r.Split(' ').Distinct().Count()));
        Assert.True(rounds.Distinct().Count() > 5);
    }

    [Theory]
    [InlineData("broker", "broker", 1883)]
    [InlineData("broker:8883", "broker", 8883)]
    [InlineData(" 10.0.0.1:1 ", "10.0.0.1", 1)]
    [InlineData("[::1]:1884", "::1", 1884)]
    [InlineData("[::1]", "::1", 1883)]
    [InlineData("::1", "::1", 1883)]
    public void A_host_is_read(string text, string name, int port)
    {
        Assert.True(MqttHost.TryParse(text, MqttHost.DefaultPort, out var host));
        Assert.Equal(new MqttHost(name, port), host);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":1883")]
    [InlineData("broker:")]
    [InlineData("broker:0")]
    [InlineData("broker:65536")]
    [InlineData("broker:x")]
    [InlineData("a b")]
    [InlineData("[::1]x")]
    [InlineData("[::1")]
    [InlineData("[]:1")]
    public void Something_else_is_not_a_host(string text) => Assert.False(MqttHost.TryParse(text, 1883, out _));

    [Fact]
    public void Packet_identifiers_in_use_are_skipped()
    {
        var identifiers = new PacketIdentifiers();
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => (int)identifiers.Take()));
        identifiers.Release(2);
        var rest = Enumerable.Range(0, ushort.MaxValue - 3).Select(_ => (int)identifiers.Take()).ToList();
        Assert.Equal(Enumerable.Range(4, ushort.MaxValue - 3), rest);
        Assert.Equal(2, identifiers.Take());
        Assert.Throws<InvalidOperationException>(() => identifiers.Take());
    }

    [Theory]
    [InlineData("keep alive")]
    [InlineData("no host")]
    [InlineData("password without user")]
    [InlineData("session without name")]
    [InlineData("will topic")]
    public void Wrong_options_are_wrong_use(string what)
    {
        var good = new MqttHost("x", 1883);
        var options = what switch
        {
            "keep alive" => new MqttClientOptions { Hosts = [good], KeepAlive = TimeSpan.Zero },
            "no host" => new MqttClientOptions { Hosts = [] },
            "password without user" => new MqttClientOptions { Hosts = [good], Password = "x" },
            "session without name" => new MqttClientOptions { Hosts = [good], CleanStart = false },
            _ => new MqttClientOptions { Hosts = [good], Will = new MqttWill("a/+", default) },
        };
        Assert.Throws<ArgumentException>(() => new MqttClient(options));
    }
}
