using ZfRepl.Replicator.Bus;

namespace ZfRepl.Replicator.Tests;

/// <summary>What a connection calls itself at the broker, which ends one connection when another one calls itself the same.</summary>
public sealed class MqttBusTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(52)]
    [InlineData(200)]
    public void Two_connections_never_have_the_same_name_however_long_the_node_s_name_is(int chars)
    {
        var node = new string('n', chars);
        string[] ids = [MqttBus.UniqueId($"zfrepl-{node}"), MqttBus.UniqueId($"zfrepl-{node}"), MqttBus.UniqueId($"zfrepl-{node}-archive")];
        Assert.Equal(3, ids.Distinct().Count());
        Assert.All(ids, id => Assert.InRange(id.Length, 1, 60));
        Assert.All(ids, id => Assert.StartsWith("zfrepl-n", id, StringComparison.Ordinal));
    }
}
