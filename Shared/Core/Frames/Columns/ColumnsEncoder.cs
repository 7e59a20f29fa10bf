using System.IO.Compression;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>Events → the payload of a columns frame (docs/format.md, "Event columns"). The scratch space is reused. Not thread-safe.</summary>
internal sealed class ColumnsEncoder
{
    // A compressor has a head of its own.
    private const int MinCompressedBytes = 32;

    // What was measured (docs/adr/0009): more effort makes frames no smaller. In numbers the distribution of bytes is what there is to gain,
    // and matches from afar only spoil it.
    private const int Quality = 3;
    private const int NumberWindowBits = 10;
    private const int MaxTextWindowBits = 20;

    private readonly bool _compresses;

    private readonly ByteWriter[] _streams = [.. Enumerable.Range(0, ColumnStream.Count).Select(_ => new ByteWriter(256))];
    private readonly TimeColumnWriter _times;
    private readonly ValueColumnWriter _values;
    private readonly EventOrder _order = new();
    private readonly List<int> _items = [];
    private byte[] _compressed = [];
    private int[] _ends = new int[64];
    private int[] _source = [];
    private int[] _sorted = [];
    private int[] _places = [];
    private long[] _timesNs = [];
    private ulong[] _bits = [];
    private byte[] _kinds = [];

    /// <summary>An encoder.</summary>
    /// <param name="compresses">False leaves the streams as they are.</param>
    public ColumnsEncoder(bool compresses = true)
    {
        _compresses = compresses;
        _times = new TimeColumnWriter(_streams);
        _values = new ValueColumnWriter(_streams);
    }

    /// <summary>Writes a payload.</summary>
    /// <param name="batch">The events.</param>
    /// <param name="start">The first of them.</param>
    /// <param name="count">How many, at least one.</param>
    /// <param name="output">Gets the payload, at its end.</param>
    /// <returns>False when the events take more room than a frame may have; then the output has some of the payload.</returns>
    public bool TryWrite(EventBatch batch, int start, int count, ByteWriter output)
    {
        foreach (var stream in _streams)
        {
            stream.Clear();
        }

        var items = batch.Items.Slice(start, count);
        var maxCount = GroupBySeries(batch, start, count);
        WriteSeries(batch, start, count, maxCount);
        var source = _source.AsSpan(0, count);
        RunColumn.WriteStatuses(_streams[ColumnStream.Statuses], batch.Statuses.Slice(start, count), source);
        RunColumn.WriteQualities(_streams[ColumnStream.Qualities], batch.Qualities.Slice(start, count), source);
        RunColumn.WriteFlags(_streams[ColumnStream.Flags], batch.Flags.Slice(start, count), source);
        IdentityColumn.Write(_streams[ColumnStream.Identities], batch.Boots.Slice(start, count), batch.Counters.Slice(start, count));
        if (!IsCanonical(batch.TimesNs.Slice(start, count), items))
        {
            WriteOrder(count);
        }

        return TryStore(output);
    }

