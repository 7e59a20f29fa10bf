using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>
/// Times of one series after the other → streams: a unit that all of them are multiples of, and what is left after a line through them,
/// or after a steady step, whichever is smaller. The scratch space is reused. Not thread-safe.
/// </summary>
internal sealed class TimeColumnWriter(ByteWriter[] streams)
{
    private const double MaxExactDistance = 1L << 52;
    private const double MaxPeriod = 1L << 40;

    // What clocks and protocols give: seconds, milliseconds, microseconds, ticks of 100 ns, nanoseconds.
    private static readonly int[] Exponents = [9, 6, 3, 2, 0];

    private long[] _units = [];
    private ulong[] _residuals = [];
    private ulong[] _otherResiduals = [];
    private bool _isFirst;
    private long _baseNs;
    private long _period;
    private int _exponent;
    private bool _hasRemainders;
    private bool _hasFractions;

    /// <summary>The greatest unit that the differences of all times are likely to be multiples of, in nanoseconds.</summary>
    public long UnitNs { get; private set; }

    /// <summary>Begins a frame.</summary>
    /// <param name="maxCount">The most events that a series of it has.</param>
    public void Begin(int maxCount)
    {
        Scratch.Reserve(ref _units, maxCount);
        Scratch.Reserve(ref _residuals, maxCount);
        Scratch.Reserve(ref _otherResiduals, maxCount);
        _isFirst = true;
        _baseNs = 0;
        _period = 0;
        _exponent = 6;
        _hasRemainders = false;
        _hasFractions = false;
        UnitNs = long.MaxValue;
    }

    /// <summary>Writes the times of the next series.</summary>
    /// <param name="timesNs">Its times.</param>
    /// <param name="previousNs">The times of the series before; empty for the first.</param>
    public void Write(ReadOnlySpan<long> timesNs, ReadOnlySpan<long> previousNs)
    {
        if (!_isFirst && timesNs.SequenceEqual(previousNs))
        {
            streams[ColumnStream.TimeShapes].WriteByte(TimeShape.Make(0, TimeShape.Same, 0));
            return;
        }

        var count = timesNs.Length;
        var units = _units.AsSpan(0, count);
        if (count > 1)
        {
            _exponent = ToUnits(timesNs, units);
        }
        else
        {
            units[0] = 0;
        }

        unchecked
        {
            var fit = Fit(units);
            var unitNs = TimeShape.Units[_exponent];
            UnitNs = Math.Min(UnitNs, unitNs);
            var residuals = fit.Residuals.AsSpan(0, fit.IsGrid ? count : count - 1);
            var lowBytes = residuals.Length == 0 ? 0 : Math.Min(fit.Bits / residuals.Length / 8, 3);
            streams[ColumnStream.TimeShapes].WriteByte(TimeShape.Make(_exponent, fit.IsGrid ? TimeShape.Grid : TimeShape.Steps, lowBytes));
            WriteStart(timesNs[0] + fit.Offset * unitNs, unitNs);
            streams[ColumnStream.Periods].WriteZigzag((fit.Period >> 16) - _period);
            streams[ColumnStream.PeriodFractions].WriteVarint((ulong)fit.Period & 0xFFFF);
            _period = fit.Period >> 16;
            _hasFractions |= (fit.Period & 0xFFFF) != 0;
            Numbers.Write(streams[ColumnStream.Times + lowBytes], streams[ColumnStream.TimeLows], lowBytes, residuals);
        }
    }

    /// <summary>Ends the frame: streams of nothing but zeros go.</summary>
    public void End()
    {
        if (!_hasRemainders)
        {
            streams[ColumnStream.StartRemainders].Clear();
        }

        if (!_hasFractions)
        {
            streams[ColumnStream.PeriodFractions].Clear();
        }
    }

    private void WriteStart(long startNs, long unitNs)
    {
        unchecked
        {
            var distance = startNs - _baseNs;
            var quotient = distance / unitNs;
            var remainder = distance - quotient * unitNs;
            if (remainder < 0)
            {
                quotient--;
                remainder += unitNs;
            }

            streams[ColumnStream.Starts].WriteZigzag(quotient);
            streams[ColumnStream.StartRemainders].WriteVarint((ulong)remainder);
            _hasRemainders |= remainder != 0;
            if (_isFirst)
            {
                _baseNs = startNs;
                _isFirst = false;
            }
        }
    }

