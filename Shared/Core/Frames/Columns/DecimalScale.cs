using System.Runtime.CompilerServices;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>
/// Floats that are decimal numbers with few places, as integers: value = integer / 10^scale. Whether that is so is checked by bits, so that
/// -0, NaN, infinities and whatever else does not come back exactly is an exception. Pure.
/// </summary>
internal static class DecimalScale
{
    /// <summary>The most decimal places.</summary>
    public const int Max = 9;

    private const double MaxInteger = 1L << 53;

    // A value that wants many more places than those before it is more likely to be one of a kind than the first of many.
    private const int MaxRaise = 2;

    private static ReadOnlySpan<double> Powers => [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

    /// <summary>The divisor of a scale.</summary>
    public static double Divisor(int scale) => Powers[scale];

    /// <summary>Finds the scale of a segment and its integers.</summary>
    /// <param name="bits">The values.</param>
    /// <param name="isFloat">32 bits, or else 64.</param>
    /// <param name="integers">Gets the integers; where a value is an exception, that of the value before.</param>
    /// <param name="exceptions">Gets the places of exceptions.</param>
    /// <param name="exceptionCount">How many there are.</param>
    /// <returns>The scale, or -1 when too many values are exceptions.</returns>
    public static int Find(ReadOnlySpan<ulong> bits, bool isFloat, Span<long> integers, Span<int> exceptions, out int exceptionCount)
    {
        var scale = Find(bits, isFloat, MaxRaise, integers, exceptions, out exceptionCount);
        return scale >= 0 ? scale : Find(bits, isFloat, Max, integers, exceptions, out exceptionCount);
    }

    /// <summary>The scale of one value and its integer; -1 where it has none.</summary>
    public static int Find(ulong bits, bool isFloat, out long integer) =>
        TryScale(bits, isFloat, 1, out integer) ? 0 : Raise(bits, isFloat, 0, Max, out integer) is > 0 and var scale ? scale : -1;

    /// <summary>The value's bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ToBits(long integer, double divisor, bool isFloat)
    {
        var value = integer / divisor;
        return isFloat ? BitConverter.SingleToUInt32Bits((float)value) : BitConverter.DoubleToUInt64Bits(value);
    }

    private static int Find(
        ReadOnlySpan<ulong> bits, bool isFloat, int maxRaise, Span<long> integers, Span<int> exceptions, out int exceptionCount)
    {
        var maxExceptions = bits.Length / 8;
        var scale = 0;
        var divisor = 1.0;
        exceptionCount = 0;
        var rescaled = 0;
        for (var i = 0; i < bits.Length; i++)
        {
            if (TryScale(bits[i], isFloat, divisor, out integers[i]))
            {
                continue;
            }

            var raised = Raise(bits[i], isFloat, scale, i == 0 ? Max : maxRaise, out var integer);
            if (raised > 0)
            {
                scale = raised;
                divisor = Powers[scale];
                integers[i] = integer;
                rescaled = i;
                continue;
            }

            if (exceptionCount >= maxExceptions)
            {
                return -1;
            }

            exceptions[exceptionCount++] = i;
        }

        // What was scaled before the scale rose is scaled anew.
        var next = 0;
        for (var i = 0; i < bits.Length; i++)
        {
            if (next < exceptionCount && exceptions[next] == i)
            {
                integers[i] = i == 0 ? 0 : integers[i - 1];
                next++;
            }
            else if (i < rescaled && !TryScale(bits[i], isFloat, divisor, out integers[i]))
            {
                return -1;
            }
        }

        return scale;
    }

    private static int Raise(ulong bits, bool isFloat, int scale, int maxRaise, out long integer)
    {
        integer = 0;
        for (var raised = scale + 1; raised <= Math.Min(scale + maxRaise, Max); raised++)
        {
            if (TryScale(bits, isFloat, Powers[raised], out integer))
            {
                return raised;
            }
        }

        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryScale(ulong bits, bool isFloat, double divisor, out long integer)
    {
        unchecked
        {
            var value = isFloat ? BitConverter.UInt32BitsToSingle((uint)bits) : BitConverter.UInt64BitsToDouble(bits);
            var scaled = Math.Round(value * divisor);
            if (!(Math.Abs(scaled) < MaxInteger))
            {
                integer = 0;
                return false;
            }

            integer = (long)scaled;
            return ToBits(integer, divisor, isFloat) == bits;
        }
    }
}
