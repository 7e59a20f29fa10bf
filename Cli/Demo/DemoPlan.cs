namespace ZfRepl.Cli.Demo;

/// <summary>What is done to the two nodes.</summary>
internal enum DemoBlow
{
    /// <summary>The link between the nodes goes down.</summary>
    CutLink,

    /// <summary>The link comes back.</summary>
    MendLink,

    /// <summary>kill -9 of the edge's collector; it is started again a moment later.</summary>
    KillCollector,

    /// <summary>kill -9 of the edge's replicator; it is started again a moment later.</summary>
    KillEdgeReplicator,

    /// <summary>kill -9 of the centre's replicator; it is started again a moment later.</summary>
    KillCentre,

    /// <summary>kill -9 of the broker; it is started again a moment later.</summary>
    KillBroker,
}

/// <summary>When each blow falls, as a share of the demo's length. Pure.</summary>
internal static class DemoPlan
{
    private static readonly (double Share, DemoBlow Blow)[] Shares =
    [
        (0.12, DemoBlow.CutLink),
        (0.20, DemoBlow.KillCollector),
        (0.28, DemoBlow.MendLink),
        (0.38, DemoBlow.KillCentre),
        (0.48, DemoBlow.KillBroker),
        (0.58, DemoBlow.CutLink),
        (0.64, DemoBlow.KillEdgeReplicator),
        (0.70, DemoBlow.MendLink),
        (0.80, DemoBlow.KillCollector),
        (0.90, DemoBlow.KillCentre),
    ];

    /// <summary>The blows of a demo, in order.</summary>
    /// <param name="length">How long the plant runs.</param>
    public static IReadOnlyList<(TimeSpan At, DemoBlow Blow)> For(TimeSpan length) => [.. Shares.Select(s => (length * s.Share, s.Blow))];

    /// <summary>The blow in words.</summary>
    public static string Describe(DemoBlow blow) => blow switch
    {
        DemoBlow.CutLink => "the link is cut",
        DemoBlow.MendLink => "the link is back",
        DemoBlow.KillCollector => "kill -9: the collector",
        DemoBlow.KillEdgeReplicator => "kill -9: the edge's replicator",
        DemoBlow.KillCentre => "kill -9: the centre's replicator",
        DemoBlow.KillBroker => "kill -9: the broker",
        _ => throw new ArgumentOutOfRangeException(nameof(blow)),
    };
}
