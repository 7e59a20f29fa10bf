using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Types;

public sealed class ValueTests
{
    [Fact]
    public void Severity_and_overflow_are_read_from_the_bits()
    {
        Assert.True(StatusCode.Good.IsGood);
        Assert.True(StatusCodes.UncertainInitialValue.IsUncertain);
        Assert.True(StatusCodes.BadTimeout.IsBad);
        Assert.True(new StatusCode(0xC000_0000).IsBad);
        Assert.Equal(StatusSeverity.Uncertain, StatusCodes.UncertainLastUsableValue.Severity);
        Assert.True(new StatusCode(0x0000_0480).HasOverflow);
        Assert.False(new StatusCode(0x0000_0080).HasOverflow);
        Assert.False(new StatusCode(0x0000_0400).HasOverflow);
        Assert.Equal(0x8031_0480u, StatusCodes.BadNoCommunication.WithOverflow().Value);
        Assert.Equal(StatusCodes.BadNoCommunication, StatusCodes.BadNoCommunication.WithOverflow().WithoutOverflow());
        Assert.True(new StatusCode(0x800A_0480).Is(StatusCodes.BadTimeout));
    }

    [Fact]
    public void Removing_the_overflow_mark_keeps_the_limit_bits()
    {
        var limited = new StatusCode(0x0000_0480 | 0x0100);
        Assert.Equal(0x0000_0500u, limited.WithoutOverflow().Value);
        Assert.Equal(new StatusCode(0x0000_0500), new StatusCode(0x0000_0500).WithoutOverflow());
    }

    [Fact]
    public void Codes_are_named_as_in_the_specification()
    {
        Assert.Equal("BadTimeout", StatusCodes.BadTimeout.ToString());
        Assert.Equal("Good|0480", new StatusCode(0x480).ToString());
        Assert.Equal("0x8FFF0000", new StatusCode(0x8FFF_0000).ToString());
        Assert.Equal("BadMessageNotAvailable", new StatusCode(0x807B_0000).Name);
        Assert.Equal("GoodRetransmissionQueueNotSupported", new StatusCode(0x00DF_0000).Name);
    }

    [Fact]
    public void Every_code_constant_carries_its_own_name()
    {
        foreach (var field in typeof(StatusCodes).GetFields())
        {
            Assert.Equal(field.Name, ((StatusCode)field.GetValue(null)!).Name);
        }
    }

    [Fact]
    public void Time_conversions_are_exact_and_never_throw()
    {
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)).AddTicks(1234567);
        Assert.Equal(time, UaDateTime.From(time).ToDateTimeOffset());
        Assert.Equal(time.ToUniversalTime().ToFileTime(), UaDateTime.From(time).Ticks);
        Assert.Equal(0, UaDateTime.FromUnixTicks(0).UnixTicks);
        Assert.Equal(DateTimeOffset.UnixEpoch, UaDateTime.FromUnixTicks(0).ToDateTimeOffset());
        foreach (var ticks in new[] { long.MinValue, -1, 0, 1, long.MaxValue - 1, long.MaxValue })
        {
            var odd = new UaDateTime(ticks);
            Assert.InRange(odd.ToDateTimeOffset().Year, 1601, 9999);
            _ = odd.ToString();
            _ = odd.UnixTicks;
            _ = UaDateTime.FromUnixTicks(ticks);
        }

        Assert.True(new UaDateTime(0).IsNull);
        Assert.Equal(DateTimeOffset.MaxValue.Ticks, new UaDateTime(long.MaxValue).ToDateTimeOffset().Ticks);
        Assert.True(UaDateTime.From(DateTimeOffset.MinValue).IsNull);
    }

    [Fact]
    public void Scalars_need_no_allocation()
    {
        static ulong Touch(int i) => new Variant(i * 1.5).ScalarBits + new Variant(i).ScalarBits + new Variant(i % 2 == 0).ScalarBits
            + new Variant(new StatusCode((uint)i)).ScalarBits + new Variant(new UaDateTime(i)).ScalarBits;

        var sum = Touch(1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            sum ^= Touch(i);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual(1UL, sum);
    }

    [Fact]
    public void Values_are_taken_out_as_what_they_are_and_nothing_else()
    {
        Assert.Equal(-5, new Variant((short)-5).GetInt64());
        Assert.Equal(5u, new Variant((byte)5).GetUInt64());
        Assert.Equal(1.5f, new Variant(1.5f).GetFloat());
        Assert.Equal("x", new Variant("x").GetString());
        Assert.True(new Variant(true).GetBoolean());
        Assert.Throws<InvalidOperationException>(() => new Variant(1.5).GetFloat());
        Assert.Throws<InvalidOperationException>(() => new Variant(5u).GetInt64());
        Assert.Throws<InvalidOperationException>(() => Variant.Array(BuiltInType.Double, new[] { 1.0 }).GetDouble());
        Assert.Throws<InvalidOperationException>(() => Variant.Array(BuiltInType.UInt64, new[] { 1UL }).GetUInt64());
    }

    [Fact]
    public void Arrays_of_the_wrong_type_are_refused_at_once()
    {
        Assert.Throws<ArgumentException>(() => Variant.Array(BuiltInType.Double, new[] { 1f }));
        Assert.Throws<ArgumentException>(() => Variant.Array(BuiltInType.Byte, new sbyte[1]));
        Assert.Throws<ArgumentException>(() => Variant.Array(BuiltInType.Null, null));
        Assert.Throws<ArgumentException>(() => Variant.Matrix(BuiltInType.Double, new double[5], 2, 3));
        Assert.Throws<ArgumentException>(() => Variant.Matrix(BuiltInType.Double, new double[1], int.MaxValue, int.MaxValue, int.MaxValue));
        Assert.Throws<ArgumentException>(() => Variant.FromBits(BuiltInType.String, 1));
    }

    [Fact]
    public void Equality_looks_at_bits_and_types()
    {
        var quiet = BitConverter.UInt64BitsToDouble(0x7FF8_0000_0000_0000);
        var payload = BitConverter.UInt64BitsToDouble(0x7FF8_0000_0000_0001);
        Assert.Equal(new Variant(quiet), new Variant(quiet));
        Assert.NotEqual(new Variant(quiet), new Variant(payload));
        Assert.NotEqual(new Variant(0.0), new Variant(-0.0));
        Assert.NotEqual(new Variant(1), new Variant(1L));
        Assert.NotEqual(new Variant((string?)null), new Variant(""));
        Assert.NotEqual(Variant.Array(BuiltInType.Double, null), Variant.Array(BuiltInType.Double, Array.Empty<double>()));
        Assert.NotEqual(Variant.Array(BuiltInType.Double, new[] { quiet }), Variant.Array(BuiltInType.Double, new[] { payload }));
        Assert.NotEqual(Variant.Matrix(BuiltInType.Byte, new byte[6], 2, 3), Variant.Matrix(BuiltInType.Byte, new byte[6], 3, 2));
    }

    [Fact]
    public void A_value_is_named_in_one_short_line()
    {
        Assert.Equal("Double 21.5", new Variant(21.5).ToString());
        Assert.Equal("Int16 -3", new Variant((short)-3).ToString());
        Assert.Equal("Int32[2]", Variant.Array(BuiltInType.Int32, new[] { 1, 2 }).ToString());
        Assert.Equal("Byte[2,3]", Variant.Matrix(BuiltInType.Byte, new byte[6], 2, 3).ToString());
        Assert.True(new Variant(new string('x', 100_000)).ToString().Length < 150);
    }
}
