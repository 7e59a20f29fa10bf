using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Security;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>Which changes of a value are small enough to be left out.</summary>
public enum DeadbandKind
{
    /// <summary>None: every change counts.</summary>
    None,

    /// <summary>Changes by no more than so much, in the item's unit.</summary>
    Absolute,

    /// <summary>Changes by no more than so many percent of the item's range.</summary>
    Percent,
}

/// <summary>One item named in the configuration.</summary>
/// <param name="NodeId">The node, as text; <c>nsu=</c> survives a server whose namespaces change places.</param>
/// <param name="Oid">What it is called here.</param>
/// <param name="SamplingInterval">Its own sampling interval, or null for the source's.</param>
/// <param name="QueueSize">Its own queue at the server, or null for the source's.</param>
public sealed record OpcUaItem(string NodeId, Oid Oid, TimeSpan? SamplingInterval = null, int? QueueSize = null);

/// <summary>A subtree whose variables become items.</summary>
/// <param name="Root">The node where it starts.</param>
/// <param name="OidPattern">How the OIDs are made: text with {path}, {name}, {id} and {ns}.</param>
/// <param name="MaxDepth">How many levels below the root.</param>
/// <param name="MaxItems">More variables than this are an error, not a surprise.</param>
public sealed record OpcUaBrowse(string Root, string OidPattern, int MaxDepth = 16, int MaxItems = 100_000);

/// <summary>The settings of one OPC UA source.</summary>
public sealed record OpcUaSourceOptions
{
    /// <summary>The source's name.</summary>
    public required string Name { get; init; }

    /// <summary>The server, <c>opc.tcp://host:port/path</c>.</summary>
    public required string EndpointUrl { get; init; }

    /// <summary>The security policy.</summary>
    public required SecurityPolicy Policy { get; init; }

    /// <summary>Whether messages are signed, and encrypted.</summary>
    public required MessageSecurityMode Mode { get; init; }

    /// <summary>The account, or null for anonymous.</summary>
    public string? UserName { get; init; }

    /// <summary>Its password.</summary>
    public string? Password { get; init; }

    /// <summary>Takes any server certificate. For trying out only; said loudly in the log.</summary>
    public bool AcceptAnyCertificate { get; init; }

    /// <summary>How often the server sends what has changed.</summary>
    public TimeSpan PublishingInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How often the server looks; zero means every change.</summary>
    public TimeSpan SamplingInterval { get; init; } = TimeSpan.Zero;

    /// <summary>How many values of an item the server keeps until they are sent: what bridges a collector that is away.</summary>
    public int QueueSize { get; init; } = 1000;

    /// <summary>How long the server keeps the subscription without a client.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Which small changes are left out.</summary>
    public DeadbandKind Deadband { get; init; }

    /// <summary>How small, in the item's unit or in percent.</summary>
    public double DeadbandValue { get; init; }

    /// <summary>Items named one by one.</summary>
    public IReadOnlyList<OpcUaItem> Items { get; init; } = [];

    /// <summary>Items found by browsing.</summary>
    public IReadOnlyList<OpcUaBrowse> Browse { get; init; } = [];
}
