using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <summary>Reads OPC UA Binary (OPC 10000-6, 5.2) from bytes that a stranger sent.</summary>
/// <remarks>
/// It never throws on any input and never allocates before the length was checked against the bytes left and against the limits. The
/// first error sticks: from then on every read returns a default at once, and <see cref="Error"/> tells what happened where. So
/// decoders are straight lines of reads with one check at the end; only loops ask <see cref="Failed"/>.
/// </remarks>
internal ref partial struct UaReader
{
    /// <summary>What one small object is taken to cost, with its reference; a rough figure is enough for a budget.</summary>
    private const int ObjectBytes = 128;

    private readonly ReadOnlySpan<byte> _buffer;
    private readonly DecodeLimits _limits;
    private readonly int _baseOffset;
    private int _position;
    private int _depth;
    private long _allocationLeft;
    private DecodeError _error;

    public UaReader(ReadOnlySpan<byte> buffer, DecodeLimits limits)
        : this(buffer, limits, 0, 0, limits.AllocationBytesMax)
    {
    }

    private UaReader(ReadOnlySpan<byte> buffer, DecodeLimits limits, int baseOffset, int depth, long allocationLeft)
    {
        _buffer = buffer;
        _limits = limits;
        _baseOffset = baseOffset;
        _depth = depth;
        _allocationLeft = allocationLeft;
    }

    public readonly DecodeLimits Limits => _limits;

    public readonly DecodeError Error => _error;

    public readonly bool Failed => _error.Status.Value != 0;

    public readonly int Position => _position;

    /// <summary>Bytes not yet read; zero after an error.</summary>
    public readonly int Remaining => _buffer.Length - _position;

    public bool ReadBoolean() => ReadByte() != 0;

    public byte ReadByte()
    {
        if (Remaining < 1)
        {
            FailEnd();
            return 0;
        }

        return _buffer[_position++];
    }

    public sbyte ReadSByte() => unchecked((sbyte)ReadByte());

    public ushort ReadUInt16() => TryTake(sizeof(ushort), out var bytes) ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    public short ReadInt16() => unchecked((short)ReadUInt16());

    public uint ReadUInt32() => TryTake(sizeof(uint), out var bytes) ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    public int ReadInt32() => unchecked((int)ReadUInt32());

    public ulong ReadUInt64() => TryTake(sizeof(ulong), out var bytes) ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

    public long ReadInt64() => unchecked((long)ReadUInt64());

    public float ReadFloat() => BitConverter.UInt32BitsToSingle(ReadUInt32());

    public double ReadDouble() => BitConverter.UInt64BitsToDouble(ReadUInt64());

    public UaDateTime ReadDateTime() => new(ReadInt64());

    public StatusCode ReadStatusCode() => new(ReadUInt32());

    public Guid ReadGuid() => TryTake(16, out var bytes) ? new Guid(bytes) : Guid.Empty;

    /// <summary>A string in UTF-8; bytes that are not UTF-8 become U+FFFD, so that one bad text does not cost a whole message.</summary>
    public string? ReadString()
    {
        var length = ReadLength(_limits.StringBytesMax, "String");
        if (length < 0 || !TryCharge(24L + (2L * length)) || !TryTake(length, out var bytes))
        {
            return null;
        }

        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    public byte[]? ReadByteString() => ReadByteString(_limits.ByteStringBytesMax);

    /// <summary>A byte string with a limit of its own, for fields whose honest size is known.</summary>
    public byte[]? ReadByteString(int bytesMax)
    {
        var length = ReadLength(Math.Min(bytesMax, _limits.ByteStringBytesMax), "ByteString");
        if (length < 0 || !TryCharge(24L + length) || !TryTake(length, out var bytes))
        {
            return null;
        }

        return bytes.ToArray();
    }

    /// <summary>
    /// The length of a list, or -1 for a null list; checked against the limit and, with the elements' least size, against the bytes left.
    /// </summary>
    public int ReadArrayLength(int elementBytesMin, string what)
    {
        var length = ReadInt32();
        if (length < 0)
        {
            return -1;
        }

        if (length > _limits.ArrayLengthMax)
        {
            Fail(StatusCodes.BadEncodingLimitsExceeded, what + " list is too long");
            return -1;
        }

        if (elementBytesMin * (long)length > Remaining)
        {
            Fail(StatusCodes.BadDecodingError, what + " list is longer than the data");
            return -1;
        }

        return length;
    }

    /// <summary>A list of structures; a null list is read as an empty one.</summary>
    public T[] ReadArray<T>()
        where T : IDecodable<T>
    {
        var length = ReadArrayLength(T.EncodedBytesMin, typeof(T).Name);
        var elementBytes = typeof(T).IsValueType ? Unsafe.SizeOf<T>() : ObjectBytes;
        if (length <= 0 || !TryCharge(24L + ((long)length * elementBytes)))
        {
            return [];
        }

        var items = new T[length];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = T.Decode(ref this);
            if (Failed)
            {
                return [];
            }
        }

        return items;
    }

    public bool TrySkip(int count) => TryTake(count, out _);

    /// <summary>Takes the next bytes out of the buffer without copying them.</summary>
    public bool TryTake(int count, out ReadOnlySpan<byte> bytes)
    {
        if (count > Remaining)
        {
            FailEnd();
            bytes = default;
            return false;
        }

        bytes = _buffer.Slice(_position, count);
        _position += count;
        return true;
    }

    /// <summary>
    /// A reader over the next bytes alone, for a structure with a length before it; this reader moves past them, whether the other
    /// one reads them or not. Give the other one back with <see cref="Join"/>.
    /// </summary>
    public UaReader Split(int count)
    {
        var start = _position;
        var depth = _depth;
        return TryTake(count, out var bytes)
            ? new UaReader(bytes, _limits, _baseOffset + start, depth, _allocationLeft)
            : new UaReader(default, _limits, _baseOffset + start, depth, 0) { _error = _error };
    }

    /// <summary>Takes over the error and the allocation count of a reader that <see cref="Split"/> made.</summary>
    public void Join(UaReader part)
    {
        _allocationLeft = part._allocationLeft;
        if (part.Failed && !Failed)
        {
            _error = part._error;
            _position = _buffer.Length;
        }
    }

    /// <summary>Counts memory against the message's budget before it is allocated.</summary>
    public bool TryCharge(long bytes)
    {
        if (bytes > _allocationLeft)
        {
            Fail(StatusCodes.BadEncodingLimitsExceeded, "message unfolds into too much memory");
            return false;
        }

        _allocationLeft -= bytes;
        return true;
    }

    /// <summary>Ends the decoding; only the first error counts.</summary>
    public void Fail(StatusCode status, string what)
    {
        if (!Failed)
        {
            _error = new DecodeError(status, _baseOffset + _position, what);
        }

        _position = _buffer.Length;
    }

    /// <summary>One level deeper; pair with <see cref="Leave"/> when it returned true.</summary>
    private bool TryEnter(string what)
    {
        if (_depth >= _limits.NestingMax)
        {
            Fail(StatusCodes.BadEncodingLimitsExceeded, what + " is nested too deep");
            return false;
        }

        _depth++;
        return true;
    }

    private void Leave() => _depth--;

    private int ReadLength(int limit, string what)
    {
        var length = ReadInt32();
        if (length < 0)
        {
            return -1;
        }

        if (length > limit)
        {
            Fail(StatusCodes.BadEncodingLimitsExceeded, what + " is too long");
            return -1;
        }

        if (length > Remaining)
        {
            Fail(StatusCodes.BadDecodingError, what + " is longer than the data");
            return -1;
        }

        return length;
    }

    private void FailEnd() => Fail(StatusCodes.BadDecodingError, "data ends early");
}
