namespace ZfRepl.Core.Frames.Columns;

/// <summary>
/// The canonical order of a frame's events: by time, those of one time by series, those of one series as they came. A radix sort; the
/// scratch space is reused. Not thread-safe.
/// </summary>
internal sealed class EventOrder
{
    private const int MaxSinglePassBits = 13;
    private const int MaxPassBits = 12;

    private readonly int[] _histogram = new int[1 << MaxSinglePassBits];
    private ulong[] _keys = [];
    private ulong[] _otherKeys = [];
    private int[] _otherOrder = [];

    /// <summary>Sorts events that are given series by series.</summary>
    /// <param name="timesNs">Their times.</param>
    /// <param name="unitNs">What all differences of times are likely to be multiples of.</param>
    /// <param name="order">Gets the places of the events, earliest first.</param>
    public void Sort(ReadOnlySpan<long> timesNs, long unitNs, Span<int> order)
    {
        unchecked
        {
            var count = timesNs.Length;
            Scratch.Reserve(ref _keys, count);
            var (min, max) = (long.MaxValue, long.MinValue);
            foreach (var time in timesNs)
            {
                min = Math.Min(min, time);
                max = Math.Max(max, time);
            }

            var keys = _keys.AsSpan(0, count);
            var range = (ulong)max - (ulong)min;
            var maxKey = TryScale(timesNs, min, range, unitNs, keys) ? range / (ulong)unitNs : Shift(timesNs, min, range, keys);
            var bits = Numbers.Bits(maxKey);
            var passes = bits <= MaxSinglePassBits ? 1 : (bits + MaxPassBits - 1) / MaxPassBits;
            var passBits = (bits + passes - 1) / passes;
            if (passes > 1)
            {
                Scratch.Reserve(ref _otherKeys, count);
                Scratch.Reserve(ref _otherOrder, count);
            }

            Sort(keys, order, passes, passBits);
        }
    }

    // Multiplying is many times faster than dividing, and exact for what a double holds; each result is checked all the same.
    private static bool TryScale(ReadOnlySpan<long> timesNs, long min, ulong range, long unitNs, Span<ulong> keys)
    {
        unchecked
        {
            if (unitNs == 1 || range >= 1UL << 52)
            {
                return false;
            }

            var inverse = 1.0 / unitNs;
            var difference = 0L;
            for (var i = 0; i < timesNs.Length; i++)
            {
                var distance = timesNs[i] - min;
                var key = (long)(distance * inverse + 0.5);
                difference |= distance - key * unitNs;
                keys[i] = (ulong)key;
            }

            return difference == 0;
        }
    }

    private static ulong Shift(ReadOnlySpan<long> timesNs, long min, ulong range, Span<ulong> keys)
    {
        unchecked
        {
            for (var i = 0; i < timesNs.Length; i++)
            {
                keys[i] = (ulong)timesNs[i] - (ulong)min;
            }

            return range;
        }
    }

    private void Sort(Span<ulong> keys, Span<int> order, int passes, int passBits)
    {
        unchecked
        {
            var count = keys.Length;
            var mask = (1UL << passBits) - 1;
            var histogram = _histogram.AsSpan(0, 1 << passBits);
            var otherKeys = passes > 1 ? _otherKeys.AsSpan(0, count) : default;

            // The last pass has to end in the caller's space.
            var other = passes > 1 ? _otherOrder.AsSpan(0, count) : default;
            var from = passes % 2 == 0 ? order : other;
            var to = passes % 2 == 0 ? other : order;

            for (var pass = 0; pass < passes; pass++)
            {
                var shift = pass * passBits;
                histogram.Clear();
                foreach (var key in keys)
                {
                    histogram[(int)((key >> shift) & mask)]++;
                }

                var sum = 0;
                for (var i = 0; i < histogram.Length; i++)
                {
                    (histogram[i], sum) = (sum, sum + histogram[i]);
                }

                var isLast = pass == passes - 1;
                for (var i = 0; i < count; i++)
                {
                    var key = keys[i];
                    var place = histogram[(int)((key >> shift) & mask)]++;
                    to[place] = pass == 0 ? i : from[i];
                    if (!isLast)
                    {
                        otherKeys[place] = key;
                    }
                }

                var swap = keys;
                keys = otherKeys;
                otherKeys = swap;
                var swapOrder = from;
                from = to;
                to = swapOrder;
            }
        }
    }
}
