using System.Buffers.Binary;

namespace ZfRepl.TestKit.Fuzzing;

/// <summary>Makes wrong inputs of right ones: a pure function of samples and a random generator.</summary>
internal sealed class Mutator(FuzzTarget target, Random random)
{
    private const int MutationsMax = 6;
    private const int BlowUpBytesMax = 4096;

    /// <summary>Numbers at which decoders stumble.</summary>
    private static readonly long[] Edges =
    [
        0, 1, -1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFF_FFFF, int.MaxValue, int.MinValue, uint.MaxValue,
        1L << 32, long.MaxValue, long.MinValue, 1L << 20, (1L << 20) + 1, 16 * 1024 * 1024, (16 * 1024 * 1024) + 1,
    ];

    /// <summary>The next input.</summary>
    public byte[] Next()
    {
        if (random.Next(50) == 0)
        {
            var noise = new byte[random.Next(300)];
            random.NextBytes(noise);
            return noise;
        }

        var bytes = new List<byte>(Sample());
        for (var left = 1 + random.Next(MutationsMax); left > 0; left--)
        {
            Mutate(bytes);
        }

        if (bytes.Count > target.InputBytesMax)
        {
            bytes.RemoveRange(target.InputBytesMax, bytes.Count - target.InputBytesMax);
        }

        return [.. bytes];
    }

    private byte[] Sample() => target.Samples[random.Next(target.Samples.Count)];

    private void Mutate(List<byte> bytes)
    {
        var at = random.Next(bytes.Count + 1);
        var some = random.Next(bytes.Count - at + 1);
        switch (random.Next(12))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                PutNumber(bytes, at);
                break;
            case 3:
                PutVarint(bytes, at);
                break;
            case 4:
                bytes.RemoveRange(at, some);
                break;
            case 5:
                bytes.RemoveRange(at, Math.Min(some, 1 + random.Next(8)));
                break;
            case 6:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, Math.Min(some, BlowUpBytesMax)));
                break;
            case 7:
                bytes.InsertRange(at, Enumerable.Repeat((byte)random.Next(256), random.Next(random.Next(8) == 0 ? BlowUpBytesMax : 16)));
                break;
            case 8:
                Splice(bytes, at);
                break;
            case 9 when target.Words.Count > 0:
                bytes.InsertRange(at, target.Words[random.Next(target.Words.Count)]);
                break;
            case 10:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                Swap(bytes, at);
                break;
        }
    }

    private void PutNumber(List<byte> bytes, int at)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, unchecked(Edges[random.Next(Edges.Length)] + random.Next(-1, 2)));
        var width = 1 << random.Next(4);
        if (random.Next(2) == 0)
        {
            number[..width].Reverse();
        }

        for (var i = 0; i < width && at + i < bytes.Count; i++)
        {
            bytes[at + i] = number[i];
        }
    }

    private void PutVarint(List<byte> bytes, int at)
    {
        var value = unchecked((ulong)Edges[random.Next(Edges.Length)]);
        bytes.RemoveRange(at, Math.Min(1, bytes.Count - at));
        var i = at;
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Insert(i++, (byte)((value & 0x7F) | 0x80));
        }

        bytes.Insert(i, (byte)value);
    }

    private void Splice(List<byte> bytes, int at)
    {
        var other = Sample();
        var from = random.Next(other.Length + 1);
        bytes.RemoveRange(at, bytes.Count - at);
        bytes.AddRange(other.AsSpan(from).ToArray());
    }

    private void Swap(List<byte> bytes, int at)
    {
        var length = Math.Min(1 + random.Next(8), bytes.Count - at);
        var to = random.Next(Math.Max(1, bytes.Count - length));
        for (var i = 0; i < length && to + i < bytes.Count; i++)
        {
            (bytes[at + i], bytes[to + i]) = (bytes[to + i], bytes[at + i]);
        }
    }
}
