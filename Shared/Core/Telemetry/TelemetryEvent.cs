namespace ZfRepl.Core.Telemetry;

/// <summary>Facts about an event beside its value. The numbers are on disk.</summary>
[Flags]
public enum EventFlags : byte
{
    /// <summary>Nothing to say: the time is the source's own.</summary>
    None = 0,

    /// <summary>The source gave no usable time; the server's is used.</summary>
    ServerTime = 1,

    /// <summary>Neither source nor server gave a usable time; the time of arrival is used.</summary>
    ArrivalTime = 2,

    /// <summary>The first value after a subscription was made anew: it may repeat one that was delivered before.</summary>
    Refresh = 4,

    /// <summary>The source said that at least one older value of this item was lost just before this one.</summary>
    AfterOverflow = 8,
}

/// <summary>One reading, with everything that is kept of it.</summary>
/// <param name="Oid">The item.</param>
/// <param name="TimeNs">Nanoseconds since 1970-01-01 UTC; from 1677-09-21 to 2262-04-11.</param>
/// <param name="Status">1 in order, -1 in error, other numbers as the source defines them.</param>
/// <param name="Quality">The full OPC UA status code; 0 is Good.</param>
/// <param name="Value">The value.</param>
/// <param name="Ieid">The identity of the event at its origin.</param>
/// <param name="Flags">Facts about the event.</param>
public readonly record struct TelemetryEvent(
    Oid Oid, long TimeNs, short Status, uint Quality, TelemetryValue Value, Ieid Ieid, EventFlags Flags = EventFlags.None);
