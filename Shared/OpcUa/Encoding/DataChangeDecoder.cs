using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <summary>
/// Reads the body of a DataChangeNotification (OPC 10000-4, clause 7) straight into columns. This is the path that every telemetry value
/// takes, so it makes no object per value.
/// </summary>
internal static class DataChangeDecoder
{
    /// <summary>Client handle and the mask of an empty value.</summary>
    private const int ItemBytesMin = 5;

    /// <summary>
    /// Appends at most <paramref name="valuesMax"/> changes to <paramref name="batch"/>. When the reader failed, the batch is as it was
    /// before: half a message is no message.
    /// </summary>
    public static void Decode(ref UaReader reader, DataChangeBatch batch, int valuesMax)
    {
        var before = batch.Count;
        var count = reader.ReadArrayLength(ItemBytesMin, "MonitoredItemNotification");
        if (count > valuesMax)
        {
            reader.Fail(StatusCodes.BadEncodingLimitsExceeded, "notification carries too many values");
        }

        if (!reader.Failed && count > 0)
        {
            batch.EnsureRoom(count);
            for (var i = 0; i < count && !reader.Failed; i++)
            {
                DecodeItem(ref reader, batch);
            }
        }

        reader.SkipDiagnosticInfos();
        if (reader.Failed)
        {
            batch.Truncate(before);
        }
    }

    // Flags are tested by hand: until the runtime has optimised this code, HasFlag would box for each value.
    private static void DecodeItem(ref UaReader reader, DataChangeBatch batch)
    {
        var change = new DataChangeBatch.Change { ClientHandle = reader.ReadUInt32() };
        var fields = (DataValueFields)(reader.ReadByte() & 0x3F);
        change.Fields = fields;
        object? reference = null;
        if ((fields & DataValueFields.Value) != DataValueFields.None)
        {
            var encoding = reader.ReadByte();
            var type = (BuiltInType)encoding;
            if (Variant.IsBitsType(type))
            {
                change.ValueKind = encoding;
                change.Bits = reader.ReadScalarBits(type);
            }
            else
            {
                reference = reader.ReadVariantReference(encoding, out var shape);
                change.ValueKind = DataChangeBatch.KindOf(reader.TypeOf(encoding), shape);
            }
        }

        ReadRest(ref reader, ref change);
        if (!reader.Failed)
        {
            batch.Append(change, reference);
        }
    }

    private static void ReadRest(ref UaReader reader, ref DataChangeBatch.Change change)
    {
        var fields = change.Fields;
        if ((fields & DataValueFields.Status) != DataValueFields.None)
        {
            change.Status = reader.ReadUInt32();
        }

        if ((fields & DataValueFields.SourceTimestamp) != DataValueFields.None)
        {
            change.SourceTicks = reader.ReadInt64();
        }

        if ((fields & DataValueFields.SourcePicoseconds) != DataValueFields.None)
        {
            change.SourcePicoseconds = reader.ReadPicoseconds();
        }

        if ((fields & DataValueFields.ServerTimestamp) != DataValueFields.None)
        {
            change.ServerTicks = reader.ReadInt64();
        }

        if ((fields & DataValueFields.ServerPicoseconds) != DataValueFields.None)
        {
            change.ServerPicoseconds = reader.ReadPicoseconds();
        }
    }
}
