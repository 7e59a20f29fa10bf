namespace ZfRepl.OpcUa.Encoding;

/// <summary>What the decoder accepts from the other side. Anything beyond ends the decoding with BadEncodingLimitsExceeded.</summary>
/// <remarks>Immutable and thread-safe. Every length is also checked against the bytes that are left, before memory is allocated.</remarks>
public sealed record DecodeLimits
{
    /// <summary>Limits that no honest telemetry server should meet.</summary>
    public static DecodeLimits Default { get; } = new();

    /// <summary>The longest string in bytes of UTF-8.</summary>
    public int StringBytesMax { get; init; } = 1 << 20;

    /// <summary>The longest byte string.</summary>
    public int ByteStringBytesMax { get; init; } = 16 << 20;

    /// <summary>The longest list, whatever its elements.</summary>
    public int ArrayLengthMax { get; init; } = 1 << 20;

    /// <summary>How deep variants, data values and diagnostics may be nested (OPC 10000-6, 5.2.2.16 asks for at least 100).</summary>
    public int NestingMax { get; init; } = 100;

    /// <summary>Memory that decoding one message may allocate in all, in bytes; stops small messages that unfold into large ones.</summary>
    public long AllocationBytesMax { get; init; } = 64L << 20;

    /// <summary>How many values one notification message may carry.</summary>
    public int NotificationValuesMax { get; init; } = 200_000;
}
