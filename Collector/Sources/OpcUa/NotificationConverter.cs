using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>What a batch of changes said besides its values.</summary>
/// <param name="Overflows">How many changes were flagged as the first ones after an overflow of the server's queue.</param>
/// <param name="FirstOverflow">The client handle of the first one of them.</param>
/// <param name="MinTimeNs">The earliest flagged time, nanoseconds since 1970.</param>
/// <param name="MaxTimeNs">The latest flagged time, nanoseconds since 1970.</param>
internal readonly record struct OverflowFindings(int Overflows, uint FirstOverflow, long MinTimeNs, long MaxTimeNs);

/// <summary>
/// Data changes as they came → events, column by column and without allocating for plain scalars. The overflow flag says something of
/// the queue and not of the value: it moves from the status code to the event's flags. Pure.
/// </summary>
internal static class NotificationConverter
{
    // OPC 10000-4 §7.39: info type "data value", its limit bits, its overflow bit.
    private const uint InfoTypeDataValue = 0x0400;
    private const uint LimitBits = 0x0300;
    private const uint OverflowBit = 0x0080;

    /// <summary>Appends the changes to a batch of events.</summary>
    /// <param name="changes">What came.</param>
    /// <param name="items">The item number for each client handle; handles beyond it were never given out and are left out.</param>
    /// <param name="isFirst">For each client handle, whether its next change is the first of a new subscription; cleared on the way.</param>
    /// <param name="arrivalNs">The time of arrival, for changes that bear none; nanoseconds since 1970.</param>
    /// <param name="ieid">The identity of the first event; the others follow.</param>
    /// <param name="output">Where the events go.</param>
    public static OverflowFindings Convert(
        DataChangeBatch changes, ReadOnlySpan<int> items, Span<bool> isFirst, long arrivalNs, Ieid ieid, EventBatch output)
    {
        var findings = new OverflowFindings(0, 0, long.MaxValue, long.MinValue);
        var handles = changes.ClientHandles;
        for (var i = 0; i < changes.Count; i++)
        {
            var handle = handles[i];
            if (handle >= (uint)items.Length)
            {
                continue;
            }

            var flags = EventFlags.None;
            var timeNs = TimeOf(changes, i, arrivalNs, ref flags);
            var quality = changes.Statuses[i];
            if (isFirst[(int)handle])
            {
                isFirst[(int)handle] = false;
                flags |= EventFlags.Refresh;
            }

            if (new StatusCode(quality).HasOverflow)
            {
                flags |= EventFlags.AfterOverflow;
                quality = WithoutOverflow(quality);
                findings = new OverflowFindings(
                    findings.Overflows + 1,
                    findings.Overflows == 0 ? handle : findings.FirstOverflow,
                    Math.Min(findings.MinTimeNs, timeNs),
                    Math.Max(findings.MaxTimeNs, timeNs));
            }

            Append(changes, i, items[(int)handle], timeNs, quality, ieid with { Counter = ieid.Counter + (ulong)i }, flags, output);
        }

        return findings;
    }

    private static void Append(
        DataChangeBatch changes, int index, int item, long timeNs, uint quality, Ieid ieid, EventFlags flags, EventBatch output)
    {
        var kind = changes.ValueKinds[index];
        var status = ValueConversion.StatusOf(quality);
        if (kind == 0)
        {
            output.Add(item, timeNs, status, quality, ValueKind.Null, 0, null, ieid, flags);
        }
        else if (kind < ValueConversion.ScalarKindsEnd && Variant.IsBitsType((BuiltInType)kind))
        {
            output.Add(item, timeNs, status, quality, (ValueKind)kind, changes.Bits[index], null, ieid, flags);
        }
        else
        {
            var value = ValueConversion.Convert(changes.GetValue(index));
            output.Add(item, timeNs, status, quality, value.Kind, value.Bits, value.Reference, ieid, flags);
        }
    }

    private static long TimeOf(DataChangeBatch changes, int index, long arrivalNs, ref EventFlags flags)
    {
        if (UnixTime.TryFromFileTime(changes.SourceTicks[index], changes.SourcePicoseconds[index], out var timeNs))
        {
            return timeNs;
        }

        if (UnixTime.TryFromFileTime(changes.ServerTicks[index], changes.ServerPicoseconds[index], out timeNs))
        {
            flags |= EventFlags.ServerTime;
            return timeNs;
        }

        flags |= EventFlags.ArrivalTime;
        return arrivalNs;
    }

    private static uint WithoutOverflow(uint quality) =>
        (quality & LimitBits) == 0 ? quality & ~(OverflowBit | InfoTypeDataValue) : quality & ~OverflowBit;
}
