using ZfRepl.OpcUa.Types;
using UaVariant = ZfRepl.OpcUa.Types.Variant;

namespace ZfRepl.OpcUa.Tests;

/// <summary>Random values of every built-in type and shape, from a seed. Edge values come often.</summary>
internal sealed class AnyValue(int seed)
{
    private static readonly double[] OddDoubles =
        [0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue];

    private readonly Random _random = new(seed);

    public Random Random => _random;

    public bool Bool() => _random.Next(2) == 0;

    public uint UInt() => (uint)_random.NextInt64(0, 1L << 32);

    public ulong Bits() => unchecked((ulong)_random.NextInt64(long.MinValue, long.MaxValue));

    /// <summary>Half of them odd ones, among these NaNs with a payload.</summary>
    public double Double() => _random.Next(3) switch
    {
        0 => OddDoubles[_random.Next(OddDoubles.Length)],
        1 => BitConverter.UInt64BitsToDouble(0x7FF0_0000_0000_0001 | (Bits() & 0x800F_FFFF_FFFF_FFFF)),
        _ => _random.NextDouble() * 1000,
    };

    public string? Text() => _random.Next(5) switch
    {
        0 => null,
        1 => "",
        2 => "水Boy 𝄞",
        _ => new string((char)_random.Next('a', 'z'), _random.Next(1, 20)),
    };

    public byte[]? Bytes() => _random.Next(4) switch
    {
        0 => null,
        1 => [],
        _ => Filled(_random.Next(1, 40)),
    };

