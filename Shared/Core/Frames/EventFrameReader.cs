using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>Event frames → batches. The bytes may be hostile; the scratch space is reused. Not thread-safe.</summary>
public sealed class EventFrameReader
{
    private int[] _items = new int[64];
    private ColumnsDecoder? _columns;

    /// <summary>True for the types of frames that hold events.</summary>
    public static bool HoldsEvents(FrameType type) => type is FrameType.EventRows or FrameType.EventColumns;

    /// <summary>Appends the events of a frame to a batch.</summary>
    /// <param name="header">The frame's header.</param>
    /// <param name="payload">The payload, its checksum already verified.</param>
    /// <param name="batch">Where to; on failure it may hold some of the events, the caller clears it.</param>
    /// <returns>Null, or what is wrong.</returns>
    public string? Read(in FrameHeader header, ReadOnlySpan<byte> payload, EventBatch batch) => header.Type switch
    {
        FrameType.EventRows => ReadRows(header, payload, batch),
        FrameType.EventColumns => (_columns ??= new ColumnsDecoder()).Read(header.EventCount, payload, batch),
        _ => $"a frame of type {(byte)header.Type} holds no events",
    };

    private string? ReadRows(in FrameHeader header, ReadOnlySpan<byte> payload, EventBatch batch)
    {
        var input = new ByteReader(payload);
        var boot = input.ReadVarint();
        var counter = input.ReadVarint();
        var itemCount = ReadDictionary(ref input, batch.Oids);
        var items = _items.AsSpan(0, itemCount);
        var timeNs = 0L;
        for (var i = 0u; i < header.EventCount && input.IsOk; i++)
        {
            ReadRow(ref input, items, batch, ref timeNs, ref boot, ref counter);
        }

        if (input.IsOk && input.Remaining != 0)
        {
            input.Fail($"{input.Remaining} bytes are left over behind the last event");
        }

        return input.IsOk ? null : $"{input.Error} (payload offset {input.Position})";
    }

    private static void ReadRow(
        ref ByteReader input, scoped ReadOnlySpan<int> items, EventBatch batch, ref long timeNs, ref ulong boot, ref ulong counter)
    {
        var local = input.ReadVarint();
        if (local >= (ulong)items.Length)
        {
            input.Fail($"item {local} is not among the {items.Length} of the frame's dictionary");
            return;
        }

        timeNs = unchecked(timeNs + input.ReadZigzag());
        var tag = input.ReadByte();
        short status = 1;
        var quality = 0u;
        byte flags = 0;
        if ((tag & RowExtension.TagBit) != 0)
        {
            var extension = input.ReadByte();
            if ((extension & ~RowExtension.All) != 0 || extension == 0)
            {
                input.Fail($"the row extension {extension} is not known to this version");
                return;
            }

            ReadExtension(ref input, extension, ref status, ref quality, ref flags, ref boot, ref counter);
        }

        var kind = (ValueKind)(tag & ~RowExtension.TagBit);
        if (!TelemetryValue.IsKnown(kind))
        {
            input.Fail($"the value kind {(byte)kind} is not known to this version");
            return;
        }

        var (bits, reference) = ValueCodec.Read(ref input, kind);
        if (input.IsOk)
        {
            batch.Add(items[(int)local], timeNs, status, quality, kind, bits, reference, new Ieid(boot, counter), (EventFlags)flags);
            counter = unchecked(counter + 1);
        }
    }

    private static void ReadExtension(
        ref ByteReader input, int extension, ref short status, ref uint quality, ref byte flags, ref ulong boot, ref ulong counter)
    {
        if ((extension & RowExtension.Status) != 0)
        {
            var value = input.ReadZigzag();
            if (value is < short.MinValue or > short.MaxValue)
            {
                input.Fail($"the status {value} does not fit into 16 bits");
                return;
            }

            status = (short)value;
        }

        quality = (extension & RowExtension.Quality) != 0 ? input.ReadUInt32() : 0;
        flags = (extension & RowExtension.Flags) != 0 ? input.ReadByte() : (byte)0;
        if ((extension & RowExtension.Boot) != 0)
        {
            boot = input.ReadVarint();
            counter = input.ReadVarint();
        }
        else if ((extension & RowExtension.Counter) != 0)
        {
            counter = unchecked(counter + (ulong)input.ReadZigzag());
        }
    }

    private int ReadDictionary(ref ByteReader input, OidTable oids)
    {
        // Length byte, kind, colon and one character: no OID is shorter.
        var count = input.ReadCount(7, (int)FrameHeader.MaxEvents);
        if (_items.Length < count)
        {
            _items = new int[Math.Max(count, _items.Length * 2)];
        }

        for (var i = 0; i < count && input.IsOk; i++)
        {
            var text = input.ReadBytes(input.ReadCount(1, Oid.MaxTextBytes));
            if (input.IsOk && !oids.TryGetOrAdd(text, out _items[i], out var error))
            {
                input.Fail(error);
            }
        }

        return input.IsOk ? count : 0;
    }
}