    private static bool IsCanonical(ReadOnlySpan<long> timesNs, ReadOnlySpan<int> items)
    {
        for (var i = 1; i < timesNs.Length; i++)
        {
            if (timesNs[i] <= timesNs[i - 1] && (timesNs[i] < timesNs[i - 1] || items[i] < items[i - 1]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Sorts the events by series, series by the numbers of their items, and returns how many events the longest series has.</summary>
    private int GroupBySeries(EventBatch batch, int start, int count)
    {
        Scratch.Reserve(ref _source, count);
        Scratch.Reserve(ref _timesNs, count);
        Scratch.Reserve(ref _bits, count);
        Scratch.Reserve(ref _kinds, count);
        var items = batch.Items.Slice(start, count);
        var known = batch.Oids.Count;
        if (_ends.Length < known)
        {
            _ends = new int[Math.Max(known, _ends.Length * 2)];
        }

        var ends = _ends.AsSpan(0, known);
        _items.Clear();
        foreach (var item in items)
        {
            if (ends[item]++ == 0)
            {
                _items.Add(item);
            }
        }

        _items.Sort();
        var (total, max) = (0, 0);
        foreach (var item in _items)
        {
            var size = ends[item];
            max = Math.Max(max, size);
            ends[item] = total;
            total += size;
        }

        var times = batch.TimesNs.Slice(start, count);
        var bits = batch.Bits.Slice(start, count);
        var kinds = batch.Kinds.Slice(start, count);
        for (var i = 0; i < items.Length; i++)
        {
            var place = ends[items[i]]++;
            _source[place] = i;
            _timesNs[place] = times[i];
            _bits[place] = bits[i];
            _kinds[place] = kinds[i];
        }

        return max;
    }

    private void WriteSeries(EventBatch batch, int start, int count, int maxCount)
    {
        _times.Begin(maxCount);
        _values.Begin(maxCount);
        var references = batch.References.Slice(start, count);
        ReadOnlySpan<byte> previousName = default;
        ReadOnlySpan<long> previousTimes = default;
        var first = 0;
        foreach (var item in _items)
        {
            var end = _ends[item];
            _ends[item] = 0;
            var size = end - first;
            var name = batch.Oids[item].Utf8Text;
            WriteName(name, previousName);
            previousName = name;
            _streams[ColumnStream.Counts].WriteVarint((ulong)size - 1);
            var times = _timesNs.AsSpan(first, size);
            _times.Write(times, previousTimes);
            previousTimes = times;
            WriteValues(references, first, size);
            first = end;
        }

        _times.End();
    }

    private void WriteName(ReadOnlySpan<byte> name, ReadOnlySpan<byte> previous)
    {
        var shared = name.CommonPrefixLength(previous);
        _streams[ColumnStream.NameLengths].WriteVarint((ulong)shared);
        _streams[ColumnStream.NameLengths].WriteVarint((ulong)(name.Length - shared));
        _streams[ColumnStream.Names].WriteBytes(name[shared..]);
    }

    private void WriteValues(ReadOnlySpan<object?> references, int first, int size)
    {
        var kinds = _kinds.AsSpan(first, size);
        var run = RunOf(kinds);
        if (run == size)
        {
            _streams[ColumnStream.Kinds].WriteByte(kinds[0]);
            WriteSegment(references, (ValueKind)kinds[0], first, size);
            return;
        }

        _streams[ColumnStream.Kinds].WriteByte(ColumnStream.SeveralKinds);
        while (kinds.Length > 0)
        {
            run = RunOf(kinds);
            _streams[ColumnStream.KindRuns].WriteVarint((ulong)run);
            _streams[ColumnStream.KindRuns].WriteByte(kinds[0]);
            WriteSegment(references, (ValueKind)kinds[0], first, run);
            kinds = kinds[run..];
            first += run;
        }
    }

    private static int RunOf(ReadOnlySpan<byte> kinds)
    {
        var run = kinds.IndexOfAnyExcept(kinds[0]);
        return run < 0 ? kinds.Length : run;
    }

    private void WriteSegment(ReadOnlySpan<object?> references, ValueKind kind, int first, int count)
    {
        if (kind == ValueKind.Null)
        {
            return;
        }

        if (TelemetryValue.IsScalar(kind))
        {
            _values.WriteScalars(kind, _bits.AsSpan(first, count));
        }
        else
        {
            _values.WriteObjects(kind, references, _source.AsSpan(first, count));
        }
    }

    private void WriteOrder(int count)
    {
        // Where each event, in order of arrival, stands in the canonical order.
        Scratch.Reserve(ref _sorted, count);
        Scratch.Reserve(ref _places, count);
        var sorted = _sorted.AsSpan(0, count);
        _order.Sort(_timesNs.AsSpan(0, count), _times.UnitNs, sorted);
        for (var i = 0; i < sorted.Length; i++)
        {
            _places[_source[sorted[i]]] = i;
        }

        var output = _streams[ColumnStream.Order];
        var expected = 0;
        foreach (var place in _places.AsSpan(0, count))
        {
            output.WriteZigzag(place - expected);
            expected = place + 1;
        }
    }

    private bool TryStore(ByteWriter output)
    {
        var start = output.Length;
        output.WriteByte(ColumnStream.Version);
        output.WriteVarint((ulong)_items.Count);
        var (present, raw) = (0, 0L);
        foreach (var stream in _streams)
        {
            present += stream.Length > 0 ? 1 : 0;
            raw += stream.Length;
        }

        if (raw > ColumnStream.MaxRawBytes || _values.ObjectBytes > ColumnStream.MaxRawBytes)
        {
            return false;
        }

        output.WriteByte((byte)present);
        var used = 0;
        Span<int> stored = stackalloc int[ColumnStream.Count];
        for (var i = 0; i < _streams.Length; i++)
        {
            var bytes = _streams[i].Written;
            if (bytes.Length > 0)
            {
                stored[i] = Compress(i, ref used);
                output.WriteByte((byte)(i | (stored[i] > 0 ? StreamCompression.Brotli << 6 : 0)));
                output.WriteVarint((ulong)bytes.Length);
                if (stored[i] > 0)
                {
                    output.WriteVarint((ulong)stored[i]);
                }
            }
        }

        used = 0;
        for (var i = 0; i < _streams.Length; i++)
        {
            output.WriteBytes(stored[i] > 0 ? _compressed.AsSpan(used, stored[i]) : _streams[i].Written);
            used += stored[i];
        }

        return output.Length - start <= FrameHeader.MaxFrameBytes - FrameHeader.SizeBytes;
    }

    /// <summary>Compresses a stream behind those compressed before; 0 where that makes it no smaller.</summary>
    private int Compress(int stream, ref int used)
    {
        var bytes = _streams[stream].Written;
        if (!_compresses || bytes.Length < MinCompressedBytes)
        {
            return 0;
        }

        if (_compressed.Length < used + bytes.Length)
        {
            Array.Resize(ref _compressed, Math.Max(used + bytes.Length, _compressed.Length * 2));
        }

        // A length varint more is what it has to save.
        var target = _compressed.AsSpan(used, bytes.Length - 4);
        var windowBits = ColumnStream.IsText(stream)
            ? Math.Clamp(Numbers.Bits((ulong)bytes.Length), NumberWindowBits, MaxTextWindowBits)
            : NumberWindowBits;
        if (!BrotliEncoder.TryCompress(bytes, target, out var written, Quality, windowBits))
        {
            return 0;
        }

        used += written;
        return written;
    }
}
