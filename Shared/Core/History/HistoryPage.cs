using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History;

/// <summary>A place among the events of one OID.</summary>
/// <param name="TimeNs">The time, nanoseconds since 1970.</param>
/// <param name="Number">The number among the events of that time.</param>
public readonly record struct HistoryCursor(long TimeNs, long Number)
{
    /// <summary>The place before every event of a time.</summary>
    public static HistoryCursor Before(long timeNs) => new(timeNs, -1);
}

/// <summary>Between which times there is something of an OID.</summary>
/// <param name="Oid">The OID.</param>
/// <param name="FirstNs">The earliest event, nanoseconds since 1970.</param>
/// <param name="LastNs">The latest event, nanoseconds since 1970.</param>
public sealed record OidSpan(Oid Oid, long FirstNs, long LastNs)
{
    /// <summary>True when nothing is left of the OID, as where a retention policy deletes what is old.</summary>
    public bool IsEmpty => FirstNs > LastNs;

    /// <summary>The span of an OID of which nothing is left.</summary>
    public static OidSpan Empty(Oid oid) => new(oid, long.MaxValue, long.MinValue);
}

/// <summary>How much there is of one OID.</summary>
/// <param name="Oid">The OID.</param>
/// <param name="Events">Events.</param>
/// <param name="FirstNs">The earliest, nanoseconds since 1970; 0 without events.</param>
/// <param name="LastNs">The latest, nanoseconds since 1970; 0 without events.</param>
public sealed record OidCount(Oid Oid, long Events, long FirstNs, long LastNs);
