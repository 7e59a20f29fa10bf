using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>
/// Gathers events and writes them as one self-contained frame of rows (docs/format.md, "Event rows"): own dictionary of OIDs, times as
/// deltas, typed values. Reused frame after frame without allocation. Not thread-safe.
/// </summary>
public sealed class EventFrameBuilder
{
    private readonly ByteWriter _dictionary = new();
    private readonly ByteWriter _rows = new();
    private readonly ByteWriter _payload = new();
    private int[] _localByItem = new int[64];
    private int[] _generationByItem = new int[64];
    private int _generation = 1;
    private int _dictionaryCount;
    private OidTable? _oids;
    private long _previousTimeNs;
    private ulong _firstBoot;
    private ulong _boot;
    private ulong _firstCounter;
    private ulong _expectedCounter;

    /// <summary>The events gathered so far.</summary>
    public int Count { get; private set; }

    /// <summary>The size that the frame has now, in bytes, a few bytes too high at most.</summary>
    public int EstimatedBytes => FrameHeader.SizeBytes + 48 + _dictionary.Length + _rows.Length;

    /// <summary>The earliest time gathered, nanoseconds since 1970.</summary>
    public long MinTimeNs { get; private set; }

    /// <summary>The latest time gathered, nanoseconds since 1970.</summary>
    public long MaxTimeNs { get; private set; }

    /// <summary>Gathers one event. All events of a frame come from batches over one table.</summary>
    public void Append(EventBatch batch, int index)
    {
        if (Count == 0)
        {
            Begin(batch, index);
        }
        else if (!ReferenceEquals(_oids, batch.Oids))
        {
            throw new ArgumentException("The events of a frame share one table of OIDs.", nameof(batch));
        }

        var timeNs = batch.TimesNs[index];
        MinTimeNs = Math.Min(MinTimeNs, timeNs);
        MaxTimeNs = Math.Max(MaxTimeNs, timeNs);
        _rows.WriteVarint((ulong)LocalIndex(batch.Items[index]));
        _rows.WriteZigzag(unchecked(timeNs - _previousTimeNs));
        _previousTimeNs = timeNs;
        WriteTag(batch, index);
        ValueCodec.Write(_rows, (ValueKind)batch.Kinds[index], batch.Bits[index], batch.References[index]);
        Count++;
    }

    /// <summary>Writes the frame and starts the next one.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="streamTag">The first half of the stream id.</param>
    /// <param name="firstSequence">The sequence number of the first event gathered.</param>
    /// <param name="commit">The commit that the frame belongs to.</param>
    public void Finish(ByteWriter output, ulong streamTag, ulong firstSequence, ushort commit = 0)
    {
        _payload.Clear();
        _payload.WriteVarint(_firstBoot);
        _payload.WriteVarint(_firstCounter);
        _payload.WriteVarint((ulong)_dictionaryCount);
        _payload.WriteBytes(_dictionary.Written);
        _payload.WriteBytes(_rows.Written);
        FrameHeader.Append(output, FrameType.EventRows, (uint)Count, streamTag, firstSequence, _payload.Written, commit);
        Reset();
    }

    /// <summary>Forgets what was gathered.</summary>
    public void Reset()
    {
        _dictionary.Clear();
        _rows.Clear();
        _dictionaryCount = 0;
        Count = 0;
        if (++_generation == int.MaxValue)
        {
            _generation = 1;
            Array.Clear(_generationByItem);
        }
    }

    private void Begin(EventBatch batch, int index)
    {
        _oids = batch.Oids;
        _previousTimeNs = 0;
        _firstBoot = batch.Boots[index];
        _boot = _firstBoot;
        _firstCounter = batch.Counters[index];
        _expectedCounter = _firstCounter;
        MinTimeNs = long.MaxValue;
        MaxTimeNs = long.MinValue;
    }

    private int LocalIndex(int item)
    {
        if (item >= _localByItem.Length)
        {
            var size = Math.Max(item + 1, _localByItem.Length * 2);
            Array.Resize(ref _localByItem, size);
            Array.Resize(ref _generationByItem, size);
        }

        if (_generationByItem[item] != _generation)
        {
            _generationByItem[item] = _generation;
            _localByItem[item] = _dictionaryCount++;
            var text = _oids![item].Utf8Text;
            _dictionary.WriteVarint((ulong)text.Length);
            _dictionary.WriteBytes(text);
        }

        return _localByItem[item];
    }

    private void WriteTag(EventBatch batch, int index)
    {
        var status = batch.Statuses[index];
        var quality = batch.Qualities[index];
        var flags = batch.Flags[index];
        var boot = batch.Boots[index];
        var counter = batch.Counters[index];
        var extension = RowExtension.None
            | (status != 1 ? RowExtension.Status : 0)
            | (quality != 0 ? RowExtension.Quality : 0)
            | (flags != 0 ? RowExtension.Flags : 0)
            | (boot != _boot ? RowExtension.Boot : counter != _expectedCounter ? RowExtension.Counter : 0);
        var kind = batch.Kinds[index];
        if (extension == RowExtension.None)
        {
            _rows.WriteByte(kind);
        }
        else
        {
            _rows.WriteByte((byte)(kind | RowExtension.TagBit));
            _rows.WriteByte((byte)extension);
            WriteExtension(extension, status, quality, flags, boot, counter);
        }

        _boot = boot;
        _expectedCounter = unchecked(counter + 1);
    }

    private void WriteExtension(int extension, short status, uint quality, byte flags, ulong boot, ulong counter)
    {
        if ((extension & RowExtension.Status) != 0)
        {
            _rows.WriteZigzag(status);
        }

        if ((extension & RowExtension.Quality) != 0)
        {
            _rows.WriteUInt32(quality);
        }

        if ((extension & RowExtension.Flags) != 0)
        {
            _rows.WriteByte(flags);
        }

        if ((extension & RowExtension.Boot) != 0)
        {
            _rows.WriteVarint(boot);
            _rows.WriteVarint(counter);
        }
        else if ((extension & RowExtension.Counter) != 0)
        {
            _rows.WriteZigzag(unchecked((long)(counter - _expectedCounter)));
        }
    }
}
