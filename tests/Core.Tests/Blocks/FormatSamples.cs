using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Blocks;

/// <summary>The worked examples of docs/format.md and the golden files, made by the code.</summary>
internal static class FormatSamples
{
    public static readonly StreamId Stream = StreamId.Read(Convert.FromHexString("000102030405060708090a0b0c0d0e0f"));

    public static readonly BlockHeader Header = new(Stream, 3, 100, 1_700_000_000_000_000_000, "edge1", "centre");

    /// <summary>Name in the page → bytes.</summary>
    public static IReadOnlyDictionary<string, byte[]> Page { get; } = new Dictionary<string, byte[]>
    {
        ["block-header"] = Header.ToBytes(),
        ["event-rows"] = EventRows(100, 2),
        ["loss"] = Loss(),
        ["source-position"] = Position(),
        ["trailer"] = TrailerOf([.. Header.ToBytes(), .. EventRows(100, 2)], 1, 2, 100),
    };

    /// <summary>File name → bytes.</summary>
    public static IReadOnlyDictionary<string, byte[]> Golden { get; } = MakeGolden();

    public static EventBatch Events(int count)
    {
        var batch = new EventBatch(new OidTable());
        var oid = Oid.Parse("sensor:a/t");
        batch.Add(new TelemetryEvent(oid, 1_700_000_000_000_000_000, 1, 0, TelemetryValue.From(20.5), new Ieid(7, 42)));
        batch.Add(new TelemetryEvent(
            Oid.Parse("unit:b"), 1_700_000_000_001_000_000, -1, 0x8001_0000, TelemetryValue.Integer(ValueKind.Int16, -2), new Ieid(7, 43)));
        for (var i = 2; i < count; i++)
        {
            batch.Add(new TelemetryEvent(oid, 1_700_000_000_000_000_000 + i * 1_000_000L, 1, 0, TelemetryValue.From(i), new Ieid(7, 42 + (ulong)i)));
        }

        return batch;
    }

    private static byte[] EventRows(ulong firstSequence, int count, ushort commit = 1)
    {
        var builder = new EventFrameBuilder();
        var batch = Events(count);
        for (var i = 0; i < batch.Count; i++)
        {
            builder.Append(batch, i);
        }

        var output = new ByteWriter();
        builder.Finish(output, Stream.High, firstSequence, commit);
        FrameHeader.MarkCommitEnd(output.Patch(0, FrameHeader.SizeBytes));
        return output.Written.ToArray();
    }

    private static byte[] Loss()
    {
        var output = new ByteWriter();
        new LossRecord(LossReason.Expired, 90, 99, 10, true, 1_000, 2_000, 3_000, "mbb_1", "too old").AppendFrame(output, Stream.High, 100, 1);
        return output.Written.ToArray();
    }

    private static byte[] Position()
    {
        var output = new ByteWriter();
        new SourcePosition("plc", 0x1122_3344_5566_7788, 9).AppendFrame(output, Stream.High, 100, 1);
        return output.Written.ToArray();
    }

    private static byte[] TrailerOf(byte[] content, uint frames, ulong events, ulong first)
    {
        var hash = new BlockHash(System.Security.Cryptography.SHA256.HashData(content));
        var output = new ByteWriter();
        new BlockTrailer(frames, events, first, first + events, 1_700_000_000_000_000_000, 1_700_000_000_001_000_000, hash)
            .AppendFrame(output, Stream.High);
        return output.Written.ToArray();
    }

    private static Dictionary<string, byte[]> MakeGolden()
    {
        var header = Header.ToBytes();
        var frames = Enumerable.Range(0, 4).Select(i => EventRows(100 + (ulong)i * 3, 3, (ushort)(i + 1))).ToArray();
        byte[] content = [.. header, .. frames.SelectMany(f => f)];
        var trailer = TrailerOf(content, 4, 12, 100);
        byte[] ok = [.. content, .. trailer];
        var second = header.Length + frames[0].Length;
        return new Dictionary<string, byte[]>
        {
            ["ok.block"] = ok,
            ["empty.block"] = [],
            ["header-only.block"] = header,
            ["never-sealed.block"] = content,
            ["torn-tail.block"] = ok[..(second + frames[1].Length + 50)],
            ["bad-payload.block"] = Flip(ok, second + FrameHeader.SizeBytes + 5),
            ["bad-frame-header.block"] = Flip(ok, second + 20),
            ["bad-block-header.block"] = Flip(ok, 20),
            ["bad-trailer.block"] = Flip(ok, ok.Length - 10),
            ["zero-tail.block"] = [.. content, .. new byte[512]],
            ["later-format.block"] = LaterFormat(ok, header.Length),
            ["unknown-frame.block"] = UnknownFrame(header, frames),
        };
    }

    private static byte[] Flip(byte[] bytes, int offset)
    {
        var changed = (byte[])bytes.Clone();
        changed[offset] ^= 0xFF;
        return changed;
    }

    private static byte[] LaterFormat(byte[] bytes, int headerLength)
    {
        var changed = (byte[])bytes.Clone();
        changed[8] = 2;
        changed[10] = 2;
        BitConverter.GetBytes(Crc32C.Compute(changed.AsSpan(0, headerLength - 4))).CopyTo(changed, headerLength - 4);
        return changed;
    }

    private static byte[] UnknownFrame(byte[] header, byte[][] frames)
    {
        var unknown = new ByteWriter();
        FrameHeader.Append(unknown, (FrameType)99, 0, Stream.High, 103, [1, 2, 3], 2);
        byte[] content = [.. header, .. frames[0], .. unknown.Written, .. frames[1]];
        return [.. content, .. TrailerOf(content, 3, 6, 100)];
    }
}
