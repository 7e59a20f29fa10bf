namespace ZfRepl.Core.Frames.Columns;

/// <summary>Streams → times of one series after the other. The bytes may be hostile. Not thread-safe.</summary>
internal sealed class TimeColumnReader
{
    private ulong[] _residuals = [];
    private bool _isFirst;
    private long _baseNs;
    private long _period;

    /// <summary>The greatest unit that the differences of all times are likely to be multiples of, in nanoseconds.</summary>
    public long UnitNs { get; private set; }

    /// <summary>Begins a frame.</summary>
    public void Begin()
    {
        _isFirst = true;
        _baseNs = 0;
        _period = 0;
        UnitNs = long.MaxValue;
    }

    /// <summary>Reads the times of the next series.</summary>
    /// <param name="streams">The streams.</param>
    /// <param name="timesNs">Gets the times.</param>
    /// <param name="previousNs">The times of the series before; empty for the first.</param>
    /// <returns>Null, or what is wrong.</returns>
    public string? Read(StreamCursor[] streams, Span<long> timesNs, ReadOnlySpan<long> previousNs)
    {
        if (!streams[ColumnStream.TimeShapes].TryByte(out var shape))
        {
            return "the shapes of times end early";
        }

        var exponent = shape & 0x0F;
        var mode = (shape >> 4) & 3;
        var lowBytes = shape >> 6;
        if (mode == TimeShape.Same && shape == TimeShape.Same << 4)
        {
            return TrySame(timesNs, previousNs) ? null : "a series has the times of the one before and not as many events";
        }

        if (exponent > TimeShape.MaxExponent || mode is not (TimeShape.Grid or TimeShape.Steps))
        {
            return $"the shape of times {shape} is not known to this version";
        }

        var unitNs = TimeShape.Units[exponent];
        UnitNs = Math.Min(UnitNs, unitNs);
        if (!TryStart(streams, unitNs, out var startNs)
            || !streams[ColumnStream.Periods].TryZigzag(out var wholePeriod)
            || !TryOptional(ref streams[ColumnStream.PeriodFractions], 0xFFFF, out var fraction))
        {
            return "the starts or periods of times end early or are impossible";
        }

        unchecked
        {
            _period += wholePeriod;
            var period = (_period << 16) + (long)fraction;
            Scratch.Reserve(ref _residuals, timesNs.Length);
            var residuals = _residuals.AsSpan(0, mode == TimeShape.Grid ? timesNs.Length : timesNs.Length - 1);
            if (!Numbers.TryRead(ref streams[ColumnStream.Times + lowBytes], ref streams[ColumnStream.TimeLows], lowBytes, residuals))
            {
                return "the times end early or are impossible";
            }

            if (mode == TimeShape.Grid)
            {
                AddToGrid(residuals, startNs, period, unitNs, timesNs);
            }
            else
            {
                AddSteps(residuals, startNs, period >> 16, unitNs, timesNs);
            }
        }

        return null;
    }

    private static bool TryOptional(ref StreamCursor stream, ulong max, out ulong value)
    {
        value = 0;
        return stream.IsEmpty || (stream.TryVarint(out value) && value <= max);
    }

    private static void AddToGrid(ReadOnlySpan<ulong> residuals, long startNs, long period, long unitNs, Span<long> timesNs)
    {
        unchecked
        {
            var product = 0L;
            for (var k = 0; k < timesNs.Length; k++)
            {
                timesNs[k] = startNs + ((product >> 16) + Numbers.Unzigzag(residuals[k])) * unitNs;
                product += period;
            }
        }
    }

    private static void AddSteps(ReadOnlySpan<ulong> residuals, long startNs, long period, long unitNs, Span<long> timesNs)
    {
        unchecked
        {
            var timeNs = startNs;
            timesNs[0] = timeNs;
            for (var k = 1; k < timesNs.Length; k++)
            {
                timeNs += (Numbers.Unzigzag(residuals[k - 1]) + period) * unitNs;
                timesNs[k] = timeNs;
            }
        }
    }

    private bool TrySame(Span<long> timesNs, ReadOnlySpan<long> previousNs)
    {
        if (_isFirst || timesNs.Length != previousNs.Length)
        {
            return false;
        }

        previousNs.CopyTo(timesNs);
        return true;
    }

    private bool TryStart(StreamCursor[] streams, long unitNs, out long startNs)
    {
        startNs = 0;
        if (!streams[ColumnStream.Starts].TryZigzag(out var quotient)
            || !TryOptional(ref streams[ColumnStream.StartRemainders], (ulong)unitNs - 1, out var remainder))
        {
            return false;
        }

        unchecked
        {
            startNs = _baseNs + quotient * unitNs + (long)remainder;
        }

        if (_isFirst)
        {
            _baseNs = startNs;
            _isFirst = false;
        }

        return true;
    }
}
