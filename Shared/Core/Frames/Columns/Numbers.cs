using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>Many varints at once. Eight or sixteen short ones go through vectors. Pure.</summary>
internal static class Numbers
{
    private const int MaxBytes = 10;
    private const int Lanes = 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Zigzag(long value) => unchecked((ulong)((value << 1) ^ (value >> 63)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Unzigzag(ulong value) => unchecked((long)(value >> 1) ^ -(long)(value & 1));

    /// <summary>How many bits a number takes; 0 for 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bits(ulong value) => 64 - BitOperations.LeadingZeroCount(value);

    /// <summary>Writes numbers, the lowest bytes apart.</summary>
    /// <param name="highs">What is above the low bytes, as varints.</param>
    /// <param name="lows">The low bytes.</param>
    /// <param name="lowBytes">How many low bytes each number has, 0 to 3.</param>
    /// <param name="values">The numbers.</param>
    public static void Write(ByteWriter highs, ByteWriter lows, int lowBytes, ReadOnlySpan<ulong> values)
    {
        if (lowBytes == 0)
        {
            Write(highs, values);
            return;
        }

        unchecked
        {
            var target = lows.Take(values.Length * lowBytes);
            var position = 0;
            foreach (var value in values)
            {
                for (var shift = 0; shift < lowBytes * 8; shift += 8)
                {
                    target[position++] = (byte)(value >> shift);
                }

                highs.WriteVarint(value >> (lowBytes * 8));
            }
        }
    }

    /// <summary>Writes varints.</summary>
    public static void Write(ByteWriter output, ReadOnlySpan<ulong> values)
    {
        unchecked
        {
            var start = output.Length;
            var target = output.Take(values.Length * MaxBytes);
            var position = 0;
            foreach (var number in values)
            {
                var value = number;
                while (value >= 0x80)
                {
                    target[position++] = (byte)(value | 0x80);
                    value >>= 7;
                }

                target[position++] = (byte)value;
            }

            output.Truncate(start + position);
        }
    }

    /// <summary>Reads as many numbers as the target holds, the lowest bytes apart.</summary>
    public static bool TryRead(ref StreamCursor highs, ref StreamCursor lows, int lowBytes, Span<ulong> values)
    {
        if (!TryRead(ref highs, values))
        {
            return false;
        }

        if (lowBytes == 0)
        {
            return true;
        }

        if (!lows.TryTake(values.Length * lowBytes, out var bytes))
        {
            return false;
        }

        unchecked
        {
            var position = 0;
            for (var i = 0; i < values.Length; i++)
            {
                var value = values[i];
                for (var low = lowBytes - 1; low >= 0; low--)
                {
                    value = (value << 8) | bytes[position + low];
                }

                position += lowBytes;
                values[i] = value;
            }
        }

        return true;
    }

    /// <summary>Reads as many varints as the target holds.</summary>
    public static bool TryRead(ref StreamCursor input, Span<ulong> values)
    {
        unchecked
        {
            var bytes = input.Remaining;
            ref var source = ref MemoryMarshal.GetReference(bytes);
            ref var target = ref MemoryMarshal.GetReference(values);
            var position = 0;
            var i = 0;
            while (i < values.Length)
            {
                if (values.Length - i >= Lanes && bytes.Length - position >= Lanes)
                {
                    var vector = Vector128.LoadUnsafe(ref source, (nuint)position);
                    if (vector.ExtractMostSignificantBits() == 0)
                    {
                        Widen(vector, ref Unsafe.Add(ref target, i));
                        i += Lanes;
                        position += Lanes;
                        continue;
                    }
                }

                // One by one, as many as a vector holds, so that a long number does not cost a failed vector for each.
                for (var end = Math.Min(i + Lanes, values.Length); i < end; i++)
                {
                    if (position >= bytes.Length)
                    {
                        return false;
                    }

                    ulong value = bytes[position++];
                    if (value >= 0x80)
                    {
                        value &= 0x7F;
                        var shift = 7;
                        while (true)
                        {
                            if (position >= bytes.Length)
                            {
                                return false;
                            }

                            ulong next = bytes[position++];
                            if (shift == 63 && next > 1)
                            {
                                return false;
                            }

                            value |= (next & 0x7F) << shift;
                            if (next < 0x80)
                            {
                                break;
                            }

                            shift += 7;
                        }
                    }

                    values[i] = value;
                }
            }

            input.Skip(position);
            return true;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen(Vector128<byte> bytes, ref ulong target)
    {
        var (low, high) = Vector128.Widen(bytes);
        WidenHalf(low, ref target);
        WidenHalf(high, ref Unsafe.Add(ref target, Lanes / 2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WidenHalf(Vector128<ushort> words, ref ulong target)
    {
        var (low, high) = Vector128.Widen(words);
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        a.StoreUnsafe(ref target);
        b.StoreUnsafe(ref target, 2);
        c.StoreUnsafe(ref target, 4);
        d.StoreUnsafe(ref target, 6);
    }
}
