using System.Buffers.Text;
using System.Globalization;

namespace ZfRepl.Core.History.Influx;

/// <summary>
/// Where an event stands in InfluxDB, which keeps one point per series and time: (time, number) ↔ (time of the point, tag <c>k</c>). The
/// first event of an instant stands at its own time in the series of its OID, without the tag. The others stand up to 999 ns later, in
/// series of their own, a thousand of them in each, so that a clock that stands still does not make a series of each event. No two
/// places are the same; docs/history.md has the layout.
/// </summary>
/// <param name="PointNs">The time of the point, within what InfluxDB can hold.</param>
/// <param name="Tag">The tag, or null for none.</param>
internal readonly record struct PointPlace(long PointNs, string? Tag)
{
    /// <summary>The earliest time that InfluxDB holds.</summary>
    public const long MinNs = long.MinValue + 2;

    /// <summary>The latest time that InfluxDB holds.</summary>
    public const long MaxNs = long.MaxValue - 1;

    /// <summary>How many events share a series: how many ns a point may stand behind its event.</summary>
    public const int Shift = 1000;

    /// <summary>The latest time whose events can all stand behind it.</summary>
    public const long LastPlainNs = MaxNs - Shift + 1;

    /// <summary>True for the few times that InfluxDB can't hold: their events stand at its edge, the tag says when they were.</summary>
    public static bool IsBeyond(long timeNs) => timeNs is < MinNs or > MaxNs;

    /// <summary>The place of an event.</summary>
    /// <param name="timeNs">Its time.</param>
    /// <param name="number">Its number among the events of the time, from 0.</param>
    public static PointPlace Of(long timeNs, long number)
    {
        if (number == 0 && !IsBeyond(timeNs))
        {
            return new PointPlace(timeNs, null);
        }

        var offset = number % Shift;
        return new PointPlace(Base(timeNs) + offset, TagOf(timeNs, number / Shift));
    }

    /// <summary>The tag of a run of a thousand events of an instant.</summary>
    public static string TagOf(long timeNs, long run) => Base(timeNs) == timeNs
        ? string.Create(CultureInfo.InvariantCulture, $"{run}.{FloorMod(timeNs)}")
        : string.Create(CultureInfo.InvariantCulture, $"{run}@{timeNs}");

    /// <summary>The time and number of a point; false for a tag that this program did not write.</summary>
    public static bool TryRead(long pointNs, ReadOnlySpan<byte> tag, out HistoryCursor place)
    {
        place = new HistoryCursor(pointNs, 0);
        if (tag.IsEmpty)
        {
            return true;
        }

        var separator = tag.IndexOfAny((byte)'.', (byte)'@');
        if (separator <= 0
            || !TryNumber(tag[..separator], out var run)
            || run is < 0 or > long.MaxValue / Shift - 1
            || !TryNumber(tag[(separator + 1)..], out var detail))
        {
            return false;
        }

        var isPlain = tag[separator] == (byte)'.';
        if (isPlain && detail is < 0 or >= Shift)
        {
            return false;
        }

        var offset = isPlain ? FloorMod(FloorMod(pointNs) - detail) : unchecked(pointNs - Base(detail));
        var timeNs = isPlain ? unchecked(pointNs - offset) : detail;
        place = new HistoryCursor(timeNs, (run * Shift) + offset);
        return offset is >= 0 and < Shift && Base(timeNs) + offset == pointNs && (Base(timeNs) == timeNs) == isPlain;
    }

    /// <summary>The place of an instant's first shifted point.</summary>
    public static long Base(long timeNs) => Math.Clamp(timeNs, MinNs, LastPlainNs);

    private static long FloorMod(long value) => ((value % Shift) + Shift) % Shift;

    private static bool TryNumber(ReadOnlySpan<byte> digits, out long value) =>
        Utf8Parser.TryParse(digits, out value, out var used) && used == digits.Length;
}
