using System.Runtime.CompilerServices;

namespace ZfRepl.Core.Telemetry;

/// <summary>
/// One typed value. Scalars sit in 64 bits without boxing; text, bytes and composites in a reference. Immutable by convention: who
/// hands over an array or bytes does not change them afterwards. Equality is exact: kinds and bit patterns, so that two NaNs with
/// the same bits are equal and 0.0 and -0.0 are not.
/// </summary>
public readonly struct TelemetryValue : IEquatable<TelemetryValue>
{
    /// <summary>Makes a value from its parts, as a decoder has them.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="bits">The scalar's bits: sign-extended for signed integers, zero-extended otherwise, IEEE bits for floats.</param>
    /// <param name="reference">string, byte[], <see cref="TelemetryArray"/>, <see cref="TelemetryMap"/> or TelemetryValue[] (lists and fields).</param>
    public TelemetryValue(ValueKind kind, ulong bits, object? reference)
    {
        Kind = kind;
        Bits = bits;
        Reference = reference;
    }

    /// <summary>No value.</summary>
    public static TelemetryValue Null => default;

    /// <summary>The kind.</summary>
    public ValueKind Kind { get; }

    /// <summary>The scalar's bits; 0 for the kinds that use <see cref="Reference"/>.</summary>
    public ulong Bits { get; }

    /// <summary>The text, bytes or composite; null for scalars.</summary>
    public object? Reference { get; }

    /// <summary>The value as a signed integer. Only for integer kinds, Boolean and DateTime.</summary>
    public long AsInt64 => unchecked((long)Bits);

    /// <summary>The value as a 64-bit float. Only for <see cref="ValueKind.Double"/>.</summary>
    public double AsDouble => BitConverter.UInt64BitsToDouble(Bits);

    /// <summary>The value as a 32-bit float. Only for <see cref="ValueKind.Float"/>.</summary>
    public float AsFloat => BitConverter.UInt32BitsToSingle(unchecked((uint)Bits));

    /// <summary>The text. Only for the text kinds.</summary>
    public string AsText => (string)Reference!;

    /// <summary>The bytes. Only for ByteString and Guid.</summary>
    public byte[] AsBytes => (byte[])Reference!;

    /// <summary>The elements of a list or the fields of a composite.</summary>
    public TelemetryValue[] AsItems => (TelemetryValue[])Reference!;

    /// <summary>A Boolean.</summary>
    public static TelemetryValue From(bool value) => new(ValueKind.Boolean, value ? 1UL : 0UL, null);

    /// <summary>An Int32.</summary>
    public static TelemetryValue From(int value) => new(ValueKind.Int32, unchecked((ulong)value), null);

    /// <summary>An Int64.</summary>
    public static TelemetryValue From(long value) => new(ValueKind.Int64, unchecked((ulong)value), null);

    /// <summary>A UInt64.</summary>
    public static TelemetryValue From(ulong value) => new(ValueKind.UInt64, value, null);

    /// <summary>A Double, bit for bit.</summary>
    public static TelemetryValue From(double value) => new(ValueKind.Double, BitConverter.DoubleToUInt64Bits(value), null);

    /// <summary>A Float, bit for bit.</summary>
    public static TelemetryValue From(float value) => new(ValueKind.Float, BitConverter.SingleToUInt32Bits(value), null);

    /// <summary>Text; null text is no value.</summary>
    public static TelemetryValue From(string? value) => value is null ? default : new(ValueKind.String, 0, value);

    /// <summary>Bytes; null is no value.</summary>
    public static TelemetryValue From(byte[]? value) => value is null ? default : new(ValueKind.ByteString, 0, value);

    /// <summary>An integer of a given kind.</summary>
    /// <param name="kind">One of the integer kinds.</param>
    /// <param name="value">The value, sign-extended.</param>
    public static TelemetryValue Integer(ValueKind kind, long value) => new(kind, unchecked((ulong)value), null);

    /// <summary>True for the kinds whose value lies wholly in <see cref="Bits"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsScalar(ValueKind kind) => kind is <= ValueKind.Double or ValueKind.DateTime or ValueKind.StatusCode;

    /// <summary>True for the kinds whose value is a string.</summary>
    public static bool IsText(ValueKind kind) =>
        kind is ValueKind.String or ValueKind.XmlElement or ValueKind.NodeId or ValueKind.ExpandedNodeId or ValueKind.DiagnosticInfo;

    /// <summary>The number of fields of a composite kind, 0 for other kinds.</summary>
    public static int FieldCount(ValueKind kind) => kind switch
    {
        ValueKind.QualifiedName or ValueKind.LocalizedText => 2,
        ValueKind.ExtensionObject => 3,
        ValueKind.DataValue => 6,
        _ => 0,
    };

    /// <summary>True for the kinds that exist in this version.</summary>
    public static bool IsKnown(ValueKind kind) => kind is <= ValueKind.DataValue or ValueKind.DiagnosticInfo or (>= ValueKind.Array and <= ValueKind.Map);

    /// <inheritdoc/>
    public bool Equals(TelemetryValue other)
    {
        if (Kind != other.Kind || Bits != other.Bits)
        {
            return false;
        }

        return (Reference, other.Reference) switch
        {
            (null, null) => true,
            (string a, string b) => string.Equals(a, b, StringComparison.Ordinal),
            (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
            (TelemetryValue[] a, TelemetryValue[] b) => a.AsSpan().SequenceEqual(b),
            (TelemetryArray a, TelemetryArray b) => a.Equals(b),
            (TelemetryMap a, TelemetryMap b) => a.Equals(b),
            _ => false,
        };
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TelemetryValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Reference is string text
        ? HashCode.Combine(Kind, text.GetHashCode(StringComparison.Ordinal))
        : HashCode.Combine(Kind, Bits);

    /// <inheritdoc/>
    public override string ToString() => TelemetryJson.Format(this);

    /// <summary>Exact equality.</summary>
    public static bool operator ==(TelemetryValue left, TelemetryValue right) => left.Equals(right);

    /// <summary>Exact inequality.</summary>
    public static bool operator !=(TelemetryValue left, TelemetryValue right) => !left.Equals(right);
}
