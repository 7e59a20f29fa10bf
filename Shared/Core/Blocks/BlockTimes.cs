using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Blocks;

/// <summary>Counts and the time range of a block's intact frames, by reading their events.</summary>
/// <param name="FrameCount">Frames, the trailer left out.</param>
/// <param name="EventCount">Events.</param>
/// <param name="MinTimeNs">The earliest event, nanoseconds since 1970; 0 without events.</param>
/// <param name="MaxTimeNs">The latest event, nanoseconds since 1970; 0 without events.</param>
internal readonly record struct BlockTimes(uint FrameCount, ulong EventCount, long MinTimeNs, long MaxTimeNs)
{
    public static StorageResult<BlockTimes> Read(IStorageFile file, long lengthBytes, ulong streamTag)
    {
        var opened = BlockScanner.Open(new PrefixFile(file, lengthBytes), new StreamId(streamTag, 0));
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        var (frames, events, min, max) = (0u, 0UL, long.MaxValue, long.MinValue);
        while (true)
        {
            var next = opened.Value.Next();
            if (!next.IsOk)
            {
                return next.Error;
            }

            if (next.Value.Kind == ScanKind.End)
            {
                return events == 0 ? new BlockTimes(frames, 0, 0, 0) : new BlockTimes(frames, events, min, max);
            }

            if (next.Value.Kind != ScanKind.Frame || next.Value.Header.Type == FrameType.Trailer)
            {
                continue;
            }

            frames++;
            events += next.Value.Header.EventCount;
            batch.Clear();

            // A frame whose checksum matches and whose events can't be read is the importer's to report: here it has no times.
            if (EventFrameReader.HoldsEvents(next.Value.Header.Type)
                && reader.Read(next.Value.Header, next.Value.Payload.Span, batch) is null)
            {
                foreach (var timeNs in batch.TimesNs)
                {
                    min = Math.Min(min, timeNs);
                    max = Math.Max(max, timeNs);
                }
            }
        }
    }
}
