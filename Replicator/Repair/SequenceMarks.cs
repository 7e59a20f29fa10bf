using System.Text.Json;
using System.Text.Json.Serialization;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;

namespace ZfRepl.Replicator.Repair;

/// <summary>
/// Which times the latest blocks of each stream had: a hole in the sequence numbers becomes a range of time by its neighbours. Kept in
/// a file that may be a little behind or be lost; then a hole's range is wider, or not known. Thread-safe.
/// </summary>
internal sealed class SequenceMarks : IEventSink
{
    private const string FileName = "marks";
    private const int MaxMarks = 256;
    private const int MaxStreams = 1000;
    private const int MaxBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(60);

    private static readonly JsonSerializerOptions Json = new() { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    private readonly Lock _gate = new();
    private readonly IStorage _storage;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, List<Mark>> _streams;
    private (BlockKey Block, Mark Mark)? _current;
    private long? _savedAt;
    private volatile string? _trouble;

    private SequenceMarks(IStorage storage, string path, TimeProvider time, Dictionary<string, List<Mark>> streams)
    {
        (_storage, _path, _time, _streams) = (storage, path, time, streams);
    }

    /// <inheritdoc/>
    public string Name => "times of sequence numbers";

    /// <summary>Why the file can't be written, or null.</summary>
    public string? Trouble => _trouble;

    /// <summary>Reads the marks of an earlier process. A damaged file is as good as lost, which is allowed: the next one is written over it.</summary>
    /// <param name="storage">The files.</param>
    /// <param name="folder">Where the file is; the folder is there.</param>
    /// <param name="time">The clock.</param>
    /// <returns>The marks, or why the file can't be read.</returns>
    public static StorageResult<SequenceMarks> Open(IStorage storage, string folder, TimeProvider time)
    {
        var path = Path.Combine(folder, FileName);
        var line = CheckedFile.Read(storage, path, MaxBytes, out _);
        return line.IsOk ? new SequenceMarks(storage, path, time, Read(line.Value)) : line.Error;
    }

    /// <summary>The range of time that missing sequence numbers can belong to; null when nothing is known on one of the sides.</summary>
    public TimeRange? RangeOf(StreamId stream, SequenceRange missing)
    {
        lock (_gate)
        {
            if (!_streams.TryGetValue(stream.ToString(), out var marks))
            {
                return null;
            }

            // Blocks may hold old events that were filled in: taking both neighbours whole is wide, and never too narrow.
            var before = marks.Where(m => m.Next <= missing.First).MaxBy(m => m.Next);
            var behind = marks.Where(m => m.First > missing.Last).MinBy(m => m.First);
            return before is null || behind is null
                ? null
                : new TimeRange(Math.Min(before.MinNs, behind.MinNs), Math.Max(before.MaxNs, behind.MaxNs));
        }
    }

    /// <inheritdoc/>
    public ValueTask<SinkError?> DeliverAsync(SinkBatch batch, CancellationToken cancellation)
    {
        lock (_gate)
        {
            // A block that broke off is served again from its beginning.
            var mark = _current is { } current && current.Block == batch.Block.Key ? current.Mark : null;
            foreach (var run in batch.Runs.Where(r => r.Count > 0))
            {
                var next = run.FirstSequence + (ulong)run.Count;
                mark ??= new Mark(run.FirstSequence, next, long.MaxValue, long.MinValue);
                var (minNs, maxNs) = (mark.MinNs, mark.MaxNs);
                foreach (var timeNs in batch.Events.TimesNs.Slice(run.Start, run.Count))
                {
                    (minNs, maxNs) = (Math.Min(minNs, timeNs), Math.Max(maxNs, timeNs));
                }

                mark = new Mark(Math.Min(mark.First, run.FirstSequence), Math.Max(mark.Next, next), minNs, maxNs);
            }

            _current = mark is null ? null : (batch.Block.Key, mark);
        }

        return ValueTask.FromResult<SinkError?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<SinkError?> CompleteAsync(SinkBlock block, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_current is { } current && current.Block == block.Key)
            {
                Enter(block.Key.Stream.ToString(), current.Mark);
            }

            _current = null;
            if (_savedAt is not { } at || _time.GetElapsedTime(at) >= SaveInterval)
            {
                _trouble = Write();
            }
        }

        return ValueTask.FromResult<SinkError?>(null);
    }

    /// <summary>Writes the file. That is not worth holding anything up: without it a hole's times are known less exactly.</summary>
    /// <returns>Null, or why it can't be written; <see cref="Trouble"/> says so too, until it can.</returns>
    public string? Save()
    {
        lock (_gate)
        {
            return _trouble = Write();
        }
    }

    private string? Write()
    {
        var written = CheckedFile.Write(_storage, _path, JsonSerializer.SerializeToUtf8Bytes(_streams, Json));
        _savedAt = _time.GetTimestamp();
        return written.IsOk ? null : $"the times of sequence numbers can't be noted: {written.Error}";
    }

    private void Enter(string stream, Mark mark)
    {
        if (!_streams.TryGetValue(stream, out var marks))
        {
            if (_streams.Count >= MaxStreams)
            {
                _streams.Remove(_streams.Keys.First());
            }

            _streams[stream] = marks = [];
        }

        marks.Add(mark);
        if (marks.Count > MaxMarks)
        {
            marks.RemoveAt(0);
        }
    }

    private static Dictionary<string, List<Mark>> Read(byte[]? json)
    {
        try
        {
            return json is not null
                && JsonSerializer.Deserialize<Dictionary<string, List<Mark?>?>>(json, Json) is { } streams
                && streams.Values.All(marks => marks is not null && !marks.Contains(null))
                ? streams.ToDictionary(s => s.Key, s => s.Value!.OfType<Mark>().ToList(), StringComparer.Ordinal)
                : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>A block, or what arrived of it.</summary>
    internal sealed record Mark(ulong First, ulong Next, long MinNs, long MaxNs);
}
