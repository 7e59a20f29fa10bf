namespace ZfRepl.Faults.Tests.Proxy;

/// <summary>How often a link does to an MQTT packet what it should not; each a share from 0 to 1.</summary>
internal sealed record MqttFaults
{
    /// <summary>A PUBLISH is sent twice, the second one marked as repeated.</summary>
    public double Duplicate { get; init; }

    /// <summary>A PUBLISH is overtaken by those behind it.</summary>
    public double Reorder { get; init; }

    /// <summary>A packet, and all behind it, is late.</summary>
    public double Delay { get; init; }

    /// <summary>A PUBACK vanishes.</summary>
    public double DropAcknowledgment { get; init; }

    /// <summary>Behind a PUBLISH comes one of earlier, perhaps of an earlier connection.</summary>
    public double Stale { get; init; }

    /// <summary>As <see cref="Stale"/>, marked as retained.</summary>
    public double Retained { get; init; }

    /// <summary>A PUBLISH to the client has the packet identifier of the one before it, which may not be acknowledged yet.</summary>
    public double ReuseIdentifier { get; init; }

    /// <summary>The connection is reset within a PUBLISH.</summary>
    public double Cut { get; init; }

    /// <summary>Everything at once, each often enough to happen in seconds.</summary>
    public static MqttFaults Everything { get; } = new()
    {
        Duplicate = 0.05,
        Reorder = 0.05,
        Delay = 0.05,
        DropAcknowledgment = 0.02,
        Stale = 0.03,
        Retained = 0.02,
        ReuseIdentifier = 0.02,
        Cut = 0.005,
    };
}
