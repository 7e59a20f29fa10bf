using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>What seldom changes, as runs: length, value. Nothing at all where it is what it always is. Pure.</summary>
internal static class RunColumn
{
    public static void WriteStatuses(ByteWriter output, ReadOnlySpan<short> statuses, ReadOnlySpan<int> source)
    {
        if (statuses.IndexOfAnyExcept((short)1) < 0)
        {
            return;
        }

        for (var i = 0; i < source.Length;)
        {
            var run = RunAt(statuses, source, i);
            output.WriteVarint((ulong)run);
            output.WriteZigzag(statuses[source[i]]);
            i += run;
        }
    }

    public static void WriteQualities(ByteWriter output, ReadOnlySpan<uint> qualities, ReadOnlySpan<int> source)
    {
        if (qualities.IndexOfAnyExcept(0u) < 0)
        {
            return;
        }

        for (var i = 0; i < source.Length;)
        {
            var run = RunAt(qualities, source, i);
            output.WriteVarint((ulong)run);
            output.WriteUInt32(qualities[source[i]]);
            i += run;
        }
    }

    public static void WriteFlags(ByteWriter output, ReadOnlySpan<byte> flags, ReadOnlySpan<int> source)
    {
        if (flags.IndexOfAnyExcept((byte)0) < 0)
        {
            return;
        }

        for (var i = 0; i < source.Length;)
        {
            var run = RunAt(flags, source, i);
            output.WriteVarint((ulong)run);
            output.WriteByte(flags[source[i]]);
            i += run;
        }
    }

    public static bool TryReadStatuses(ref StreamCursor input, Span<short> statuses)
    {
        while (statuses.Length > 0)
        {
            if (!input.TryRun(statuses.Length, out var run) || !input.TryZigzag(out var status) || status is < short.MinValue or > short.MaxValue)
            {
                return false;
            }

            statuses[..run].Fill((short)status);
            statuses = statuses[run..];
        }

        return true;
    }

    public static bool TryReadQualities(ref StreamCursor input, Span<uint> qualities)
    {
        while (qualities.Length > 0)
        {
            if (!input.TryRun(qualities.Length, out var run) || !input.TryTake(4, out var quality))
            {
                return false;
            }

            qualities[..run].Fill(System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(quality));
            qualities = qualities[run..];
        }

        return true;
    }

    public static bool TryReadFlags(ref StreamCursor input, Span<byte> flags)
    {
        while (flags.Length > 0)
        {
            if (!input.TryRun(flags.Length, out var run) || !input.TryByte(out var value))
            {
                return false;
            }

            flags[..run].Fill(value);
            flags = flags[run..];
        }

        return true;
    }

    private static int RunAt<T>(ReadOnlySpan<T> values, ReadOnlySpan<int> source, int start)
        where T : struct, IEquatable<T>
    {
        var value = values[source[start]];
        var end = start + 1;
        while (end < source.Length && values[source[end]].Equals(value))
        {
            end++;
        }

        return end - start;
    }
}
