using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Wire;
using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Tests.Transport;

public sealed class FrameReaderTests
{
    [Fact]
    public async Task Packets_of_any_size_cut_anywhere_are_put_together()
    {
        const int seed = 5;
        var random = new Random(seed);
        var payloads = Enumerable.Range(0, 300).Select(i => new byte[i % 50 == 0 && i <= 200 ? random.Next(300_000) : random.Next(200)]).ToList();
        payloads.ForEach(random.NextBytes);
        var bytes = payloads
            .SelectMany(p => AnyPacket.Encode(new PublishPacket("t", p, MqttQoS.AtMostOnce, 0), MqttProtocolVersion.V311))
            .ToArray();
        using var reader = new FrameReader(new ChoppyStream(bytes, random), 1_000_000, TimeProvider.System);

        var next = 0;
        FillOutcome outcome;
        do
        {
            while (reader.TryNext(out _, out var body, out var fault))
            {
                Assert.True(body.Span[3..].SequenceEqual(payloads[next]), $"seed {seed}, packet {next}");
                next++;
            }

            outcome = await reader.FillAsync();
        }
        while (outcome == FillOutcome.Data);

        Assert.Equal(FillOutcome.EndOfStream, outcome);
        Assert.Equal(payloads.Count, next);
        Assert.Equal(bytes.Length, reader.BytesReceived);
        Assert.InRange(reader.BufferBytes, 1, 64 * 1024);
    }

    [Fact]
    public async Task Announcing_a_large_packet_does_not_make_it_allocate()
    {
        // The header says 200 MB; 100,000 bytes come.
        var bytes = new byte[100_000];
        bytes[0] = 0x30;
        (bytes[1], bytes[2], bytes[3], bytes[4]) = (0x80, 0x84, 0xAF, 0x5F);
        using var reader = new FrameReader(new ChoppyStream(bytes, new Random(1)), 268_435_455, TimeProvider.System);
        do
        {
            Assert.False(reader.TryNext(out _, out _, out var fault));
            Assert.False(fault.IsFault);
            Assert.InRange(reader.BufferBytes, 1, 256 * 1024);
        }
        while (await reader.FillAsync() == FillOutcome.Data);
    }

    [Fact]
    public async Task Too_large_a_packet_is_refused_as_soon_as_its_header_is_there()
    {
        using var reader = new FrameReader(new MemoryStream([0x30, 0xFF, 0xFF, 0x7F]), 100_000, TimeProvider.System);
        await reader.FillAsync();
        Assert.False(reader.TryNext(out _, out _, out var fault));
        Assert.Equal(MqttReasonCode.PacketTooLarge, fault.Reason);
    }

    /// <summary>Gives between one byte and a few thousand at a time.</summary>
    private sealed class ChoppyStream(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var most = random.Next(3) == 0 ? 3 : 5_000;
            return base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, most))], cancellationToken);
        }
    }
}