    private static int ToUnits(ReadOnlySpan<long> timesNs, Span<long> units)
    {
        foreach (var exponent in Exponents)
        {
            if (TryUnit(timesNs, TimeShape.Units[exponent], units))
            {
                return exponent;
            }
        }

        return 0;
    }

    private static bool TryUnit(ReadOnlySpan<long> timesNs, long unitNs, Span<long> units)
    {
        unchecked
        {
            var first = timesNs[0];
            var inverse = 1.0 / unitNs;
            for (var i = 0; i < timesNs.Length; i++)
            {
                var distance = timesNs[i] - first;
                var unit = Math.Abs((double)distance) < MaxExactDistance ? (long)Math.Round(distance * inverse) : distance / unitNs;
                if (unit * unitNs != distance)
                {
                    return false;
                }

                units[i] = unit;
            }

            return true;
        }
    }

    private TimeFit Fit(ReadOnlySpan<long> units)
    {
        unchecked
        {
            var count = units.Length;
            if (count <= 2)
            {
                return FitSteps(units, _period, _residuals);
            }

            double sum = 0;
            double weighted = 0;
            for (var k = 0; k < units.Length; k++)
            {
                double unit = units[k];
                sum += unit;
                weighted += unit * k;
            }

            double n = count;
            var slope = (12 * weighted - 6 * (n - 1) * sum) / (n * (n * n - 1));
            if (!(Math.Abs(slope) < MaxPeriod))
            {
                return FitSteps(units, 0, _residuals);
            }

            var mean = sum / n;
            var whole = (long)Math.Round(slope);
            var best = FitGrid(units, _period << 16, mean, _residuals);
            if (whole != _period)
            {
                // Repeating the period of the series before costs nothing, a new one some bytes.
                best = Better(best, FitGrid(units, whole << 16, mean, _otherResiduals), 16);
            }

            // A line that drifts off whole units by more than one of them.
            if (Math.Abs(slope - whole) * n > 2)
            {
                best = Better(best, FitGrid(units, (long)Math.Round(slope * 65536), mean, Spare(best)), 16 + count / 8);
            }

            return Better(best, FitSteps(units, whole, Spare(best)), 0);
        }
    }

    private static TimeFit Better(in TimeFit one, in TimeFit other, int handicap) => other.Bits + handicap < one.Bits ? other : one;

    private ulong[] Spare(in TimeFit used) => ReferenceEquals(used.Residuals, _residuals) ? _otherResiduals : _residuals;

    private static TimeFit FitGrid(ReadOnlySpan<long> units, long period, double mean, ulong[] residuals)
    {
        unchecked
        {
            var offset = (long)Math.Round(mean - period / 65536.0 * (units.Length - 1) / 2);
            var bits = 0;
            var product = 0L;
            var target = residuals.AsSpan(0, units.Length);
            for (var k = 0; k < target.Length; k++)
            {
                var residual = Numbers.Zigzag(units[k] - offset - (product >> 16));
                target[k] = residual;
                bits += Numbers.Bits(residual);
                product += period;
            }

            return new TimeFit(true, offset, period, residuals, bits);
        }
    }

    private static TimeFit FitSteps(ReadOnlySpan<long> units, long period, ulong[] residuals)
    {
        unchecked
        {
            var bits = 0;
            for (var k = 1; k < units.Length; k++)
            {
                var residual = Numbers.Zigzag(units[k] - units[k - 1] - period);
                residuals[k - 1] = residual;
                bits += Numbers.Bits(residual);
            }

            return new TimeFit(false, 0, period << 16, residuals, bits);
        }
    }

    /// <param name="IsGrid">A line, or else steps.</param>
    /// <param name="Offset">Where the line starts, in units from the first time.</param>
    /// <param name="Period">In 1/65,536 units.</param>
    /// <param name="Residuals">What is left, as zigzag.</param>
    /// <param name="Bits">The bits of the residuals, together.</param>
    private readonly record struct TimeFit(bool IsGrid, long Offset, long Period, ulong[] Residuals, int Bits);
}
