namespace ZfRepl.OpcUa.Types;

/// <content>Taking values out again; asking for another type than <see cref="Type"/> is a programming error.</content>
public readonly partial struct Variant
{
    /// <summary>The value of a <see cref="BuiltInType.Boolean"/>.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public bool GetBoolean() => BitsOf(BuiltInType.Boolean) != 0;

    /// <summary>The value of a signed integer of any width.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public long GetInt64()
    {
        var signed = Type is BuiltInType.SByte or BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64;
        return signed && Shape == VariantShape.Scalar ? unchecked((long)_bits) : throw Wrong("a signed integer");
    }

    /// <summary>The value of an unsigned integer of any width.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public ulong GetUInt64()
    {
        var unsigned = Type is BuiltInType.Byte or BuiltInType.UInt16 or BuiltInType.UInt32 or BuiltInType.UInt64;
        return unsigned && Shape == VariantShape.Scalar ? _bits : throw Wrong("an unsigned integer");
    }

    /// <summary>The value of a <see cref="BuiltInType.Float"/>.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public float GetFloat() => BitConverter.UInt32BitsToSingle(unchecked((uint)BitsOf(BuiltInType.Float)));

    /// <summary>The value of a <see cref="BuiltInType.Double"/>.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public double GetDouble() => BitConverter.UInt64BitsToDouble(BitsOf(BuiltInType.Double));

    /// <summary>The value of a <see cref="BuiltInType.DateTime"/>.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public UaDateTime GetDateTime() => new(unchecked((long)BitsOf(BuiltInType.DateTime)));

    /// <summary>The value of a <see cref="BuiltInType.StatusCode"/>.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public StatusCode GetStatusCode() => new(unchecked((uint)BitsOf(BuiltInType.StatusCode)));

    /// <summary>The value of a <see cref="BuiltInType.String"/>.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public string? GetString() => (string?)ReferenceOf(BuiltInType.String);

    /// <summary>The value of a <see cref="BuiltInType.ByteString"/>.</summary>
    /// <exception cref="InvalidOperationException">It is something else.</exception>
    public byte[]? GetByteString() => (byte[]?)ReferenceOf(BuiltInType.ByteString);

    private ulong BitsOf(BuiltInType type) => Type == type && Shape == VariantShape.Scalar ? _bits : throw Wrong(type.ToString());

    private object? ReferenceOf(BuiltInType type) => Type == type && Shape == VariantShape.Scalar ? _object : throw Wrong(type.ToString());

    private InvalidOperationException Wrong(string wanted) => new($"The value is {Type} ({Shape}), not {wanted}.");
}
