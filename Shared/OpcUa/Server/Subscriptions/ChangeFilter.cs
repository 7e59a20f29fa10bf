using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>Decides what counts as a change (OPC 10000-4, DataChangeFilter).</summary>
/// <param name="Trigger">Which differences count.</param>
/// <param name="Deadband">How far a number must move to count; zero for no deadband.</param>
internal readonly record struct ChangeFilter(DataChangeTrigger Trigger, double Deadband)
{
    public static ChangeFilter Default => new(DataChangeTrigger.StatusValue, 0);

    /// <summary>Reads the filter of a request.</summary>
    public static StatusCode TryRead(ExtensionObject? extension, ServerNode node, AttributeId attribute, out ChangeFilter filter)
    {
        filter = Default;
        if (extension is null || extension.TypeId.IsNull)
        {
            return StatusCode.Good;
        }

        if (!ExtensionCodec.Is<DataChangeFilter>(extension))
        {
            return StatusCodes.BadMonitoredItemFilterUnsupported;
        }

        if (attribute != AttributeId.Value)
        {
            return StatusCodes.BadFilterNotAllowed;
        }

        var error = ExtensionCodec.TryUnpack<DataChangeFilter>(extension, DecodeLimits.Default, out var read);
        if (read is null)
        {
            return error.Status;
        }

        var status = Check(read, node.Variable);
        // With a dead band a new time alone is no change (OPC 10000-4, 7.10).
        var hasDeadband = read.DeadbandType == DeadbandType.Absolute;
        var trigger = hasDeadband && read.Trigger == DataChangeTrigger.StatusValueTimestamp ? DataChangeTrigger.StatusValue : read.Trigger;
        filter = new ChangeFilter(trigger, hasDeadband ? read.DeadbandValue : 0);
        return status;
    }

    /// <summary>True when the new value is a change against the last one that was.</summary>
    public bool IsChange(in DataValue last, in DataValue value)
    {
        if (last.Status != value.Status)
        {
            return true;
        }

        return Trigger switch
        {
            DataChangeTrigger.Status => false,
            DataChangeTrigger.StatusValueTimestamp when last.SourceTimestamp != value.SourceTimestamp
                || last.SourcePicoseconds != value.SourcePicoseconds => true,
            _ => Deadband > 0 ? Exceeds(last.Value, value.Value) : last.Value != value.Value,
        };
    }

    private static StatusCode Check(DataChangeFilter read, Variable? variable)
    {
        if (read.Trigger is < DataChangeTrigger.Status or > DataChangeTrigger.StatusValueTimestamp || read.DeadbandType > DeadbandType.Percent)
        {
            return StatusCodes.BadMonitoredItemFilterInvalid;
        }

        return read.DeadbandType switch
        {
            DeadbandType.None => StatusCode.Good,
            DeadbandType.Percent => StatusCodes.BadMonitoredItemFilterUnsupported,
            _ when !(read.DeadbandValue >= 0) || double.IsInfinity(read.DeadbandValue) => StatusCodes.BadDeadbandFilterInvalid,
            _ => IsNumber(variable?.Type ?? BuiltInType.Null) ? StatusCode.Good : StatusCodes.BadFilterNotAllowed,
        };
    }

    private static bool IsNumber(BuiltInType type) => type is >= BuiltInType.SByte and <= BuiltInType.Double;

    private bool Exceeds(in Variant last, in Variant value)
    {
        if (last.Type != value.Type || last.Shape != value.Shape || !IsNumber(value.Type))
        {
            return last != value;
        }

        if (value.Shape == VariantShape.Scalar)
        {
            return Exceeds(Number(last.Type, last.ScalarBits), Number(value.Type, value.ScalarBits));
        }

        var (before, after) = (last.Elements, value.Elements);
        if (before is null || after is null || before.Length != after.Length || !last.Dimensions.SequenceEqual(value.Dimensions))
        {
            return last != value;
        }

        for (var i = 0; i < after.Length; i++)
        {
            if (Exceeds(Number(before, i), Number(after, i)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A number that appears or goes is a change; one NaN after the other is none.</summary>
    private bool Exceeds(double before, double after) =>
        double.IsNaN(before) || double.IsNaN(after) ? double.IsNaN(before) != double.IsNaN(after)
        : before != after && Math.Abs(after - before) > Deadband;

    private static double Number(BuiltInType type, ulong bits) => type switch
    {
        BuiltInType.Double => BitConverter.UInt64BitsToDouble(bits),
        BuiltInType.Float => BitConverter.UInt32BitsToSingle(unchecked((uint)bits)),
        BuiltInType.SByte or BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64 => unchecked((long)bits),
        _ => bits,
    };

    private static double Number(Array elements, int index) =>
        Convert.ToDouble(elements.GetValue(index), System.Globalization.CultureInfo.InvariantCulture);
}
