using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Repair;

/// <summary>How the history of one source is searched for gaps, and how often.</summary>
public sealed record RepairOptions
{
    private const double ToleranceShare = 0.1;

    /// <summary>The heartbeat items: a gap is where all of them are silent. None: only holes in the sequence numbers are repaired.</summary>
    public IReadOnlyList<Oid> Heartbeats { get; init; } = [];

    /// <summary>How often it is searched; null: only when somebody asks for it.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>How far back it is searched.</summary>
    public TimeSpan Range { get; init; } = TimeSpan.FromDays(1);

    /// <summary>A silence longer than this, and the tolerance, is a gap.</summary>
    public TimeSpan Gap { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What is allowed on top of <see cref="Gap"/>, so that a heartbeat that is a little late is no gap; null for a tenth of it.</summary>
    public TimeSpan? Tolerance { get; init; }

    /// <summary>The longest silence that is no gap.</summary>
    public TimeSpan Allowed => Gap + (Tolerance ?? Gap * ToleranceShare);
}
