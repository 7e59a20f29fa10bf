using System.IO.Compression;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>
/// The payload of a columns frame → events, in order of arrival. The bytes may be hostile: counts and lengths are bounded before anything is
/// allocated. The scratch space is reused. Not thread-safe.
/// </summary>
internal sealed class ColumnsDecoder
{
    /// <summary>The most events in a frame.</summary>
    public const int MaxEvents = 65_536;

    private const int MaxKeptBytes = 2 * 1024 * 1024;

    private readonly StreamCursor[] _streams = new StreamCursor[ColumnStream.Count];
    private readonly TimeColumnReader _times = new();
    private readonly ValueColumnReader _values = new();
    private readonly EventOrder _order = new();
    private readonly byte[] _name = new byte[Oid.MaxTextBytes];
    private byte[] _raw = [];
    private int[] _sorted = [];
    private int[] _places = [];
    private long[] _timesNs = [];
    private ulong[] _bits = [];
    private byte[] _kinds = [];
    private int[] _items = [];
    private short[] _statuses = [];
    private uint[] _qualities = [];
    private byte[] _flags = [];
    private object?[] _references = [];
    private int _count;
    private bool _hasReferences;

    /// <summary>Appends the events of a frame to a batch; on failure nothing is appended.</summary>
    /// <param name="eventCount">How many events the frame's header announces.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="batch">Where to.</param>
    /// <returns>Null, or what is wrong.</returns>
    public string? Read(uint eventCount, ReadOnlySpan<byte> payload, EventBatch batch)
    {
        if (eventCount is 0 or > MaxEvents)
        {
            return $"a columns frame holds 1 to {MaxEvents} events, not {eventCount}";
        }

        var count = (int)eventCount;
        var error = Unpack(payload, count, out var seriesCount);
        if (error is not null)
        {
            return error;
        }

        Reserve(count);
        error = ReadSeries(batch.Oids, seriesCount, count);
        if (error is null)
        {
            var before = batch.Count;
            error = Deliver(batch, count);
            if (error is not null)
            {
                batch.Truncate(before);
            }
        }

        if (_hasReferences)
        {
            _references.AsSpan(0, count).Clear();
        }

        if (_raw.Length > MaxKeptBytes)
        {
            _raw = [];
        }

        return error;
    }

    /// <summary>Brings all streams, uncompressed, into one buffer.</summary>
    private string? Unpack(ReadOnlySpan<byte> payload, int count, out int seriesCount)
    {
        var input = new ByteReader(payload);
        var version = input.ReadByte();
        seriesCount = 0;
        if (input.IsOk && version != ColumnStream.Version)
        {
            return $"version {version} of a columns frame is not known to this version";
        }

        seriesCount = input.ReadCount(0, count);
        var present = input.ReadByte();
        if (input.IsOk && (present > ColumnStream.Count || seriesCount == 0))
        {
            return "the numbers of series or streams are impossible";
        }

        Span<int> ids = stackalloc int[ColumnStream.Count];
        Span<int> rawLengths = stackalloc int[ColumnStream.Count];
        Span<int> storedLengths = stackalloc int[ColumnStream.Count];
        var (previous, total) = (-1, 0L);
        for (var i = 0; i < present && input.IsOk; i++)
        {
            var tag = input.ReadByte();
            ids[i] = tag & 0x3F;
            if (ids[i] <= previous || ids[i] >= ColumnStream.Count || tag >> 6 > StreamCompression.Brotli)
            {
                input.Fail($"the stream {tag} is not known to this version or stands in the wrong place");
            }

            previous = ids[i];
            rawLengths[i] = input.ReadCount(0, ColumnStream.MaxRawBytes);
            storedLengths[i] = tag >> 6 == StreamCompression.Brotli ? input.ReadCount(1, FrameHeader.MaxFrameBytes) : -1;
            total += rawLengths[i];
        }

        if (input.IsOk && total > ColumnStream.MaxRawBytes)
        {
            input.Fail($"the streams announce {total} bytes, {ColumnStream.MaxRawBytes} are allowed");
        }

        if (!input.IsOk)
        {
            return $"{input.Error} (payload offset {input.Position})";
        }

        if (_raw.Length < total)
        {
            _raw = new byte[Math.Max(total, Math.Min(_raw.Length * 2L, ColumnStream.MaxRawBytes))];
        }

        Array.Clear(_streams);
        var position = 0;
        for (var i = 0; i < present; i++)
        {
            var target = _raw.AsSpan(position, rawLengths[i]);
            var stored = input.ReadBytes(storedLengths[i] < 0 ? rawLengths[i] : storedLengths[i]);
            if (!input.IsOk)
            {
                return input.Error;
            }

            if (storedLengths[i] < 0)
            {
                stored.CopyTo(target);
            }
            else if (!BrotliDecoder.TryDecompress(stored, target, out var written) || written != target.Length)
            {
                return $"the stream {ids[i]} can't be decompressed to the {target.Length} bytes announced";
            }

            _streams[ids[i]] = new StreamCursor(_raw, position, position + target.Length);
            position += target.Length;
        }

        return input.Remaining == 0 ? null : $"{input.Remaining} bytes are left over behind the last stream";
    }

