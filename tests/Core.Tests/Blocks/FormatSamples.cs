using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Frames.Columns;
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
        ["event-columns"] = EventColumns(100, ColumnEvents()),
        ["loss"] = Loss(),
        ["source-position"] = Position(),
        ["trailer"] = TrailerOf([.. Header.ToBytes(), .. EventRows(100, 2)], 1, 2, 100),
    };

    /// <summary>File of version 1 → bytes.</summary>
    public static IReadOnlyDictionary<string, byte[]> Golden { get; } = MakeGolden();

    /// <summary>
    /// File of version 2 → bytes. Their columns are not compressed: a compressor may choose other bytes tomorrow, and does not have to be asked.
    /// </summary>
    public static IReadOnlyDictionary<string, byte[]> GoldenColumns { get; } = MakeGoldenColumns();

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

    /// <summary>Five events of two series: a float every 100 ms with a jitter of a millisecond, and a valve that closes with an error.</summary>
    public static EventBatch ColumnEvents()
    {
        const long Start = 1_700_000_000_000_000_000;
        var batch = new EventBatch(new OidTable());
        var (sensor, unit) = (Oid.Parse("sensor:a/t"), Oid.Parse("sensor:a/valve"));
        batch.Add(new TelemetryEvent(sensor, Start, 1, 0, TelemetryValue.From(20.5), new Ieid(7, 42)));
        batch.Add(new TelemetryEvent(unit, Start, 1, 0, TelemetryValue.From(true), new Ieid(7, 43)));
        batch.Add(new TelemetryEvent(sensor, Start + 101_000_000, 1, 0, TelemetryValue.From(20.75), new Ieid(7, 44)));
        batch.Add(new TelemetryEvent(unit, Start + 102_000_000, -1, 0x8001_0000, TelemetryValue.From(false), new Ieid(7, 45)));
        batch.Add(new TelemetryEvent(sensor, Start + 199_000_000, 1, 0, TelemetryValue.From(20.5), new Ieid(7, 47)));
        return batch;
    }

    /// <summary>Events of every kind, in an order that no sort gives: what a frame of the golden files holds beside plain ones.</summary>
    public static EventBatch OddEvents() => EventSamples.Batch();

    private static byte[] EventColumns(ulong firstSequence, EventBatch events, ushort commit = 1)
    {
        var payload = new ByteWriter();
        _ = new ColumnsEncoder(compresses: false).TryWrite(events, 0, events.Count, payload);
        var output = new ByteWriter();
        FrameHeader.Append(output, FrameType.EventColumns, (uint)events.Count, Stream.High, firstSequence, payload.Written, commit);
        FrameHeader.MarkCommitEnd(output.Patch(0, FrameHeader.SizeBytes));
        return output.Written.ToArray();
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
            ["later-format.block"] = LaterFormat(ok, header.Length, 2),
            ["unknown-frame.block"] = UnknownFrame(header, frames),
        };
    }

    private static Dictionary<string, byte[]> MakeGoldenColumns()
    {
        var header = (Header with { NeededVersion = BlockHeader.ColumnsVersion }).ToBytes();
        var odd = OddEvents();
        byte[][] frames =
        [
            EventColumns(100, ColumnEvents()), EventRows(105, 3, 2), EventColumns(108, odd, 3), EventColumns(108 + (ulong)odd.Count, ColumnEvents(), 4),
        ];
        byte[] content = [.. header, .. frames.SelectMany(f => f)];
        byte[] ok = [.. content, .. TrailerOf(content, 4, 13 + (ulong)odd.Count, 100)];
        var third = header.Length + frames[0].Length + frames[1].Length;
        return new Dictionary<string, byte[]>
        {
            ["ok.block"] = ok,
            ["never-sealed.block"] = content,
            ["torn-tail.block"] = ok[..(third + frames[2].Length + 50)],
            ["bad-payload.block"] = Flip(ok, third + FrameHeader.SizeBytes + 200),
            ["bad-frame-header.block"] = Flip(ok, third + 20),
            ["bad-block-header.block"] = Flip(ok, 20),
            ["bad-columns.block"] = BadColumns(header, frames),
            ["later-format.block"] = LaterFormat(ok, header.Length, 3),
        };
    }

    /// <summary>A frame whose checksums are right and whose columns are not: one event more is announced than they hold.</summary>
    private static byte[] BadColumns(byte[] header, byte[][] frames)
    {
        var bad = new ByteWriter();
        FrameHeader.Append(bad, FrameType.EventColumns, 6, Stream.High, 105, frames[0].AsSpan(FrameHeader.SizeBytes), 2);
        FrameHeader.MarkCommitEnd(bad.Patch(0, FrameHeader.SizeBytes));
        byte[] content = [.. header, .. frames[0], .. bad.Written];
        return [.. content, .. TrailerOf(content, 2, 11, 100)];
    }

    private static byte[] Flip(byte[] bytes, int offset)
    {
        var changed = (byte[])bytes.Clone();
        changed[offset] ^= 0xFF;
        return changed;
    }

    private static byte[] LaterFormat(byte[] bytes, int headerLength, byte version)
    {
        var changed = (byte[])bytes.Clone();
        changed[8] = version;
        changed[10] = version;
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
