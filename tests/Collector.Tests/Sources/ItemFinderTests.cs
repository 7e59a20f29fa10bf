using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Collector.Sources.OpcUa;
using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector.Tests.Sources;

/// <summary>What is found at a server is watched; what can't be is counted and keeps nothing else from being watched.</summary>
public sealed class ItemFinderTests
{
    [Fact]
    public async Task A_node_that_cannot_be_named_keeps_no_other_from_being_watched()
    {
        await using var server = new UaServer(
            new UaServerOptions { NamespaceUri = "urn:plant" }, NullLogger.Instance, TimeProvider.System);
        var space = server.AddressSpace;
        var plant = space.AddFolder("Plant", id: new NodeId(1, "Plant"));
        space.AddVariable(plant, "good", new NodeId(1, "good"), new DataValue(new Variant(1)));
        space.AddVariable(plant, new string('x', Oid.MaxTextBytes), new NodeId(1, "bad"), new DataValue(new Variant(1)));
        var port = await server.StartAsync(CancellationToken.None);
        var finder = new ItemFinder(new OpcUaSourceOptions
        {
            Name = "plant",
            EndpointUrl = "",
            Policy = SecurityPolicy.None,
            Mode = MessageSecurityMode.None,
            Browse = [new OpcUaBrowse("nsu=urn:plant;s=Plant", "sensor:plant/{path}")],
        });
        var client = new UaClientOptions
        {
            EndpointUrl = $"opc.tcp://127.0.0.1:{port.Value}/plant",
            ApplicationUri = "urn:test",
            ApplicationName = "test",
            Policy = SecurityPolicy.None,
            Mode = MessageSecurityMode.None,
        };
        var connected = await Session.ConnectAsync(client, NullLogger.Instance, TimeProvider.System, CancellationToken.None);
        Assert.True(connected.IsOk);
        await using var session = connected.Value;
        var found = await finder.FindAsync(session, CancellationToken.None);
        Assert.True(found.IsOk);
        Assert.Equal(["sensor:plant/good"], found.Value.Select(i => i.Key));
        Assert.Equal(1, finder.Skipped.Count);
        Assert.Contains("bad", finder.Skipped.First, StringComparison.Ordinal);
    }
}
