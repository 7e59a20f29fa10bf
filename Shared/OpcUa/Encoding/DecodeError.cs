using System.Globalization;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <summary>Why and where decoding stopped; the default value means that it did not.</summary>
/// <param name="Status">BadDecodingError or BadEncodingLimitsExceeded; good when there is no error.</param>
/// <param name="Offset">The offset in bytes from the beginning of what was decoded.</param>
/// <param name="What">What was being read there.</param>
public readonly record struct DecodeError(StatusCode Status, int Offset, string? What)
{
    /// <summary>True when decoding failed.</summary>
    public bool IsError => Status.IsBad;

    /// <summary>One line for a log.</summary>
    public override string ToString() =>
        IsError ? string.Create(CultureInfo.InvariantCulture, $"{Status} at offset {Offset}: {What}") : "no error";
}
