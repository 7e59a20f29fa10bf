using System.Buffers.Binary;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Import;

/// <summary>
/// Composes block files from their parts, right or wrong in any way a test wants. A block here is a list of frames; sequence numbers
/// follow on from frame to frame unless a test leaves a hole.
/// </summary>
internal sealed class BlockFiles
{
    public static readonly StreamId Stream = new(0xABCD_0000_0000_0001, 0x1234);

    private readonly ByteWriter _bytes = new();
    private readonly StreamId _stream;
    private uint _frames;
    private ulong _events;

    public BlockFiles(ulong index = 1, ulong firstSequence = 1, string node = "edge1", string mailbox = "centre", StreamId? stream = null)
    {
        _stream = stream ?? Stream;
        Header = new BlockHeader(_stream, index, firstSequence, 1_700_000_000_000_000_000, node, mailbox);
        _bytes.WriteBytes(Header.ToBytes());
        NextSequence = firstSequence;
    }

    public BlockHeader Header { get; }

    public ulong NextSequence { get; private set; }

    /// <summary>Where each frame begins.</summary>
    public List<int> Offsets { get; } = [];

    public BlockHash Hash { get; private set; } = new(new byte[32]);

    /// <summary>A sealed block with frames of ten events each, counted from the first sequence number.</summary>
    public static BlockFiles Simple(ulong index = 1, ulong firstSequence = 1, int frames = 3, string node = "edge1", string mailbox = "centre", StreamId? stream = null)
    {
        var block = new BlockFiles(index, firstSequence, node, mailbox, stream);
        for (var i = 0; i < frames; i++)
        {
            block.Events(10);
        }

        return block;
    }

    /// <summary>The event that goes with a sequence number in every block that is made here.</summary>
    public static TelemetryEvent EventAt(ulong sequence) => new(
        Oid.Parse($"sensor:plant/s{sequence % 7}"),
        1_700_000_000_000_000_000 + ((long)sequence * 1_000_000),
        1,
        0,
        sequence % 3 == 0 ? TelemetryValue.From($"text {sequence}") : TelemetryValue.From(sequence * 0.5),
        new Ieid(3, sequence));

    public BlockFiles Events(int count) => Frame(Enumerable.Range(0, count).Select(i => EventAt(NextSequence + (ulong)i)).ToArray());

    public BlockFiles Frame(params TelemetryEvent[] events)
    {
        var batch = new EventBatch(new OidTable(), Math.Max(1, events.Length));
        var builder = new EventFrameBuilder();
        foreach (var e in events)
        {
            batch.Add(e);
            builder.Append(batch, batch.Count - 1);
        }

        Begin((uint)events.Length);
        builder.Finish(_bytes, _stream.High, NextSequence);
        EndCommit();
        NextSequence += (ulong)events.Length;
        return this;
    }

    public BlockFiles Skip(ulong count)
    {
        NextSequence += count;
        return this;
    }

    public BlockFiles Loss(LossReason reason, ulong first, ulong last, ulong? count = null)
    {
        Begin(0);
        new LossRecord(reason, first, last, count ?? (last - first + 1), IsExact: true, 0, 0, 7, "opcua", "a test").AppendFrame(_bytes, _stream.High, NextSequence);
        EndCommit();
        return this;
    }

    public BlockFiles Position()
    {
        Begin(0);
        new SourcePosition("opcua", 1, 2).AppendFrame(_bytes, _stream.High, NextSequence);
        EndCommit();
        return this;
    }

    /// <summary>A frame of any type with any payload, its checksums right.</summary>
    public BlockFiles Raw(byte type, uint events, ReadOnlySpan<byte> payload)
    {
        Begin(events);
        FrameHeader.Append(_bytes, (FrameType)type, events, _stream.High, NextSequence, payload);
        EndCommit();
        NextSequence += events;
        return this;
    }

    public BlockFiles Seal(uint? frames = null, ulong? events = null)
    {
        Hash = new BlockHash(System.Security.Cryptography.SHA256.HashData(_bytes.Written));
        new BlockTrailer(frames ?? _frames, events ?? _events, Header.FirstSequence, NextSequence, 0, 0, Hash).AppendFrame(_bytes, _stream.High);
        return this;
    }

    public byte[] ToArray() => _bytes.Written.ToArray();

    public string WriteTo(params string[] path)
    {
        var file = Path.Combine(path);
        File.WriteAllBytes(file, ToArray());
        return file;
    }

    /// <summary>Takes the last frame's mark of a commit's end away: the commit was cut short.</summary>
    public BlockFiles TearLastCommit()
    {
        MarkCommit(_bytes.Patch(Offsets[^1], FrameHeader.SizeBytes), isEnd: false, (ushort)_frames);
        return this;
    }

    /// <summary>Each frame is a commit of its own.</summary>
    private void EndCommit() => MarkCommit(_bytes.Patch(Offsets[^1], FrameHeader.SizeBytes), isEnd: true, (ushort)_frames);

    private static void MarkCommit(Span<byte> header, bool isEnd, ushort commit)
    {
        header[9] = isEnd ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(header[10..], commit);
        BinaryPrimitives.WriteUInt32LittleEndian(header[36..], Crc32C.Compute(header[..36]));
    }

    private void Begin(uint events)
    {
        Offsets.Add(_bytes.Length);
        _frames++;
        _events += events;
    }
}
