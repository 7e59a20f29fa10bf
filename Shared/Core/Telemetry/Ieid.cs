namespace ZfRepl.Core.Telemetry;

/// <summary>
/// The identity of one event at its origin: the number of the start of the service that first saw it and a counter within that
/// start. Orders events of one origin. (0, 0) means unknown, as for events read back from a database.
/// </summary>
/// <param name="Boot">Grows with each start of the service.</param>
/// <param name="Counter">Grows with each event.</param>
public readonly record struct Ieid(ulong Boot, ulong Counter) : IComparable<Ieid>
{
    /// <summary>The identity of an event that has none.</summary>
    public static Ieid Unknown => default;

    /// <inheritdoc/>
    public int CompareTo(Ieid other) => Boot != other.Boot ? Boot.CompareTo(other.Boot) : Counter.CompareTo(other.Counter);
}
