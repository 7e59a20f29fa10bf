using System.Buffers.Binary;
using System.Text;
using ICSharpCode.SharpZipLib.BZip2;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// The baseline of all bytes: W1 as the manual describes it, each event serialized by itself with a checksum of its own (here MessagePack
/// with names, a length and a CRC-32C), in blocks of 24,000 events that are compressed with bzip2 for the way.
/// </summary>
internal static class RowsBenchmark
{
    private const int BlockEvents = 24_000;
    private const int Level = 9;

    public static Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var events = ReferenceWorkload.Generate(new OidTable(), bench.Events);
        var blocks = new List<byte[]>();
        var rows = Meter.Measure(() =>
        {
            for (var start = 0; start < events.Count; start += BlockEvents)
            {
                blocks.Add(Encode(events, start, Math.Min(start + BlockEvents, events.Count)));
            }
        });
        var packed = new List<byte[]>();
        var compressed = Meter.Measure(() => packed.AddRange(blocks.Select(Compress)));
        var unpacked = new List<byte[]>();
        var expanded = Meter.Measure(() => unpacked.AddRange(packed.Select(Expand)));
        if (!blocks.Zip(unpacked).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)))
        {
            throw new InvalidOperationException("bzip2 did not give back what it was given.");
        }

        double count = events.Count;
        var million = count / 1e6;
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            new("rows_bytes_per_event", blocks.Sum(b => (double)b.Length) / count, "bytes/event, rows"),
            new("rows_bzip2_bytes_per_event", packed.Sum(b => (double)b.Length) / count, "bytes/event, rows + bzip2"),
            new("rows_cpu_seconds_per_million", rows.CpuSeconds / million, "CPU s, making rows"),
            new("rows_bzip2_cpu_seconds_per_million", compressed.CpuSeconds / million, "CPU s, compressing them"),
            new("rows_bunzip2_cpu_seconds_per_million", expanded.CpuSeconds / million, "CPU s, expanding them"),
        ]);
    }

    private static byte[] Encode(EventBatch events, int start, int end)
    {
        using var output = new MemoryStream();
        using var writer = new BinaryWriter(output);
        for (var i = start; i < end; i++)
        {
            var row = EncodeRow(events, i);
            writer.Write(row.Length);
            writer.Write(Crc32C.Compute(row));
            writer.Write(row);
        }

        return output.ToArray();
    }

    private static byte[] EncodeRow(EventBatch events, int i)
    {
        using var row = new MemoryStream(128);
        row.WriteByte(0x85);
        WriteText(row, "oid");
        WriteText(row, events.Oids[events.Items[i]].ToString());
        WriteText(row, "status");
        WriteInteger(row, (ulong)events.Statuses[i]);
        WriteText(row, "value");
        switch ((ValueKind)events.Kinds[i])
        {
            case ValueKind.Double:
                WriteDouble(row, events.Bits[i]);
                break;
            case ValueKind.Boolean:
                row.WriteByte(events.Bits[i] != 0 ? (byte)0xC3 : (byte)0xC2);
                break;
            default:
                WriteInteger(row, events.Bits[i]);
                break;
        }

        WriteText(row, "t");
        WriteDouble(row, BitConverter.DoubleToUInt64Bits(events.TimesNs[i] / 1e9));
        WriteText(row, "ieid");
        row.WriteByte(0x92);
        WriteInteger(row, events.Boots[i]);
        WriteInteger(row, events.Counters[i]);
        return row.ToArray();
    }

    private static void WriteText(MemoryStream row, string text)
    {
        // Nothing here is longer than the shortest form holds, 31 bytes.
        row.WriteByte((byte)(0xA0 | text.Length));
        row.Write(Encoding.ASCII.GetBytes(text));
    }

    private static void WriteInteger(MemoryStream row, ulong value)
    {
        Span<byte> bytes = stackalloc byte[5];
        if (value < 0x80)
        {
            row.WriteByte((byte)value);
            return;
        }

        bytes[0] = 0xCE;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], checked((uint)value));
        row.Write(bytes);
    }

    private static void WriteDouble(MemoryStream row, ulong bits)
    {
        Span<byte> bytes = stackalloc byte[9];
        bytes[0] = 0xCB;
        BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], bits);
        row.Write(bytes);
    }

    private static byte[] Compress(byte[] block)
    {
        using var output = new MemoryStream();
        using (var bzip2 = new BZip2OutputStream(output, Level) { IsStreamOwner = false })
        {
            bzip2.Write(block);
        }

        return output.ToArray();
    }

    private static byte[] Expand(byte[] packed)
    {
        using var output = new MemoryStream();
        using var bzip2 = new BZip2InputStream(new MemoryStream(packed));
        bzip2.CopyTo(output);
        return output.ToArray();
    }
}