    private void Reserve(int count)
    {
        // What few frames have gets its room with the first of them.
        Scratch.Reserve(ref _sorted, count);
        Scratch.Reserve(ref _timesNs, count);
        Scratch.Reserve(ref _bits, count);
        Scratch.Reserve(ref _kinds, count);
        Scratch.Reserve(ref _items, count);
        _times.Begin();
        _values.Begin();
        _count = count;
        _hasReferences = false;
    }

    private string? ReadSeries(OidTable oids, int seriesCount, int count)
    {
        var first = 0;
        var nameLength = 0;
        ReadOnlySpan<long> previousTimes = default;
        for (var series = 0; series < seriesCount; series++)
        {
            var error = ReadName(oids, ref nameLength, out var item);
            if (error is not null)
            {
                return error;
            }

            if (!_streams[ColumnStream.Counts].TryVarint(out var more) || more >= (ulong)(count - first))
            {
                return "the numbers of events end early or are impossible";
            }

            var size = (int)more + 1;
            _items.AsSpan(first, size).Fill(item);
            var times = _timesNs.AsSpan(first, size);
            error = _times.Read(_streams, times, previousTimes) ?? ReadValues(first, size);
            if (error is not null)
            {
                return error;
            }

            previousTimes = times;
            first += size;
        }

        return first == count ? null : $"the series have {first} events, the frame announces {count}";
    }

    private string? ReadName(OidTable oids, ref int nameLength, out int item)
    {
        item = 0;
        if (!_streams[ColumnStream.NameLengths].TryVarint(out var shared)
            || !_streams[ColumnStream.NameLengths].TryVarint(out var more)
            || shared > (ulong)nameLength
            || more > Oid.MaxTextBytes - shared
            || !_streams[ColumnStream.Names].TryTake((int)more, out var rest))
        {
            return "the names end early or are impossible";
        }

        rest.CopyTo(_name.AsSpan((int)shared));
        nameLength = (int)(shared + more);
        return oids.TryGetOrAdd(_name.AsSpan(0, nameLength), out item, out var error) ? null : error;
    }

    private string? ReadValues(int first, int size)
    {
        if (!_streams[ColumnStream.Kinds].TryByte(out var kind))
        {
            return "the kinds end early";
        }

        if (kind != ColumnStream.SeveralKinds)
        {
            return ReadSegment((ValueKind)kind, first, size);
        }

        while (size > 0)
        {
            if (!_streams[ColumnStream.KindRuns].TryRun(size, out var run) || !_streams[ColumnStream.KindRuns].TryByte(out kind))
            {
                return "the runs of kinds end early or are impossible";
            }

            var error = ReadSegment((ValueKind)kind, first, run);
            if (error is not null)
            {
                return error;
            }

            first += run;
            size -= run;
        }

        return null;
    }

    private string? ReadSegment(ValueKind kind, int first, int count)
    {
        if (!TelemetryValue.IsKnown(kind))
        {
            return $"the value kind {(byte)kind} is not known to this version";
        }

        _kinds.AsSpan(first, count).Fill((byte)kind);
        var bits = _bits.AsSpan(first, count);
        if (kind != ValueKind.Null && TelemetryValue.IsScalar(kind))
        {
            return _values.ReadScalars(_streams, kind, bits);
        }

        bits.Clear();
        if (kind == ValueKind.Null)
        {
            return null;
        }

        if (!_hasReferences)
        {
            _hasReferences = true;
            Scratch.Reserve(ref _references, _count);
        }

        return _values.ReadObjects(_streams, kind, _references.AsSpan(first, count));
    }

