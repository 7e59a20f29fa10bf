namespace ZfRepl.OpcUa.Types;

/// <summary>Which fields of a <see cref="DataValue"/> travel (OPC 10000-6, 5.2.2.17); the numbers are the bits on the wire.</summary>
[Flags]
public enum DataValueFields : byte
{
    /// <summary>Nothing: the value is null and the status good.</summary>
    None = 0,

    /// <summary>The value.</summary>
    Value = 0x01,

    /// <summary>The status; absent means good.</summary>
    Status = 0x02,

    /// <summary>The time at which the source changed the value.</summary>
    SourceTimestamp = 0x04,

    /// <summary>The time at which the server learned of it.</summary>
    ServerTimestamp = 0x08,

    /// <summary>The part of the source's time below 100 ns.</summary>
    SourcePicoseconds = 0x10,

    /// <summary>The part of the server's time below 100 ns.</summary>
    ServerPicoseconds = 0x20,
}

/// <summary>A value with its quality and its time stamps (OPC 10000-4, clause 7). Immutable; equality is exact, bit for bit.</summary>
public readonly record struct DataValue
{
    /// <summary>A value with a source time stamp and, if it is not good, a status.</summary>
    public DataValue(Variant value, StatusCode status, UaDateTime sourceTimestamp)
    {
        Value = value;
        Status = status;
        SourceTimestamp = sourceTimestamp;
        Fields = DataValueFields.Value | DataValueFields.SourceTimestamp
            | (status == StatusCode.Good ? DataValueFields.None : DataValueFields.Status);
    }

    /// <summary>A value alone, as it is sent in a Write.</summary>
    public DataValue(Variant value)
    {
        Value = value;
        Fields = DataValueFields.Value;
    }

    /// <summary>A failure alone, as it is returned by a Read.</summary>
    public DataValue(StatusCode status)
    {
        Status = status;
        Fields = DataValueFields.Status;
    }

    /// <summary>What is present; a field that is not named here is not encoded, whatever its property says.</summary>
    public DataValueFields Fields { get; init; }

    /// <summary>The value.</summary>
    public Variant Value { get; init; }

    /// <summary>The quality.</summary>
    public StatusCode Status { get; init; }

    /// <summary>When the source changed the value: the key for merging and for finding duplicates.</summary>
    public UaDateTime SourceTimestamp { get; init; }

    /// <summary>When the server learned of it.</summary>
    public UaDateTime ServerTimestamp { get; init; }

    /// <summary>Refines <see cref="SourceTimestamp"/>, in units of 10 ps; 0 to 9999.</summary>
    public ushort SourcePicoseconds { get; init; }

    /// <summary>Refines <see cref="ServerTimestamp"/>, in units of 10 ps; 0 to 9999.</summary>
    public ushort ServerPicoseconds { get; init; }

    /// <summary>The same with a server time stamp.</summary>
    public DataValue WithServerTimestamp(UaDateTime time) =>
        this with { ServerTimestamp = time, Fields = Fields | DataValueFields.ServerTimestamp };
}
