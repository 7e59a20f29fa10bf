using System.Globalization;

namespace ZfRepl.OpcUa.Types;

/// <summary>A point in time as it travels: 100 ns steps since 1601-01-01 UTC (OPC 10000-6, 5.2.2.5).</summary>
/// <remarks>
/// Any 64-bit number is a legal instance, so that nothing is lost between decoding and encoding. The conversions never throw:
/// what the target cannot hold is clamped to its nearest end.
/// </remarks>
/// <param name="Ticks">100 ns steps since 1601-01-01 UTC; zero and less mean "no time".</param>
public readonly record struct UaDateTime(long Ticks) : IComparable<UaDateTime>
{
    /// <summary>Steps of 100 ns between 0001-01-01, where .NET counts from, and 1601-01-01.</summary>
    private const long EpochInNetTicks = 504_911_232_000_000_000;

    /// <summary>Steps of 100 ns between 1601-01-01 and 1970-01-01.</summary>
    private const long UnixEpochTicks = 116_444_736_000_000_000;

    /// <summary>No time.</summary>
    public static UaDateTime Null => default;

    /// <summary>True when the value means "no time".</summary>
    public bool IsNull => Ticks <= 0;

    /// <summary>100 ns steps since 1970-01-01 UTC; clamped to the range of a 64-bit number.</summary>
    public long UnixTicks => Ticks < long.MinValue + UnixEpochTicks ? long.MinValue : Ticks - UnixEpochTicks;

    /// <summary>From 100 ns steps since 1970-01-01 UTC; clamped to the range of a 64-bit number.</summary>
    public static UaDateTime FromUnixTicks(long unixTicks) =>
        new(unixTicks > long.MaxValue - UnixEpochTicks ? long.MaxValue : unixTicks + UnixEpochTicks);

    /// <summary>From a .NET time; times before 1601 become "no time".</summary>
    public static UaDateTime From(DateTimeOffset time) => new(Math.Max(0, time.UtcTicks - EpochInNetTicks));

    /// <summary>As a .NET time in UTC; "no time" becomes 1601-01-01, anything past year 9999 the last tick of 9999.</summary>
    public DateTimeOffset ToDateTimeOffset()
    {
        var last = DateTimeOffset.MaxValue.UtcTicks - EpochInNetTicks;
        return new DateTimeOffset(Math.Clamp(Ticks, 0, last) + EpochInNetTicks, TimeSpan.Zero);
    }

    /// <inheritdoc/>
    public int CompareTo(UaDateTime other) => Ticks.CompareTo(other.Ticks);

    /// <summary>ISO 8601 with all seven decimals, or "null".</summary>
    public override string ToString() => IsNull
        ? "null"
        : ToDateTimeOffset().ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
}
