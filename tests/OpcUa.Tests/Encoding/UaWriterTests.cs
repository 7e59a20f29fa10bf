using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Encoding;

public sealed class UaWriterTests
{
    [Fact]
    public void A_writer_grows_and_keeps_what_was_written()
    {
        using var writer = new UaWriter(initialBytes: 256);
        for (var i = 0; i < 10_000; i++)
        {
            writer.WriteInt32(i);
        }

        var reader = new UaReader(writer.WrittenSpan, DecodeLimits.Default);
        for (var i = 0; i < 10_000; i++)
        {
            Assert.Equal(i, reader.ReadInt32());
        }
    }

    [Fact]
    public void Beyond_its_limit_a_writer_says_so_and_writes_nothing_more()
    {
        using var writer = new UaWriter(bytesMax: 300);
        writer.WriteRaw(new byte[290]);
        Assert.False(writer.Overflowed);
        writer.WriteString("a string that does not fit");
        writer.WriteDouble(1);
        writer.WriteVariant(new Variant("x"));
        writer.WriteExtensionObject(811, new Nothing());
        Assert.True(writer.Overflowed);
        Assert.InRange(writer.Length, 290, 300);
        writer.Clear();
        writer.WriteInt32(5);
        Assert.False(writer.Overflowed);
        Assert.Equal("05000000", Hex.Text(writer.WrittenSpan));
    }

    [Fact]
    public void A_structure_gets_its_length_before_it()
    {
        using var writer = new UaWriter();
        writer.WriteExtensionObject(811, new Nothing());
        Assert.Equal("01002B0301" + "01000000" + "2A", Hex.Text(writer.WrittenSpan));
    }

    private sealed class Nothing : IEncodable
    {
        public void Encode(UaWriter writer) => writer.WriteByte(42);
    }
}
