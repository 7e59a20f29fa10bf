using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Simulation.Checks;

namespace ZfRepl.Simulation;

/// <summary>Bytes of block files that go bad after they were synced: of mailboxes, and of inboxes.</summary>
/// <param name="loop">The trace.</param>
/// <param name="plan">Decides what goes bad.</param>
/// <param name="controls">Whether checksums are of any use.</param>
/// <param name="truth">Is told what can't be read any more.</param>
/// <param name="centres">The names of the centres.</param>
internal sealed class BitRot(SimLoop loop, Plan plan, Controls controls, Truth truth, IReadOnlyList<string> centres)
{
    private const int SectorBytes = 512;

    private readonly Random _random = new(unchecked(plan.Seed + 211));

    /// <summary>One place in a block file of an edge.</summary>
    public void Strike(Edge edge)
    {
        var storage = edge.Machine.Storage;
        var paths = storage.Paths().Where(p => IsBlock(Path.GetFileName(p)) && centres.Any(c => Path.GetDirectoryName(p) == Edge.FolderOf(c))).ToList();
        if (paths.Count == 0)
        {
            return;
        }

        var path = paths[_random.Next(paths.Count)];
        if (storage.Durable(path) is { Length: > 0 } durable && durable.ToArray() is var before && Strike(edge.Machine, path, before))
        {
            truth.Struck(edge.Number, centres.ToList().FindIndex(c => Path.GetDirectoryName(path) == Edge.FolderOf(c)), path, before, storage.Durable(path)!);
        }
    }

    /// <summary>One place in a block in the inbox of a centre.</summary>
    public void Strike(Centre centre)
    {
        var storage = centre.Machine.Storage;
        var paths = storage.Paths().Where(p => Path.GetDirectoryName(p) == Centre.InboxFolder && p.EndsWith(".block", StringComparison.Ordinal)).ToList();
        if (paths.Count > 0 && paths[_random.Next(paths.Count)] is var path && storage.Durable(path) is { Length: > 0 } before)
        {
            _ = Strike(centre.Machine, path, before);
        }
    }

    private bool IsBlock(string name) => BlockName.TryParse(name, out _) || (plan.HasOpenRot && BlockName.TryParseOpen(name, out _));

    private bool Strike(SimMachine machine, string path, byte[] before)
    {
        if (controls.IsOff(Control.FrameCheck))
        {
            return StrikeUnseen(machine, path, before);
        }

        var sector = _random.Next((before.Length + SectorBytes - 1) / SectorBytes) * SectorBytes;
        var offset = sector;
        var bytes = before.AsSpan(sector, Math.Min(SectorBytes, before.Length - sector)).ToArray();
        switch (_random.Next(4))
        {
            case 0:
                bytes.AsSpan().Clear();
                break;
            case 1:
                _random.NextBytes(bytes);
                break;
            default:
                offset = _random.Next(before.Length);
                bytes = [(byte)(before[offset] ^ (1 << _random.Next(8)))];
                break;
        }

        var hasStruck = machine.Storage.Rot(path, offset, bytes);
        loop.Trace($"{machine.Name}: {bytes.Length} bytes at {offset} of {path} {(hasStruck ? "go bad" : "are not on disk yet")}");
        return hasStruck;
    }

    /// <summary>The control: a byte of a frame of events goes bad, and its checksum and that of the block are right for it.</summary>
    private bool StrikeUnseen(SimMachine machine, string path, byte[] bytes)
    {
        using var file = new MemoryFile(path, bytes);
        var scanner = BlockScanner.Open(file).Value;
        var frames = new List<(int Offset, FrameHeader Header)>();
        int? trailer = null;
        while (scanner.Next().Value is { Kind: not ScanKind.End } item)
        {
            if (item.Kind == ScanKind.Frame && item.Header.Type == FrameType.Trailer)
            {
                trailer = (int)item.Offset;
            }
            else if (item.Kind == ScanKind.Frame && EventFrameReader.HoldsEvents(item.Header.Type))
            {
                frames.Add(((int)item.Offset, item.Header));
            }
        }

        if (frames.Count == 0)
        {
            return false;
        }

        var after = bytes.ToArray();
        var (offset, header) = frames[_random.Next(frames.Count)];
        var frame = after.AsSpan(offset, header.LengthBytes);
        var payload = frame[FrameHeader.SizeBytes..];
        payload[_random.Next(payload.Length)] ^= (byte)(1 << _random.Next(8));
        FrameHeader.Write(frame, header.Type, header.EventCount, header.StreamTag, header.FirstSequence, payload, header.Commit);
        if (header.IsCommitEnd)
        {
            FrameHeader.MarkCommitEnd(frame);
        }

        if (trailer is { } end && BlockTrailer.TryRead(after.AsSpan(end + FrameHeader.SizeBytes, BlockTrailer.FrameBytes - FrameHeader.SizeBytes), out var old) is null)
        {
            var sealing = new ByteWriter(BlockTrailer.FrameBytes);
            (old! with { Hash = new BlockHash(System.Security.Cryptography.SHA256.HashData(after.AsSpan(0, end))) }).AppendFrame(sealing, header.StreamTag);
            sealing.Written.CopyTo(after.AsSpan(end));
        }

        return machine.Storage.Rot(path, 0, after);
    }
}
