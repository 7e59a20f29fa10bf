using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <summary>Gives the n-th change of a notification that is being encoded.</summary>
/// <typeparam name="TState">What the callback needs, so that it can be a static lambda.</typeparam>
internal delegate (uint ClientHandle, DataValue Value) DataChangeAt<in TState>(TState state, int index);

/// <summary>Writes the body of a DataChangeNotification (OPC 10000-4, clause 7).</summary>
internal static class DataChangeEncoder
{
    /// <summary>All changes of a batch.</summary>
    public static void Encode(UaWriter writer, DataChangeBatch batch)
    {
        writer.WriteInt32(batch.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            writer.WriteUInt32(batch.ClientHandles[i]);
            writer.WriteDataValue(batch.GetDataValue(i));
        }

        WriteNoDiagnostics(writer);
    }

    /// <summary>Changes that live wherever the caller keeps them.</summary>
    public static void Encode<TState>(UaWriter writer, int count, TState state, DataChangeAt<TState> changeAt)
    {
        writer.WriteInt32(count);
        for (var i = 0; i < count; i++)
        {
            var (handle, value) = changeAt(state, i);
            writer.WriteUInt32(handle);
            writer.WriteDataValue(value);
        }

        WriteNoDiagnostics(writer);
    }

    private static void WriteNoDiagnostics(UaWriter writer) => writer.WriteInt32(-1);
}
