using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Services;

/// <summary>Bytes of an enemy: nothing may be thrown, and memory stays within the budget whatever they say.</summary>
public sealed class HostileMessageTests
{
    private static readonly DecodeLimits Tight = DecodeLimits.Default with { AllocationBytesMax = 256 * 1024, NotificationValuesMax = 2000 };

    /// <summary>The budget counts what is asked for; the messages' own objects and the runtime's rounding come on top.</summary>
    private const long AllocationMax = 4 * 256 * 1024;

    [Fact]
    public void A_message_cut_at_any_byte_is_an_error_and_nothing_worse()
    {
        foreach (var message in Samples.All(5))
        {
            var bytes = Samples.Encode(message);
            for (var length = 0; length < bytes.Length; length++)
            {
                var decoded = ServiceCodec.Decode(bytes.AsSpan(0, length), DecodeLimits.Default);
                Assert.True(decoded.Error.IsError, $"{message.GetType().Name} cut to {length} of {bytes.Length}");
                Assert.Null(decoded.Message);
                Assert.InRange(decoded.Error.Offset, 0, length);
            }
        }
    }

    [Fact]
    public void Random_damage_is_survived_within_the_memory_budget()
    {
        const int seed = 20260117;
        var random = new Random(seed);
        var messages = Samples.All(7).ConvertAll(Samples.Encode);
        Decode(messages[0]);
        for (var round = 0; round < 60_000; round++)
        {
            var bytes = Damaged(messages[random.Next(messages.Count)], random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            Decode(bytes);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < AllocationMax, $"seed {seed}, round {round}: {allocated} bytes for {Hex.Text(bytes)}");
        }
    }

    [Fact]
    public void A_list_that_claims_to_be_huge_takes_no_memory()
    {
        using var writer = new UaWriter();
        writer.WriteNodeId(new NodeId(ReadResponse.TypeId));
        new ResponseHeader().Encode(writer);
        writer.WriteInt32(1_000_000);
        var bytes = writer.WrittenSpan.ToArray();
        Assert.Equal(StatusCodes.BadDecodingError, ServiceCodec.Decode(bytes, DecodeLimits.Default).Error.Status);
        var before = GC.GetAllocatedBytesForCurrentThread();
        ServiceCodec.Decode(bytes, DecodeLimits.Default);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    [Fact]
    public void Small_bytes_that_unfold_into_much_memory_hit_the_budget()
    {
        // 200,000 null data values take one byte each on the wire and sixty times that in memory.
        using var writer = new UaWriter();
        writer.WriteNodeId(new NodeId(ReadResponse.TypeId));
        new ResponseHeader().Encode(writer);
        writer.WriteInt32(200_000);
        writer.WriteRaw(new byte[200_000]);
        writer.WriteInt32(-1);
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, ServiceCodec.Decode(writer.WrittenSpan, Tight).Error.Status);
        Assert.False(ServiceCodec.Decode(writer.WrittenSpan, DecodeLimits.Default).Error.IsError);
    }

    [Theory]
    [InlineData("too long a string", 1)]
    [InlineData("too long a byte string", 2)]
    [InlineData("too long a list", 3)]
    public void Lengths_beyond_the_limits_are_refused(string what, int kind)
    {
        var limits = DecodeLimits.Default with { StringBytesMax = 10, ByteStringBytesMax = 10, ArrayLengthMax = 10 };
        using var writer = new UaWriter();
        writer.WriteInt32(11);
        writer.WriteRaw(new byte[11]);
        var reader = new UaReader(writer.WrittenSpan, limits);
        _ = kind == 1 ? reader.ReadString() : kind == 2 ? (object?)reader.ReadByteString() : reader.ReadArrayLength(1, "thing");
        Assert.True(reader.Error.Status == StatusCodes.BadEncodingLimitsExceeded, what);
    }

    private static void Decode(byte[] bytes)
    {
        var decoded = ServiceCodec.Decode(bytes, Tight);
        Assert.NotEqual(decoded.Error.IsError, decoded.Message is not null);
        using var batch = new DataChangeBatch();
        var error = NotificationDecoder.TryDecode(bytes, Tight, batch, out var summary);
        Assert.NotEqual(error.IsError, summary is not null);
        Assert.True(!error.IsError || batch.Count == 0, "a broken message left values behind");
    }

    private static byte[] Damaged(byte[] message, Random random)
    {
        var bytes = message.ToArray();
        for (var n = random.Next(1, 5); n > 0; n--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2 when at + 4 <= bytes.Length:
                    BitConverter.TryWriteBytes(bytes.AsSpan(at), random.Next(3) switch { 0 => int.MaxValue, 1 => random.Next(100_000), _ => -1 });
                    break;
                default:
                    bytes = [.. bytes[..at], .. bytes[random.Next(at, bytes.Length)..]];
                    break;
            }

            if (bytes.Length == 0)
            {
                return bytes;
            }
        }

        return bytes;
    }
}
