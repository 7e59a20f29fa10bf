using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Encoding;

/// <summary>Bytes derived by hand from OPC 10000-6, 5.2; some are the examples printed there.</summary>
public sealed class GoldenBytesTests
{
    /// <summary>2000-01-01T00:00:00Z.</summary>
    private static readonly UaDateTime Millennium = new(125_911_584_000_000_000);

    public static TheoryData<string, string, object> Variants() => new()
    {
        { "null", "00", default(Variant) },
        { "true", "01 01", new Variant(true) },
        { "sbyte", "02 FF", new Variant((sbyte)-1) },
        { "byte", "03 FE", new Variant((byte)0xFE) },
        { "int16", "04 FE FF", new Variant((short)-2) },
        { "uint16", "05 34 12", new Variant((ushort)0x1234) },
        { "int32", "06 00 CA 9A 3B", new Variant(1_000_000_000) },
        { "uint32", "07 78 56 34 12", new Variant(0x12345678u) },
        { "int64", "08 FE FF FF FF FF FF FF FF", new Variant(-2L) },
        { "uint64", "09 08 07 06 05 04 03 02 01", new Variant(0x0102030405060708UL) },
        { "float", "0A 00 00 D0 C0", new Variant(-6.5f) },
        { "double", "0B 00 00 00 00 00 00 F0 3F", new Variant(1.0) },
        { "nan with payload", "0B 01 00 00 00 00 00 F8 7F", new Variant(BitConverter.UInt64BitsToDouble(0x7FF8000000000001)) },
        { "string", "0C 06 00 00 00 E6 B0 B4 42 6F 79", new Variant("水Boy") },
        { "null string", "0C FF FF FF FF", new Variant((string?)null) },
        { "empty string", "0C 00 00 00 00", new Variant("") },
        { "time", "0D 00 40 6D 25 EB 53 BF 01", new Variant(Millennium) },
        { "guid", "0E 91 2B 96 72 75 FA E6 4A 8D 28 B4 04 DC 7D AF 63", new Variant(Guid.Parse("72962B91-FA75-4AE6-8D28-B404DC7DAF63")) },
        { "bytes", "0F 02 00 00 00 AB CD", Variant.ByteString([0xAB, 0xCD]) },
        { "null bytes", "0F FF FF FF FF", Variant.ByteString(null) },
        { "xml", "10 04 00 00 00 3C 61 2F 3E", new Variant(new XmlElement("<a/>")) },
        { "node id of two bytes", "11 00 48", new Variant(new NodeId(72)) },
        { "node id of four bytes", "11 01 05 01 04", new Variant(new NodeId(5, 1025)) },
        { "node id of seven bytes", "11 02 2C 01 00 00 01 00", new Variant(new NodeId(300, 65536)) },
        { "node id with text", "11 03 01 00 06 00 00 00 48 6F 74 E6 B0 B4", new Variant(new NodeId(1, "Hot水")) },
        {
            "node id with guid", "11 04 02 00 91 2B 96 72 75 FA E6 4A 8D 28 B4 04 DC 7D AF 63",
            new Variant(new NodeId(2, Guid.Parse("72962B91-FA75-4AE6-8D28-B404DC7DAF63")))
        },
        { "opaque node id", "11 05 03 00 02 00 00 00 01 FF", new Variant(new NodeId(3, new byte[] { 1, 255 })) },
        {
            "expanded node id", "12 C1 00 02 01 05 00 00 00 75 72 6E 3A 61 07 00 00 00",
            new Variant(new ExpandedNodeId(new NodeId(0, 258), "urn:a", 7))
        },
        { "status", "13 00 00 0A 80", new Variant(StatusCodes.BadTimeout) },
        { "qualified name", "14 02 00 01 00 00 00 4E", new Variant(new QualifiedName(2, "N")) },
        { "localized text", "15 03 02 00 00 00 64 65 01 00 00 00 58", new Variant(new LocalizedText("de", "X")) },
        { "text without locale", "15 02 01 00 00 00 58", new Variant(new LocalizedText("X")) },
        { "structure", "16 01 01 07 00 01 02 00 00 00 AA BB", new Variant(new ExtensionObject(new NodeId(1, 7), [0xAA, 0xBB])) },
        { "null structure", "16 00 00 00", new Variant((ExtensionObject?)null) },
        { "data value", "17 03 0B 00 00 00 00 00 00 F0 3F 00 00 92 40", new Variant(Uncertain(1.0)) },
        {
            "diagnostic", "19 7F 01 00 00 00 02 00 00 00 04 00 00 00 03 00 00 00 01 00 00 00 41 00 00 0A 80 01 09 00 00 00",
            new Variant(new DiagnosticInfo
            {
                SymbolicId = 1,
                NamespaceUri = 2,
                LocalizedText = 3,
                Locale = 4,
                AdditionalInfo = "A",
                InnerStatusCode = StatusCodes.BadTimeout,
                Inner = new DiagnosticInfo { SymbolicId = 9 },
            })
        },
        { "list", "84 02 00 00 00 01 00 FF FF", Variant.Array(BuiltInType.Int16, new short[] { 1, -1 }) },
        { "empty list", "8B 00 00 00 00", Variant.Array(BuiltInType.Double, Array.Empty<double>()) },
        { "null list", "8B FF FF FF FF", Variant.Array(BuiltInType.Double, null) },
        { "list of bytes is no byte string", "83 02 00 00 00 AB CD", Variant.Array(BuiltInType.Byte, new byte[] { 0xAB, 0xCD }) },
        { "list of booleans", "81 02 00 00 00 01 00", Variant.Array(BuiltInType.Boolean, new[] { true, false }) },
        {
            "matrix", "C6 04 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 00 00 00 02 00 00 00 02 00 00 00 02 00 00 00",
            Variant.Matrix(BuiltInType.Int32, new[] { 1, 2, 3, 4 }, 2, 2)
        },
        {
            "list of variants", "98 02 00 00 00 01 01 83 01 00 00 00 05",
            Variant.Array(BuiltInType.Variant, new[] { new Variant(true), Variant.Array(BuiltInType.Byte, new byte[] { 5 }) })
        },
    };

