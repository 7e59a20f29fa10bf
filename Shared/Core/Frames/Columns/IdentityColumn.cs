using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>Identities in order of arrival: mostly one counter after the other of one boot. Pure.</summary>
internal static class IdentityColumn
{
    public static void Write(ByteWriter output, ReadOnlySpan<ulong> boots, ReadOnlySpan<ulong> counters)
    {
        unchecked
        {
            output.WriteVarint(boots[0]);
            output.WriteVarint(counters[0]);
            var i = 0;
            while (true)
            {
                var run = 1;
                while (i + run < boots.Length && boots[i + run] == boots[i] && counters[i + run] == counters[i] + (ulong)run)
                {
                    run++;
                }

                output.WriteVarint((ulong)run);
                i += run;
                if (i == boots.Length)
                {
                    return;
                }

                var isSameBoot = boots[i] == boots[i - 1];
                output.WriteZigzag(isSameBoot ? (long)(counters[i] - counters[i - 1] - 1) : 0);
                if (!isSameBoot)
                {
                    output.WriteVarint(boots[i]);
                    output.WriteVarint(counters[i]);
                }
            }
        }
    }

    public static bool TryRead(ref StreamCursor input, Span<ulong> boots, Span<ulong> counters)
    {
        unchecked
        {
            if (!input.TryVarint(out var boot) || !input.TryVarint(out var counter))
            {
                return false;
            }

            while (true)
            {
                if (!input.TryRun(boots.Length, out var run))
                {
                    return false;
                }

                boots[..run].Fill(boot);
                for (var i = 0; i < run; i++)
                {
                    counters[i] = counter + (ulong)i;
                }

                counter += (ulong)run;
                boots = boots[run..];
                counters = counters[run..];
                if (boots.Length == 0)
                {
                    return true;
                }

                if (!input.TryZigzag(out var jump))
                {
                    return false;
                }

                counter += (ulong)jump;
                if (jump == 0 && (!input.TryVarint(out boot) || !input.TryVarint(out counter)))
                {
                    return false;
                }
            }
        }
    }
}