    public byte[] Filled(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    public UaDateTime Time() => new(_random.Next(4) switch
    {
        0 => 0,
        1 => unchecked((long)Bits()),
        _ => 132_000_000_000_000_000 + _random.NextInt64(1_000_000_000_000),
    });

    public StatusCode Status() => new(_random.Next(3) switch
    {
        0 => 0,
        1 => 0x8031_0000,
        _ => UInt(),
    });

    public NodeId NodeId() => _random.Next(6) switch
    {
        0 => new NodeId((uint)_random.Next(256)),
        1 => new NodeId((ushort)_random.Next(256), (uint)_random.Next(65536)),
        2 => new NodeId((ushort)_random.Next(65536), UInt()),
        3 => new NodeId((ushort)_random.Next(65536), Text()),
        4 => new NodeId((ushort)_random.Next(65536), new Guid(Filled(16))),
        _ => new NodeId((ushort)_random.Next(65536), Bytes()),
    };

    public ExpandedNodeId ExpandedNodeId() =>
        new(NodeId(), Bool() ? Text() : null, Bool() ? (uint)_random.Next(5) : 0);

    public QualifiedName QualifiedName() => new((ushort)_random.Next(65536), Text());

    public LocalizedText LocalizedText() => new(Text(), Text());

    public ExtensionObject? Extension() => _random.Next(4) switch
    {
        0 => null,
        1 => new ExtensionObject(new NodeId(1, UInt())),
        2 => new ExtensionObject(new NodeId(1, UInt()), Bytes(), ExtensionBody.Xml),
        _ => new ExtensionObject(new NodeId(1, UInt()), Bytes()),
    };

    public DiagnosticInfo? Diagnostic(int depth = 2) => _random.Next(3) == 0 ? null : new DiagnosticInfo
    {
        SymbolicId = _random.Next(100),
        NamespaceUri = Bool() ? _random.Next(100) : null,
        Locale = Bool() ? _random.Next(100) : null,
        LocalizedText = Bool() ? _random.Next(100) : null,
        AdditionalInfo = Text(),
        InnerStatusCode = Bool() ? Status() : null,
        Inner = depth > 0 ? Diagnostic(depth - 1) : null,
    };

    public DataValue DataValue(int depth = 2)
    {
        var fields = (DataValueFields)_random.Next(64);
        return new DataValue
        {
            Fields = fields,
            Value = fields.HasFlag(DataValueFields.Value) ? Variant(depth) : default,
            Status = fields.HasFlag(DataValueFields.Status) ? Status() : default,
            SourceTimestamp = fields.HasFlag(DataValueFields.SourceTimestamp) ? Time() : default,
            ServerTimestamp = fields.HasFlag(DataValueFields.ServerTimestamp) ? Time() : default,
            SourcePicoseconds = fields.HasFlag(DataValueFields.SourcePicoseconds) ? (ushort)_random.Next(10_000) : (ushort)0,
            ServerPicoseconds = fields.HasFlag(DataValueFields.ServerPicoseconds) ? (ushort)_random.Next(10_000) : (ushort)0,
        };
    }

    public Variant Variant(int depth = 2)
    {
        var type = (BuiltInType)_random.Next(26);
        if (type == BuiltInType.Null || (depth == 0 && type is BuiltInType.Variant or BuiltInType.DataValue))
        {
            return default;
        }

        return _random.Next(3) switch
        {
            0 => UaVariant.Array(type, _random.Next(6) == 0 ? null : Elements(type, _random.Next(4), depth)),
            1 => UaVariant.Matrix(type, Elements(type, 6, depth), 2, 3),
            _ when type == BuiltInType.Variant => UaVariant.Array(type, Elements(type, 2, depth)),
            _ => Scalar(type, depth),
        };
    }

    public Variant Scalar(BuiltInType type, int depth = 2) => type switch
    {
        BuiltInType.Boolean => new Variant(Bool()),
        BuiltInType.SByte => new Variant(unchecked((sbyte)Bits())),
        BuiltInType.Byte => new Variant(unchecked((byte)Bits())),
        BuiltInType.Int16 => new Variant(unchecked((short)Bits())),
        BuiltInType.UInt16 => new Variant(unchecked((ushort)Bits())),
        BuiltInType.Int32 => new Variant(unchecked((int)Bits())),
        BuiltInType.UInt32 => new Variant(UInt()),
        BuiltInType.Int64 => new Variant(unchecked((long)Bits())),
        BuiltInType.UInt64 => new Variant(Bits()),
        BuiltInType.Float => new Variant(BitConverter.UInt32BitsToSingle(UInt())),
        BuiltInType.Double => new Variant(Double()),
        BuiltInType.String => new Variant(Text()),
        BuiltInType.DateTime => new Variant(Time()),
        BuiltInType.Guid => new Variant(new Guid(Filled(16))),
        BuiltInType.ByteString => UaVariant.ByteString(Bytes()),
        BuiltInType.XmlElement => new Variant(new XmlElement(Text())),
        BuiltInType.NodeId => new Variant(NodeId()),
        BuiltInType.ExpandedNodeId => new Variant(ExpandedNodeId()),
        BuiltInType.StatusCode => new Variant(Status()),
        BuiltInType.QualifiedName => new Variant(QualifiedName()),
        BuiltInType.LocalizedText => new Variant(LocalizedText()),
        BuiltInType.ExtensionObject => new Variant(Extension()),
        BuiltInType.DataValue => new Variant(DataValue(depth - 1)),
        BuiltInType.DiagnosticInfo => new Variant(Diagnostic()),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public Array Elements(BuiltInType type, int count, int depth = 2) => type switch
    {
        BuiltInType.Boolean => Many(count, Bool),
        BuiltInType.SByte => Many(count, () => unchecked((sbyte)Bits())),
        BuiltInType.Byte => Many(count, () => unchecked((byte)Bits())),
        BuiltInType.Int16 => Many(count, () => unchecked((short)Bits())),
        BuiltInType.UInt16 => Many(count, () => unchecked((ushort)Bits())),
        BuiltInType.Int32 => Many(count, () => unchecked((int)Bits())),
        BuiltInType.UInt32 => Many(count, UInt),
        BuiltInType.Int64 => Many(count, () => unchecked((long)Bits())),
        BuiltInType.UInt64 => Many(count, Bits),
        BuiltInType.Float => Many(count, () => BitConverter.UInt32BitsToSingle(UInt())),
        BuiltInType.Double => Many(count, Double),
        BuiltInType.String => Many(count, Text),
        BuiltInType.DateTime => Many(count, Time),
        BuiltInType.Guid => Many(count, () => new Guid(Filled(16))),
        BuiltInType.ByteString => Many(count, Bytes),
        BuiltInType.XmlElement => Many(count, () => new XmlElement(Text())),
        BuiltInType.NodeId => Many(count, NodeId),
        BuiltInType.ExpandedNodeId => Many(count, ExpandedNodeId),
        BuiltInType.StatusCode => Many(count, Status),
        BuiltInType.QualifiedName => Many(count, QualifiedName),
        BuiltInType.LocalizedText => Many(count, LocalizedText),
        BuiltInType.ExtensionObject => Many(count, Extension),
        BuiltInType.DataValue => Many(count, () => DataValue(depth - 1)),
        BuiltInType.Variant => Many(count, () => Variant(depth - 1)),
        BuiltInType.DiagnosticInfo => Many(count, () => Diagnostic()),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static T[] Many<T>(int count, Func<T> one) => [.. Enumerable.Range(0, count).Select(_ => one())];
}