    private static DataValue Uncertain(double value) => new()
    {
        Fields = DataValueFields.Value | DataValueFields.Status,
        Value = new Variant(value),
        Status = StatusCodes.UncertainInitialValue,
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_variant_is_written_and_read_as_the_specification_says(string name, string hex, object value)
    {
        using var writer = new UaWriter();
        writer.WriteVariant((Variant)value);
        Assert.Equal(Hex.Text(Hex.Bytes(hex)), Hex.Text(writer.WrittenSpan));

        var reader = new UaReader(Hex.Bytes(hex), DecodeLimits.Default);
        Assert.Equal((Variant)value, reader.ReadVariant());
        Assert.False(reader.Failed, name + ": " + reader.Error);
        Assert.Equal(0, reader.Remaining);
    }

    [Fact]
    public void All_fields_of_a_data_value_stand_in_the_order_of_the_specification()
    {
        var value = new DataValue
        {
            Fields = (DataValueFields)0x3F,
            Value = new Variant((byte)7),
            Status = new StatusCode(0x0000_0480),
            SourceTimestamp = Millennium,
            SourcePicoseconds = 0x1234,
            ServerTimestamp = new UaDateTime(1),
            ServerPicoseconds = 9999,
        };
        using var writer = new UaWriter();
        writer.WriteDataValue(value);
        var expected = Hex.Bytes("3F 03 07 80 04 00 00 00 40 6D 25 EB 53 BF 01 34 12 01 00 00 00 00 00 00 00 0F 27");
        Assert.Equal(Hex.Text(expected), Hex.Text(writer.WrittenSpan));
        var reader = new UaReader(expected, DecodeLimits.Default);
        Assert.Equal(value, reader.ReadDataValue());
    }

    [Fact]
    public void Picoseconds_beyond_one_step_of_the_clock_are_clamped()
    {
        var reader = new UaReader(Hex.Bytes("10 10 27"), DecodeLimits.Default);
        Assert.Equal(9999, reader.ReadDataValue().SourcePicoseconds);
    }

    [Fact]
    public void Reserved_variant_types_are_read_as_byte_strings()
    {
        var reader = new UaReader(Hex.Bytes("1A 01 00 00 00 05 9F 01 00 00 00 00 00 00 00"), DecodeLimits.Default);
        Assert.Equal(Variant.ByteString([5]), reader.ReadVariant());
        Assert.Equal(Variant.Array(BuiltInType.ByteString, new byte[]?[] { [] }), reader.ReadVariant());
        Assert.False(reader.Failed);
    }

    [Fact]
    public void Any_byte_but_zero_is_true()
    {
        var reader = new UaReader(Hex.Bytes("01 80"), DecodeLimits.Default);
        Assert.Equal(new Variant(true), reader.ReadVariant());
    }

    [Theory]
    [InlineData("18 00", "a scalar variant in a variant")]
    [InlineData("80 00 00 00 00", "a list of nothing")]
    [InlineData("46 01 00 00 00", "dimensions without a list")]
    [InlineData("20 00", "an unknown type")]
    [InlineData("C6 02 00 00 00 01 00 00 00 02 00 00 00 02 00 00 00 02 00 00 00 02 00 00 00", "dimensions that do not fit")]
    [InlineData("C6 01 00 00 00 01 00 00 00 02 00 00 00 FF FF FF FF FF FF FF FF", "negative dimensions")]
    [InlineData("11 06 00", "an unknown node id form")]
    [InlineData("16 00 00 03", "an unknown body encoding")]
    public void Impossible_encodings_are_errors(string hex, string what)
    {
        var reader = new UaReader(Hex.Bytes(hex), DecodeLimits.Default);
        Assert.Equal(default, reader.ReadVariant());
        Assert.Equal(StatusCodes.BadDecodingError, reader.Error.Status);
        Assert.True(reader.Failed, what);
    }
}
