using System.Buffers;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <summary>
/// Many data changes as columns: index <c>i</c> of every column belongs to the same change. Made to be filled, read and cleared again
/// and again; in steady state that allocates nothing, unless values are strings, lists or other objects.
/// </summary>
/// <remarks>
/// Not thread-safe. The columns come from a pool: spans taken from here are valid until the next change to the batch, and nothing may
/// be used after <see cref="Dispose"/>.
/// </remarks>
public sealed class DataChangeBatch : IDisposable
{
    private const int CapacityMin = 256;

    private uint[] _clientHandles = [];
    private uint[] _statuses = [];
    private long[] _sourceTicks = [];
    private long[] _serverTicks = [];
    private ushort[] _sourcePicoseconds = [];
    private ushort[] _serverPicoseconds = [];
    private DataValueFields[] _fields = [];
    private byte[] _valueKinds = [];
    private ulong[] _bits = [];
    private object?[] _references = [];
    private int _referencesEnd;
    private int _capacity;
    private bool _disposed;

    /// <summary>The number of changes.</summary>
    public int Count { get; private set; }

    /// <summary>The numbers that the client gave to its monitored items.</summary>
    public ReadOnlySpan<uint> ClientHandles => _clientHandles.AsSpan(0, Count);

    /// <summary>The quality, all 32 bits, see <see cref="StatusCode"/>; zero (good) where absent.</summary>
    public ReadOnlySpan<uint> Statuses => _statuses.AsSpan(0, Count);

    /// <summary>When the source changed the value, see <see cref="UaDateTime.Ticks"/>; zero where absent.</summary>
    public ReadOnlySpan<long> SourceTicks => _sourceTicks.AsSpan(0, Count);

    /// <summary>When the server learned of it, see <see cref="UaDateTime.Ticks"/>; zero where absent.</summary>
    public ReadOnlySpan<long> ServerTicks => _serverTicks.AsSpan(0, Count);

    /// <summary>The source's time below 100 ns in units of 10 ps; zero where absent.</summary>
    public ReadOnlySpan<ushort> SourcePicoseconds => _sourcePicoseconds.AsSpan(0, Count);

    /// <summary>The server's time below 100 ns in units of 10 ps; zero where absent.</summary>
    public ReadOnlySpan<ushort> ServerPicoseconds => _serverPicoseconds.AsSpan(0, Count);

    /// <summary>Which fields the server sent.</summary>
    public ReadOnlySpan<DataValueFields> Fields => _fields.AsSpan(0, Count);

    /// <summary>
    /// Type and shape of the value: the <see cref="BuiltInType"/> in the lower six bits, 0x80 for a list, 0xC0 for a matrix. Zero where the
    /// value is absent or null.
    /// </summary>
    public ReadOnlySpan<byte> ValueKinds => _valueKinds.AsSpan(0, Count);

    /// <summary>The value where it lives in 64 bits, see <see cref="Variant.ScalarBits"/>; else zero.</summary>
    public ReadOnlySpan<ulong> Bits => _bits.AsSpan(0, Count);

    /// <summary>The value where it is an object, see <see cref="Variant.Reference"/>; else null.</summary>
    public ReadOnlySpan<object?> References => _references.AsSpan(0, Count);

    /// <summary>One value.</summary>
    public Variant GetValue(int index)
    {
        var kind = ValueKinds[index];
        return Variant.FromParts((BuiltInType)(kind & UaReader.VariantTypeBits), ShapeOf(kind), _bits[index], _references[index]);
    }

    /// <summary>One value with everything that came with it.</summary>
    public DataValue GetDataValue(int index) => new()
    {
        Fields = Fields[index],
        Value = GetValue(index),
        Status = new StatusCode(_statuses[index]),
        SourceTimestamp = new UaDateTime(_sourceTicks[index]),
        ServerTimestamp = new UaDateTime(_serverTicks[index]),
        SourcePicoseconds = _sourcePicoseconds[index],
        ServerPicoseconds = _serverPicoseconds[index],
    };

    /// <summary>Appends one change.</summary>
    public void Add(uint clientHandle, in DataValue value)
    {
        EnsureRoom(1);
        Append(clientHandle, value);
    }

    /// <summary>Forgets the changes and lets go of the objects; the columns stay for the next use.</summary>
    public void Clear() => Truncate(0);