    /// <summary>Brings the events into the order of arrival.</summary>
    private string? Deliver(EventBatch batch, int count)
    {
        var sorted = _sorted.AsSpan(0, count);
        _order.Sort(_timesNs.AsSpan(0, count), _times.UnitNs, sorted);
        if (!_streams[ColumnStream.Order].IsEmpty)
        {
            if (!TryArrange(sorted))
            {
                return "the order of arrival is no permutation";
            }

            sorted = _places.AsSpan(0, count);
        }

        var rows = batch.Extend(count);
        if (!IdentityColumn.TryRead(ref _streams[ColumnStream.Identities], rows.Boots, rows.Counters))
        {
            return "the identities end early or are impossible";
        }

        Gather<int>(_items, sorted, rows.Items);
        Gather<long>(_timesNs, sorted, rows.TimesNs);
        Gather<byte>(_kinds, sorted, rows.Kinds);
        Gather<ulong>(_bits, sorted, rows.Bits);
        if (_hasReferences)
        {
            Gather<object?>(_references, sorted, rows.References);
        }

        return DeliverStatuses(rows, sorted) ?? FindLeftOver();
    }

    private string? DeliverStatuses(in EventRows rows, ReadOnlySpan<int> sorted)
    {
        var count = sorted.Length;
        if (_streams[ColumnStream.Statuses].IsEmpty)
        {
            rows.Statuses.Fill(1);
        }
        else if (RunColumn.TryReadStatuses(ref _streams[ColumnStream.Statuses], Room(ref _statuses, count)))
        {
            Gather<short>(_statuses, sorted, rows.Statuses);
        }
        else
        {
            return "the statuses end early or are impossible";
        }

        if (_streams[ColumnStream.Qualities].IsEmpty)
        {
            rows.Qualities.Clear();
        }
        else if (RunColumn.TryReadQualities(ref _streams[ColumnStream.Qualities], Room(ref _qualities, count)))
        {
            Gather<uint>(_qualities, sorted, rows.Qualities);
        }
        else
        {
            return "the qualities end early or are impossible";
        }

        if (_streams[ColumnStream.Flags].IsEmpty)
        {
            rows.Flags.Clear();
        }
        else if (RunColumn.TryReadFlags(ref _streams[ColumnStream.Flags], Room(ref _flags, count)))
        {
            Gather<byte>(_flags, sorted, rows.Flags);
        }
        else
        {
            return "the flags end early or are impossible";
        }

        return null;
    }

    private string? FindLeftOver()
    {
        for (var i = 0; i < _streams.Length; i++)
        {
            if (!_streams[i].IsAtEnd)
            {
                return $"{_streams[i].Remaining.Length} bytes are left over in stream {i}";
            }
        }

        return null;
    }

    /// <summary>Brings the canonical order into that of arrival.</summary>
    private bool TryArrange(ReadOnlySpan<int> sorted)
    {
        unchecked
        {
            // Each place once.
            var used = Room(ref _places, sorted.Length);
            Span<ulong> taken = stackalloc ulong[(MaxEvents + 63) / 64];
            taken.Clear();
            var expected = 0L;
            for (var i = 0; i < sorted.Length; i++)
            {
                if (!_streams[ColumnStream.Order].TryZigzag(out var distance))
                {
                    return false;
                }

                var place = expected + distance;
                if ((ulong)place >= (ulong)sorted.Length || (taken[(int)(place >> 6)] & (1UL << (int)place)) != 0)
                {
                    return false;
                }

                taken[(int)(place >> 6)] |= 1UL << (int)place;
                used[i] = sorted[(int)place];
                expected = place + 1;
            }

            return true;
        }
    }

    private static Span<T> Room<T>(ref T[] array, int count)
    {
        Scratch.Reserve(ref array, count);
        return array.AsSpan(0, count);
    }

    private static void Gather<T>(ReadOnlySpan<T> from, ReadOnlySpan<int> places, Span<T> to)
    {
        for (var i = 0; i < to.Length; i++)
        {
            to[i] = from[places[i]];
        }
    }
}
