using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Simulation.Checks;

/// <summary>What can be read in a block file: the numbers of its readings with their sequence numbers, and its entries of the loss ledger.</summary>
internal sealed class BlockContent
{
    public List<(StreamId Stream, ulong Sequence, int Number)> Readings { get; } = [];

    public List<(StreamId Stream, LossRecord Record)> Losses { get; } = [];

    /// <summary>
    /// The sequence number behind the last commit whose end is intact. 0 without any, and where header and all but one commit are gone: that looks
    /// like a first commit that was cut short.
    /// </summary>
    public ulong WholeUntil { get; private set; }

    /// <summary>Reads whatever is intact.</summary>
    public static BlockContent Read(byte[] bytes)
    {
        var content = new BlockContent();
        // A tail that was kept aside begins with a frame; behind something that is no header the scanner finds it.
        using var file = new MemoryFile("checked", FrameHeader.TryRead(bytes, out _) ? [0, .. bytes] : bytes);
        var scanner = BlockScanner.Open(file).Value;
        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        var commits = new HashSet<ushort>();
        while (scanner.Next().Value is { Kind: not ScanKind.End } item)
        {
            if (item.Kind != ScanKind.Frame)
            {
                continue;
            }

            commits.Add(item.Header.Commit);
            if (item.Header.IsCommitEnd)
            {
                content.WholeUntil = item.Header.NextSequence;
            }

            var stream = scanner.Header?.Stream ?? new StreamId(item.Header.StreamTag, 0);
            if (EventFrameReader.HoldsEvents(item.Header.Type))
            {
                batch.Clear();
                if (reader.Read(item.Header, item.Payload.Span, batch) is null)
                {
                    for (var i = 0; i < batch.Count; i++)
                    {
                        content.Readings.Add((stream, item.Header.FirstSequence + (ulong)i, Truth.NumberIn(batch[i].Value)));
                    }
                }
            }
            else if (item.Header.Type == FrameType.Loss && LossRecord.TryRead(item.Payload.Span, out var loss) is null)
            {
                content.Losses.Add((stream, loss!));
            }
        }

        if (scanner.Header is null && commits.Count < 2)
        {
            content.WholeUntil = 0;
        }

        return content;
    }
}