    /// <summary>Gives the columns back to the pool.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        Clear();
        _disposed = true;
        _capacity = 0;
        Return(ref _clientHandles);
        Return(ref _statuses);
        Return(ref _sourceTicks);
        Return(ref _serverTicks);
        Return(ref _sourcePicoseconds);
        Return(ref _serverPicoseconds);
        Return(ref _fields);
        Return(ref _valueKinds);
        Return(ref _bits);
        Return(ref _references);
    }

    internal static VariantShape ShapeOf(byte valueKind) =>
        (valueKind & UaReader.VariantDimensionsFlag) != 0 ? VariantShape.Matrix
        : (valueKind & UaReader.VariantArrayFlag) != 0 ? VariantShape.Array
        : VariantShape.Scalar;

    internal static byte KindOf(BuiltInType type, VariantShape shape) => shape switch
    {
        VariantShape.Scalar => (byte)type,
        VariantShape.Array => (byte)((byte)type | UaReader.VariantArrayFlag),
        _ => (byte)((byte)type | UaReader.VariantArrayFlag | UaReader.VariantDimensionsFlag),
    };

    /// <summary>Drops the changes from <paramref name="count"/> on, as after a message that turned out to be broken.</summary>
    internal void Truncate(int count)
    {
        if (_referencesEnd > count)
        {
            Array.Clear(_references, count, _referencesEnd - count);
            _referencesEnd = count;
        }

        Count = Math.Min(Count, count);
    }

    /// <summary>Makes room for that many more changes; the caller has checked the number.</summary>
    internal void EnsureRoom(int more)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var needed = Count + more;
        if (needed <= _capacity)
        {
            return;
        }

        var capacity = Math.Max(CapacityMin, (int)Math.Max(needed, Math.Min(2L * _capacity, int.MaxValue / 16)));
        Grow(ref _clientHandles, capacity);
        Grow(ref _statuses, capacity);
        Grow(ref _sourceTicks, capacity);
        Grow(ref _serverTicks, capacity);
        Grow(ref _sourcePicoseconds, capacity);
        Grow(ref _serverPicoseconds, capacity);
        Grow(ref _fields, capacity);
        Grow(ref _valueKinds, capacity);
        Grow(ref _bits, capacity);
        Grow(ref _references, capacity);
        _capacity = capacity;
    }

    /// <summary>Writes one change into room that <see cref="EnsureRoom"/> made.</summary>
    internal void Append(uint clientHandle, in DataValue value)
    {
        var variant = value.Value;
        Append(new Change
        {
            ClientHandle = clientHandle,
            Status = value.Status.Value,
            SourceTicks = value.SourceTimestamp.Ticks,
            ServerTicks = value.ServerTimestamp.Ticks,
            SourcePicoseconds = value.SourcePicoseconds,
            ServerPicoseconds = value.ServerPicoseconds,
            Fields = value.Fields,
            ValueKind = KindOf(variant.Type, variant.Shape),
            Bits = variant.ScalarBits,
        }, variant.Reference);
    }

    /// <summary>Writes one change into room that <see cref="EnsureRoom"/> made.</summary>
    internal void Append(in Change change, object? reference)
    {
        var index = Count;
        _clientHandles[index] = change.ClientHandle;
        _statuses[index] = change.Status;
        _sourceTicks[index] = change.SourceTicks;
        _serverTicks[index] = change.ServerTicks;
        _sourcePicoseconds[index] = change.SourcePicoseconds;
        _serverPicoseconds[index] = change.ServerPicoseconds;
        _fields[index] = change.Fields;
        _valueKinds[index] = change.ValueKind;
        _bits[index] = change.Bits;
        Count = index + 1;

        // The column is kept clean by Truncate, so scalars need not touch it.
        if (reference is not null)
        {
            _references[index] = reference;
            _referencesEnd = Count;
        }
    }

    private static void Return<T>(ref T[] column)
    {
        if (column.Length > 0)
        {
            ArrayPool<T>.Shared.Return(column);
        }

        column = [];
    }

    /// <summary>A rented column may be longer than asked for. The column of objects comes clean and goes back clean.</summary>
    private void Grow<T>(ref T[] column, int capacity)
    {
        var larger = ArrayPool<T>.Shared.Rent(capacity);
        if (!typeof(T).IsValueType)
        {
            Array.Clear(larger);
        }

        Array.Copy(column, larger, Count);
        if (column.Length > 0)
        {
            if (!typeof(T).IsValueType)
            {
                Array.Clear(column);
            }

            ArrayPool<T>.Shared.Return(column);
        }

        column = larger;
    }

    /// <summary>One row of the columns without the object.</summary>
    internal ref struct Change
    {
        public uint ClientHandle;
        public uint Status;
        public long SourceTicks;
        public long ServerTicks;
        public ushort SourcePicoseconds;
        public ushort ServerPicoseconds;
        public DataValueFields Fields;
        public byte ValueKind;
        public ulong Bits;
    }
}
