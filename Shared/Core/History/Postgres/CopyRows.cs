using System.Buffers.Binary;
using System.Collections.Frozen;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>An event on its way into a table.</summary>
/// <param name="Index">Its place in the batch.</param>
/// <param name="OidId">The number of its OID.</param>
/// <param name="Number">Its number among the events of its time.</param>
/// <param name="Digest">What its content is found by; null for the first event of a time.</param>
internal readonly record struct EventRow(int Index, int OidId, int Number, long? Digest);

/// <summary>
/// Rows in PostgreSQL's binary format of COPY, written into a buffer that is reused: the client's part of a load costs next to nothing beside
/// the server's. Not thread-safe.
/// </summary>
internal sealed class CopyRows
{
    /// <summary>The columns of an event, in the order in which they are written.</summary>
    public const string Columns =
        "t, boot, counter, \"integer\", number, oid_id, n, quality, status, kind, flags, \"boolean\", text, bytes, digest";

    /// <summary>The names in <see cref="Columns"/>.</summary>
    public static readonly FrozenSet<string> Names = Columns.Split(", ").Select(c => c.Trim('"')).ToFrozenSet(StringComparer.Ordinal);

    private const int FlushBytes = 64 * 1024;
    private const int KeptBytes = 1024 * 1024;
    private const short EventFields = 15;

    // Every field at its widest, with its length before it; text and bytes without their content.
    private const int RowBytesMax = 200;

    private ByteWriter _buffer = new(2 * FlushBytes);

    /// <summary>True when there is enough for a message.</summary>
    public bool IsFull => _buffer.Length >= FlushBytes;

    /// <summary>What was written; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    /// <summary>Starts a load.</summary>
    public void Begin()
    {
        Clear();
        _buffer.WriteBytes([(byte)'P', (byte)'G', (byte)'C', (byte)'O', (byte)'P', (byte)'Y', (byte)'\n', 0xFF, (byte)'\r', (byte)'\n', 0]);
        _buffer.Take(8).Clear();
    }

    /// <summary>Ends a load.</summary>
    public void End() => BinaryPrimitives.WriteInt16BigEndian(_buffer.Take(2), -1);

    /// <summary>Forgets what was sent.</summary>
    public void Clear()
    {
        if (_buffer.Length > KeptBytes)
        {
            _buffer = new ByteWriter(2 * FlushBytes);
        }

        _buffer.Clear();
    }

    /// <summary>Appends an event.</summary>
    /// <param name="batch">Where it is.</param>
    /// <param name="row">Which one.</param>
    /// <param name="sequence">A further column, or null for none.</param>
    public void Append(EventBatch batch, in EventRow row, int? sequence = null)
    {
        var i = row.Index;
        var kind = (ValueKind)batch.Kinds[i];
        var reference = batch.References[i];
        var (column, bits) = reference is null ? PostgresValue.Scalar(kind, batch.Bits[i]) : default;
        var start = _buffer.Length;
        var fields = new FieldWriter(_buffer.Take(RowBytesMax));
        fields.Count((short)(sequence is null ? EventFields : EventFields + 1));
        fields.Int64(batch.TimesNs[i]);
        fields.Int64(unchecked((long)batch.Boots[i]));
        fields.Int64(unchecked((long)batch.Counters[i]));
        fields.Int64If(column == ValueColumn.Integer, bits);
        fields.Int64If(column == ValueColumn.Number, bits);
        fields.Int32(row.OidId);
        fields.Int32(row.Number);
        fields.Int32(unchecked((int)batch.Qualities[i]));
        fields.Int16(batch.Statuses[i]);
        fields.Int16((short)kind);
        if (batch.Flags[i] == 0)
        {
            fields.Null();
        }
        else
        {
            fields.Int16(batch.Flags[i]);
        }

        if (column == ValueColumn.Boolean)
        {
            fields.Byte((byte)bits);
        }
        else
        {
            fields.Null();
        }

        if (reference is null)
        {
            fields.Null();
            fields.Null();
        }
        else
        {
            _buffer.Truncate(start + fields.Length);
            AppendReference(kind, reference);
            start = _buffer.Length;
            fields = new FieldWriter(_buffer.Take(RowBytesMax));
        }

        fields.Int64If(row.Digest is not null, unchecked((ulong)(row.Digest ?? 0)));
        if (sequence is { } number)
        {
            fields.Int32(number);
        }

        _buffer.Truncate(start + fields.Length);
    }

    /// <summary>The two columns of text and bytes, of which one is set.</summary>
    private void AppendReference(ValueKind kind, object reference)
    {
        var lengthAt = _buffer.Length;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.Take(4), -1);
        var column = PostgresValue.Append(_buffer, kind, reference);
        var length = _buffer.Length - lengthAt - 4;
        if (column == ValueColumn.Text)
        {
            BinaryPrimitives.WriteInt32BigEndian(_buffer.Patch(lengthAt, 4), length);
            BinaryPrimitives.WriteInt32BigEndian(_buffer.Take(4), -1);
            return;
        }

        // Text is not set, and the length of the bytes belongs before them.
        _buffer.Take(4);
        var content = _buffer.Patch(lengthAt + 4, length + 4);
        content[..length].CopyTo(content[4..]);
        BinaryPrimitives.WriteInt32BigEndian(content, length);
    }

    /// <summary>Fields in network order, each with its length before it.</summary>
    private ref struct FieldWriter(Span<byte> room)
    {
        private readonly Span<byte> _room = room;

        public int Length { get; private set; }

        public void Count(short fields)
        {
            BinaryPrimitives.WriteInt16BigEndian(_room[Length..], fields);
            Length += 2;
        }

        public void Null()
        {
            BinaryPrimitives.WriteInt32BigEndian(_room[Length..], -1);
            Length += 4;
        }

        public void Byte(byte value)
        {
            BinaryPrimitives.WriteInt32BigEndian(_room[Length..], 1);
            _room[Length + 4] = value;
            Length += 5;
        }

        public void Int16(short value)
        {
            BinaryPrimitives.WriteInt32BigEndian(_room[Length..], 2);
            BinaryPrimitives.WriteInt16BigEndian(_room[(Length + 4)..], value);
            Length += 6;
        }

        public void Int32(int value)
        {
            BinaryPrimitives.WriteInt32BigEndian(_room[Length..], 4);
            BinaryPrimitives.WriteInt32BigEndian(_room[(Length + 4)..], value);
            Length += 8;
        }

        public void Int64(long value)
        {
            BinaryPrimitives.WriteInt32BigEndian(_room[Length..], 8);
            BinaryPrimitives.WriteInt64BigEndian(_room[(Length + 4)..], value);
            Length += 12;
        }

        public void Int64If(bool isSet, ulong bits)
        {
            if (isSet)
            {
                Int64(unchecked((long)bits));
            }
            else
            {
                Null();
            }
        }
    }
}
