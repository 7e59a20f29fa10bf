using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Transport;

public sealed class FramingTests
{
    [Theory]
    [InlineData("48 45 4C 46 20 00 00 00", "Hello", "Final", 32)]
    [InlineData("41 43 4B 46 1C 00 00 00", "Acknowledge", "Final", 28)]
    [InlineData("45 52 52 46 10 00 00 00", "Error", "Final", 16)]
    [InlineData("4F 50 4E 46 84 00 00 00", "Open", "Final", 132)]
    [InlineData("4D 53 47 43 FF FF 00 00", "Message", "Intermediate", 65535)]
    [InlineData("4D 53 47 41 10 00 00 00", "Message", "Abort", 16)]
    [InlineData("43 4C 4F 46 39 00 00 00", "Close", "Final", 57)]
    public void A_header_is_read_and_written_as_the_specification_says(string hex, string type, string kind, int size)
    {
        var bytes = Hex.Bytes(hex);
        Assert.Equal(StatusCode.Good, MessageHeader.TryParse(bytes, 65535, out var header));
        Assert.Equal(new MessageHeader(Enum.Parse<MessageType>(type), Enum.Parse<ChunkKind>(kind), size), header);
        var written = new byte[8];
        header.Write(written);
        Assert.Equal(bytes, written);
    }

    [Theory]
    [InlineData("47 45 54 20 2F 00 00 00", "not OPC UA")]
    [InlineData("4F 50 4E 43 84 00 00 00", "OPN in pieces")]
    [InlineData("48 45 4C 41 20 00 00 00", "an aborted Hello")]
    [InlineData("4D 53 47 58 20 00 00 00", "an unknown kind of chunk")]
    [InlineData("4D 53 47 46 07 00 00 00", "a chunk smaller than its header")]
    public void Other_headers_are_refused(string hex, string what) =>
        Assert.True(MessageHeader.TryParse(Hex.Bytes(hex), 65535, out _) == StatusCodes.BadTcpMessageTypeInvalid, what);

    [Theory]
    [InlineData("4D 53 47 46 00 00 01 00")]
    [InlineData("4D 53 47 46 FF FF FF FF")]
    public void A_chunk_beyond_the_buffer_is_too_large(string hex) =>
        Assert.Equal(StatusCodes.BadTcpMessageTooLarge, MessageHeader.TryParse(Hex.Bytes(hex), 65535, out _));

    [Fact]
    public void Hello_is_written_byte_for_byte_as_the_specification_says()
    {
        using var writer = new UaWriter();
        new HelloMessage(0, new BufferSizes(65535, 65535, 0, 0), "opc.tcp://a").Write(writer);
        const string expected = "48454C462B000000 00000000 FFFF0000 FFFF0000 00000000 00000000 0B000000 6F70632E7463703A2F2F61";
        Assert.Equal(Hex.Text(Hex.Bytes(expected)), Hex.Text(writer.WrittenSpan));
    }

    [Fact]
    public void Messages_of_the_handshake_cut_at_any_byte_are_errors()
    {
        using var writer = new UaWriter();
        new HelloMessage(0, new BufferSizes(65535, 65535, 0, 0), "opc.tcp://a").Write(writer);
        for (var length = MessageHeader.Bytes; length < writer.Length; length++)
        {
            Assert.True(HelloMessage.TryRead(writer.WrittenSpan[..length], out var hello).IsError);
            Assert.Null(hello);
        }

        Assert.True(AcknowledgeMessage.TryRead(new byte[20], out _).IsError);
        Assert.True(ErrorMessage.TryRead(new byte[15], out _).IsError);
    }

    [Fact]
    public async Task Chunks_arrive_whole_however_the_bytes_were_cut()
    {
        const int seed = 17;
        var random = new Random(seed);
        var (left, right) = DuplexPipe.Create();
        await using var connection = new UaConnection(right, 8192);
        var chunks = Enumerable.Range(0, 200).Select(i => Chunk(random.Next(16, 8192), (byte)i)).ToList();
        var all = chunks.SelectMany(c => c).ToArray();
        var sending = Task.Run(async () =>
        {
            for (var at = 0; at < all.Length;)
            {
                var count = Math.Min(random.Next(1, 5000), all.Length - at);
                await left.WriteAsync(all.AsMemory(at, count));
                at += count;
            }
        });
        foreach (var expected in chunks)
        {
            var received = await connection.ReceiveAsync(default);
            Assert.True(received.Status.IsGood, $"seed {seed}: {received.Reason}");
            Assert.Equal(expected, received.Chunk.ToArray());
        }

        await sending;
        await left.DisposeAsync();
        var end = await connection.ReceiveAsync(default);
        Assert.Equal(StatusCodes.BadConnectionClosed, end.Status);
        Assert.Equal("closed by the other side", end.Reason);
    }

