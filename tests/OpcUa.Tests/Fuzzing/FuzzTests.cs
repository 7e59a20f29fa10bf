using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Services;
using ZfRepl.OpcUa.Transport;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.OpcUa.Tests.Fuzzing;

/// <summary>Messages, chunks and handshakes, made wrong: an error with its status, within the memory that is allowed.</summary>
public sealed class FuzzTests
{
    private const int MessageBytesMax = 64 * 1024;

    private static readonly DecodeLimits Limits = DecodeLimits.Default with { AllocationBytesMax = 256 * 1024, NotificationValuesMax = 2_000 };

    private static readonly FuzzTarget[] Targets =
    [
        new("opcua-message", [.. Samples.All(11).Select(Samples.Encode)], Decode, MemoryBytesMax: 4 * 256 * 1024),
        new("opcua-handshake", [Hello(), Acknowledge()], Handshake, MemoryBytesMax: 64 * 1024),
        new("opcua-chunks", [.. Enumerable.Range(0, 4).Select(i => Enumerable.Range(0, 60).Select(b => (byte)(b * 7 % (i + 3))).ToArray())], Assemble, MemoryBytesMax: 4 * MessageBytesMax),
    ];

    public static TheoryData<string> Names => [.. Targets.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Wrong_bytes_are_refused_and_nothing_worse(string name) => Fuzzer.Run(Targets.Single(t => t.Name == name), rounds: 20_000);

    private static void Decode(byte[] input)
    {
        var decoded = ServiceCodec.Decode(input, Limits);
        Assert.NotEqual(decoded.Error.IsError, decoded.Message is not null);
        using var batch = new DataChangeBatch();
        var error = NotificationDecoder.TryDecode(input, Limits, batch, out var summary);
        Assert.NotEqual(error.IsError, summary is not null);
        Assert.True(!error.IsError || batch.Count == 0, "a broken message left values behind");
    }

    private static byte[] Hello()
    {
        using var writer = new UaWriter();
        new HelloMessage(0, new BufferSizes(65_535, 65_535, 0, 0), "opc.tcp://plc:4840").Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    private static byte[] Acknowledge()
    {
        using var writer = new UaWriter();
        new AcknowledgeMessage(0, new BufferSizes(65_535, 65_535, 0, 0)).Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    private static void Handshake(byte[] input)
    {
        if (input.Length < MessageHeader.Bytes || MessageHeader.TryParse(input, MessageBytesMax, out _).IsBad)
        {
            return;
        }

        Assert.NotEqual(HelloMessage.TryRead(input, out var hello).IsError, hello is not null);
        Assert.NotEqual(AcknowledgeMessage.TryRead(input, out var acknowledge).IsError, acknowledge is not null);
        Assert.NotEqual(ErrorMessage.TryRead(input, out var error).IsError, error is not null);
    }

    /// <summary>The input is a list of chunks: a byte that says whose and what kind, a byte with the length, the body.</summary>
    private static void Assemble(byte[] input)
    {
        using var assembler = new MessageAssembler(MessageBytesMax, chunkCountMax: 8);
        for (var at = 0; at + 2 <= input.Length;)
        {
            var kind = (input[at] % 3) switch { 0 => ChunkKind.Intermediate, 1 => ChunkKind.Final, _ => ChunkKind.Abort };
            var length = Math.Min(input[at + 1], input.Length - at - 2);
            var assembly = assembler.Add((uint)(input[at] >> 3), kind, input.AsMemory(at + 2, length));
            Assert.InRange(assembler.UnderWay, 0, MessageAssembler.MessagesUnderWayMax);
            if (assembly.Outcome == AssemblyOutcome.Failed)
            {
                return;
            }

            at += 2 + length;
        }
    }
}
