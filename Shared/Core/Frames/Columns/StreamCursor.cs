namespace ZfRepl.Core.Frames.Columns;

/// <summary>A place in a stream that is read. Nothing is read past its end.</summary>
internal struct StreamCursor(byte[] bytes, int start, int end)
{
    private readonly byte[] _bytes = bytes;
    private readonly int _start = start;
    private readonly int _end = end;
    private int _position = start;

    /// <summary>What was not read yet.</summary>
    public readonly ReadOnlySpan<byte> Remaining => _bytes is null ? default : _bytes.AsSpan(_position, _end - _position);

    /// <summary>True for a stream that is not there.</summary>
    public readonly bool IsEmpty => _start == _end;

    /// <summary>True at the end.</summary>
    public readonly bool IsAtEnd => _position == _end;

    /// <summary>Goes on over bytes that <see cref="Remaining"/> had.</summary>
    public void Skip(int count) => _position += count;

    /// <summary>Takes bytes, if there are as many.</summary>
    public bool TryTake(int count, out ReadOnlySpan<byte> taken)
    {
        if ((uint)count > (uint)(_end - _position))
        {
            taken = default;
            return false;
        }

        taken = _bytes is null ? default : _bytes.AsSpan(_position, count);
        _position += count;
        return true;
    }

    /// <summary>Takes a byte; 0 with false at the end.</summary>
    public bool TryByte(out byte value)
    {
        if (_position >= _end)
        {
            value = 0;
            return false;
        }

        value = _bytes[_position++];
        return true;
    }

    /// <summary>Takes a varint; 0 with false where there is none.</summary>
    public bool TryVarint(out ulong value)
    {
        unchecked
        {
            value = 0;
            for (var shift = 0; shift < 70; shift += 7)
            {
                if (_position >= _end)
                {
                    return false;
                }

                var next = _bytes[_position++];
                if (shift == 63 && next > 1)
                {
                    return false;
                }

                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Takes a zigzag varint.</summary>
    public bool TryZigzag(out long value)
    {
        var isOk = TryVarint(out var raw);
        value = Numbers.Unzigzag(raw);
        return isOk;
    }

    /// <summary>Takes the length of a run: a varint from 1 to a limit.</summary>
    public bool TryRun(int limit, out int length)
    {
        var isOk = TryVarint(out var raw) && raw >= 1 && raw <= (ulong)limit;
        length = isOk ? (int)raw : 0;
        return isOk;
    }
}
