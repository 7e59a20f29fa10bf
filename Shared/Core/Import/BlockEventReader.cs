using System.Security.Cryptography;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>
/// Reads a block's intact frames as parts of bounded size, front to back: events with their sequence numbers, and loss records. A frame
/// whose events can't be read is noted and left out as a whole. There is always at least one part, and the last one says so. Not
/// thread-safe.
/// </summary>
internal sealed class BlockEventReader
{
    /// <summary>The most damages that are listed.</summary>
    public const int MaxListed = 1000;

    private const int MaxLosses = 4096;
    private const int MaxPayloadBytes = 8 * 1024 * 1024;

    private readonly BlockScanner _scanner;
    private readonly EventFrameReader _frames = new();
    private readonly int _maxEvents;
    private readonly long _endOffset;
    private readonly List<SequenceRun> _batchRuns = [];
    private readonly List<SequenceRun> _runs = [];
    private readonly List<LossEntry> _losses = [];
    private readonly List<BlockDamage> _unreadable = [];
    private readonly Dictionary<string, int> _occurrences = new(StringComparer.Ordinal);
    private ulong _lossesAt;
    private ScanItem? _held;
    private bool _isAtEnd;

    private BlockEventReader(BlockScanner scanner, EventBatch events, int maxEvents, long endOffset)
    {
        _scanner = scanner;
        Events = events;
        _maxEvents = maxEvents;
        _endOffset = endOffset;
    }

    /// <summary>Holds the part's events.</summary>
    public EventBatch Events { get; }

    /// <summary>The part's first event.</summary>
    public int Start { get; private set; }

    /// <summary>How many events the part has.</summary>
    public int Count { get; private set; }

    /// <summary>The part's sequence numbers.</summary>
    public IReadOnlyList<SequenceRun> Runs => _runs;

    /// <summary>The part's loss records.</summary>
    public IReadOnlyList<LossEntry> Losses => _losses;

    /// <summary>True for the last part.</summary>
    public bool IsLast { get; private set; }

    /// <summary>Frames that are intact and can't be read, so far.</summary>
    public IReadOnlyList<BlockDamage> Unreadable => _unreadable;

    /// <summary>Opens a block.</summary>
    /// <param name="file">The file; stays the caller's to close.</param>
    /// <param name="stream">The stream it belongs to.</param>
    /// <param name="events">Where events go; it is cleared now and for each part.</param>
    /// <param name="maxEvents">The most events in a part.</param>
    /// <param name="endOffset">
    /// Where to end: at the torn tail of a block that was never sealed. Even whole frames in it were never accepted, and their sequence
    /// numbers may be given again, to other events.
    /// </param>
    public static StorageResult<BlockEventReader> Open(IStorageFile file, StreamId stream, EventBatch events, int maxEvents, long endOffset)
    {
        events.Clear();
        var scanner = BlockScanner.Open(file, stream);
        return scanner.IsOk ? new BlockEventReader(scanner.Value, events, maxEvents, endOffset) : scanner.Error;
    }

    /// <summary>Goes to the next part. Not to be called after the last one.</summary>
    public StorageResult Next()
    {
        _losses.Clear();
        var start = Start + Count;
        if (start == Events.Count)
        {
            start = 0;
            Events.Clear();
            _batchRuns.Clear();
            var filled = Fill();
            if (!filled.IsOk)
            {
                return filled;
            }
        }

        // A single frame may hold more events than a part: then it takes several parts.
        Start = start;
        Count = Math.Min(_maxEvents, Events.Count - start);
        IsLast = _isAtEnd && Start + Count == Events.Count;
        SliceRuns();
        return StorageResult.Ok;
    }

    private void SliceRuns()
    {
        _runs.Clear();
        foreach (var run in _batchRuns)
        {
            var from = Math.Max(run.Start, Start);
            var to = Math.Min(run.Start + run.Count, Start + Count);
            if (from < to)
            {
                _runs.Add(new SequenceRun(from, to - from, run.FirstSequence + (ulong)(from - run.Start)));
            }
        }
    }

    private StorageResult Fill()
    {
        var payloadBytes = 0L;
        while (!_isAtEnd && Events.Count < _maxEvents && payloadBytes < MaxPayloadBytes && _losses.Count < MaxLosses)
        {
            var next = _held is { } held ? held : _scanner.Next();
            _held = null;
            if (!next.IsOk)
            {
                return next.Error;
            }

            var item = next.Value;
            if (item.Kind == ScanKind.Frame && Events.Count > 0 && Events.Count + item.Header.EventCount > _maxEvents)
            {
                _held = item;
                return StorageResult.Ok;
            }

            _isAtEnd = item.Kind == ScanKind.End || item.Offset >= _endOffset;
            payloadBytes += item.LengthBytes;
            if (item.Kind == ScanKind.Frame && !_isAtEnd)
            {
                TakeFrame(item);
            }
        }

        return StorageResult.Ok;
    }

    private void TakeFrame(in ScanItem item)
    {
        if (item.Header.Type == FrameType.Loss)
        {
            TakeLoss(item);
            return;
        }

        var error = item.Header.Type switch
        {
            FrameType.EventRows or FrameType.EventColumns => TakeEvents(item),
            FrameType.SourcePosition or FrameType.Trailer => null,
            _ when item.Header.EventCount == 0 => null,
            _ => $"frame type {(byte)item.Header.Type} with {item.Header.EventCount} events is not known to this version",
        };
        if (error is not null && _unreadable.Count < MaxListed)
        {
            _unreadable.Add(new BlockDamage(item.Offset, item.LengthBytes, error));
        }
    }

    private string? TakeEvents(in ScanItem item)
    {
        var before = Events.Count;
        var error = _frames.Read(item.Header, item.Payload.Span, Events);
        if (error is not null)
        {
            Events.Truncate(before);
            return $"the events of an intact frame can't be read: {error}";
        }

        if (Events.Count > before)
        {
            _batchRuns.Add(new SequenceRun(before, Events.Count - before, item.Header.FirstSequence));
        }

        return null;
    }

    private void TakeLoss(in ScanItem item)
    {
        if (LossRecord.TryRead(item.Payload.Span, out var record) is not null)
        {
            // The block's report lists it among the damages already.
            return;
        }

        // Equal records at one place of the stream are numbered, so that they stay apart and a replay does not add to them.
        if (item.Header.FirstSequence != _lossesAt || _occurrences.Count >= MaxLosses)
        {
            _occurrences.Clear();
            _lossesAt = item.Header.FirstSequence;
        }

        var key = Convert.ToHexString(SHA256.HashData(item.Payload.Span));
        var occurrence = _occurrences.GetValueOrDefault(key);
        _occurrences[key] = occurrence + 1;
        _losses.Add(new LossEntry(LossOrigin.Source, item.Header.FirstSequence, occurrence, record!));
    }
}
