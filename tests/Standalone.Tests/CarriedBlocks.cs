using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Standalone.Tests;

/// <summary>Block files of one node, as somebody would carry them: one stream, blocks in order, frames of a few events.</summary>
internal sealed class CarriedBlocks(string folder, string node = "edge1")
{
    private const int EventsPerFrame = 5;
    private static readonly OidTable Oids = new();

    private readonly StreamId _stream = StreamId.Create();
    private ulong _index = 1;
    private ulong _sequence = 1;

    /// <summary>How many events are in all blocks so far.</summary>
    public ulong Events => _sequence - 1;

    /// <summary>Writes the next block.</summary>
    /// <param name="frames">How many frames of five events.</param>
    /// <param name="seal">False for a block that was copied while it was being written.</param>
    /// <returns>The file.</returns>
    public string Write(int frames = 4, bool seal = true)
    {
        Directory.CreateDirectory(folder);
        var header = new BlockHeader(_stream, _index, _sequence, TimeOf(_sequence), node, "centre");
        using var block = BlockAppender.Create(DiskStorage.Instance, folder, new BlockName(1_700_000_000 + (long)_index), header).Value;
        _index++;
        for (ushort i = 0; i < frames; i++)
        {
            AppendFrame(block, i);
        }

        Assert.True(block.Sync().IsOk);
        if (!seal)
        {
            return block.OpenPath;
        }

        Assert.True(block.Seal().IsOk);
        return block.SealedPath;
    }

    /// <summary>Flips a byte in the middle of a file.</summary>
    public static void Damage(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(path, bytes);
    }

    private static long TimeOf(ulong sequence) => 1_700_000_000_000_000_000 + ((long)sequence * 100);

    private void AppendFrame(BlockAppender block, ushort commit)
    {
        var batch = new EventBatch(Oids, EventsPerFrame);
        var builder = new EventFrameBuilder();
        for (var i = 0; i < EventsPerFrame; i++)
        {
            var sequence = _sequence + (ulong)i;
            batch.Add(new TelemetryEvent(
                Oid.Parse($"sensor:plant/s{sequence % 3}"), TimeOf(sequence), 1, 0, TelemetryValue.From(sequence * 0.25), new Ieid(7, sequence)));
            builder.Append(batch, i);
        }

        var output = new ByteWriter();
        var (first, last) = (TimeOf(_sequence), TimeOf(_sequence + EventsPerFrame - 1));
        builder.Finish(output, _stream.High, _sequence, commit);
        FrameHeader.MarkCommitEnd(output.Patch(0, FrameHeader.SizeBytes));
        _sequence += EventsPerFrame;
        Assert.True(block.Append(output.Written, new FrameStats(1, EventsPerFrame, _sequence, first, last)).IsOk);
    }
}
