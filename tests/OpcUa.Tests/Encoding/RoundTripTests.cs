using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Encoding;

public sealed class RoundTripTests
{
    [Fact]
    public void Every_type_in_every_shape_comes_back_bit_for_bit()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var any = new AnyValue(seed);
            for (var type = BuiltInType.Boolean; type <= BuiltInType.DiagnosticInfo; type++)
            {
                AssertComesBack(Variant.Array(type, any.Elements(type, seed % 4)), seed);
                AssertComesBack(Variant.Array(type, null), seed);
                AssertComesBack(Variant.Matrix(type, any.Elements(type, 12), 2, 3, 2), seed);
                if (type != BuiltInType.Variant)
                {
                    AssertComesBack(any.Scalar(type), seed);
                }
            }
        }
    }

    [Fact]
    public void Random_values_come_back_bit_for_bit()
    {
        for (var seed = 0; seed < 3000; seed++)
        {
            AssertComesBack(new AnyValue(seed).Variant(3), seed);
        }
    }

    [Fact]
    public void Data_values_come_back_with_exactly_the_fields_they_had()
    {
        for (var seed = 0; seed < 3000; seed++)
        {
            var value = new AnyValue(seed).DataValue();
            using var writer = new UaWriter();
            writer.WriteDataValue(value);
            var reader = new UaReader(writer.WrittenSpan, DecodeLimits.Default);
            Assert.True(value == reader.ReadDataValue(), $"seed {seed}");
            Assert.Equal(0, reader.Remaining);
        }
    }

    [Fact]
    public void Nesting_goes_as_deep_as_the_limit_and_no_deeper()
    {
        var limits = DecodeLimits.Default;
        Assert.False(ReadNested(limits.NestingMax, limits).IsError);
        var tooDeep = ReadNested(limits.NestingMax + 1, limits);
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, tooDeep.Status);
    }

    [Fact]
    public void Bytes_that_are_no_utf8_cost_the_character_and_not_the_message()
    {
        var reader = new UaReader(Hex.Bytes("03 00 00 00 41 FF 42 07"), DecodeLimits.Default);
        Assert.Equal("A\uFFFDB", reader.ReadString());
        Assert.Equal(7, reader.ReadByte());
    }

    private static DecodeError ReadNested(int depth, DecodeLimits limits)
    {
        var value = new Variant(1);
        for (var i = 0; i < depth; i++)
        {
            value = Variant.Array(BuiltInType.Variant, new[] { value });
        }

        using var writer = new UaWriter();
        writer.WriteVariant(value);
        var reader = new UaReader(writer.WrittenSpan, limits);
        reader.ReadVariant();
        return reader.Error;
    }

    private static void AssertComesBack(Variant value, int seed)
    {
        using var writer = new UaWriter();
        writer.WriteVariant(value);
        var reader = new UaReader(writer.WrittenSpan, DecodeLimits.Default);
        var read = reader.ReadVariant();
        Assert.True(value == read, $"seed {seed}: {value} came back as {read} ({reader.Error})");
        Assert.Equal(value.GetHashCode(), read.GetHashCode());
        Assert.Equal(0, reader.Remaining);
    }
}