    [Fact]
    public async Task An_end_within_a_chunk_is_named_as_such()
    {
        var (left, right) = DuplexPipe.Create();
        await using var connection = new UaConnection(right, 8192);
        await left.WriteAsync(Chunk(100, 1).AsMemory(0, 50));
        await left.DisposeAsync();
        var end = await connection.ReceiveAsync(default);
        Assert.Equal(StatusCodes.BadConnectionClosed, end.Status);
        Assert.Equal("closed within a chunk", end.Reason);
    }

    [Fact]
    public async Task A_chunk_that_claims_to_be_huge_ends_the_connection_before_memory_is_taken()
    {
        var (left, right) = DuplexPipe.Create();
        await using var connection = new UaConnection(right, 8192);
        await left.WriteAsync(Hex.Bytes("4D534746 FFFFFF7F"));
        Assert.Equal(StatusCodes.BadTcpMessageTooLarge, (await connection.ReceiveAsync(default)).Status);
    }

    [Fact]
    public async Task Both_sides_agree_on_the_smaller_sizes()
    {
        var (clientSide, serverSide) = DuplexPipe.Connections(HelloMessage.ChunkBytesMax);
        await using var client = clientSide;
        await using var server = serverSide;
        var clientLimits = new TransportLimits
        {
            SendChunkBytes = 32_768,
            ReceiveChunkBytes = 16_384,
            ReceiveMessageBytesMax = 1000,
            ReceiveChunkCountMax = 3,
        };
        var serverLimits = TransportLimits.Default with { ReceiveChunkBytes = 65_535, SendChunkBytes = 65_535 };
        var accepting = ConnectionHandshake.AcceptAsync(server, serverLimits, default).AsTask();
        var connected = await ConnectionHandshake.ConnectAsync(client, "opc.tcp://h:1/x", clientLimits, default);
        var accepted = await accepting;
        Assert.Equal(StatusCode.Good, connected.Status);
        Assert.Equal("opc.tcp://h:1/x", accepted.EndpointUrl);
        Assert.Equal(32_768, connected.Limits!.SendChunkBytes);
        Assert.Equal(16_384, accepted.Limits!.SendChunkBytes);
        Assert.Equal(1000, accepted.Limits.SendMessageBytesMax);
        Assert.Equal(3, accepted.Limits.SendChunkCountMax);
        Assert.Equal(65_535, server.ChunkBytesMax);
    }

    [Fact]
    public async Task Buffers_below_the_lower_bound_are_refused_with_an_error_message()
    {
        var (clientSide, serverSide) = DuplexPipe.Connections();
        await using var client = clientSide;
        await using var server = serverSide;
        var accepting = ConnectionHandshake.AcceptAsync(server, TransportLimits.Default, default).AsTask();
        var tooSmall = new TransportLimits { ReceiveChunkBytes = 4096 };
        var connected = await ConnectionHandshake.ConnectAsync(client, "opc.tcp://a", tooSmall, default);
        Assert.Equal(StatusCodes.BadConnectionRejected, connected.Status);
        Assert.Equal(StatusCodes.BadConnectionRejected, (await accepting).Status);
    }

    [Fact]
    public async Task A_first_message_that_is_not_Hello_is_refused()
    {
        var (left, right) = DuplexPipe.Create();
        await using var server = new UaConnection(right, HelloMessage.ChunkBytesMax);
        await using var client = new UaConnection(left, 8192);
        await client.SendAsync(Chunk(16, 0), default);
        var accepted = await ConnectionHandshake.AcceptAsync(server, TransportLimits.Default, default);
        Assert.Equal(StatusCodes.BadTcpMessageTypeInvalid, accepted.Status);
        Assert.Equal(MessageType.Error, (await client.ReceiveAsync(default)).Header.Type);
    }

    private static byte[] Chunk(int size, byte fill)
    {
        var chunk = new byte[size];
        chunk.AsSpan().Fill(fill);
        new MessageHeader(MessageType.Message, ChunkKind.Final, size).Write(chunk);
        return chunk;
    }
}
