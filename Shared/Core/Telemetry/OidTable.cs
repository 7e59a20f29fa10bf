using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;

namespace ZfRepl.Core.Telemetry;

/// <summary>Numbers OIDs from 0, so that batches carry small integers. Grows only. Thread-safe.</summary>
public sealed class OidTable
{
    private const int MaxStackChars = 512;

    private readonly ConcurrentDictionary<string, int> _indexes = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private Oid[] _oids = new Oid[64];
    private int _count;

    /// <summary>How many OIDs have a number.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The OID with a number.</summary>
    public Oid this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return Volatile.Read(ref _oids)[index];
        }
    }

    /// <summary>The number of an OID, given now if it had none.</summary>
    public int GetOrAdd(Oid oid)
    {
        if (_indexes.TryGetValue(oid.Text, out var index))
        {
            return index;
        }

        lock (_gate)
        {
            if (_indexes.TryGetValue(oid.Text, out index))
            {
                return index;
            }

            index = _count;
            if (index == _oids.Length)
            {
                var larger = new Oid[_oids.Length * 2];
                _oids.CopyTo(larger, 0);
                Volatile.Write(ref _oids, larger);
            }

            _oids[index] = oid;
            Volatile.Write(ref _count, index + 1);
            _indexes[oid.Text] = index;
            return index;
        }
    }

    /// <summary>The number of an OID given as UTF-8 text; allocates only for one that is new.</summary>
    /// <param name="utf8">The canonical text form.</param>
    /// <param name="index">The number, when true is returned.</param>
    /// <param name="error">Why not, when false is returned.</param>
    public bool TryGetOrAdd(ReadOnlySpan<byte> utf8, out int index, [NotNullWhen(false)] out string? error)
    {
        index = -1;
        if (utf8.Length > Oid.MaxTextBytes)
        {
            error = $"An OID holds at most {Oid.MaxTextBytes} bytes.";
            return false;
        }

        char[]? rented = null;
        var chars = utf8.Length <= MaxStackChars ? stackalloc char[MaxStackChars] : rented = ArrayPool<char>.Shared.Rent(utf8.Length);
        try
        {
            if (Utf8.ToUtf16(utf8, chars, out _, out var length, replaceInvalidSequences: false) != OperationStatus.Done)
            {
                error = "The OID is not valid UTF-8.";
                return false;
            }

            if (_indexes.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..length], out index))
            {
                error = null;
                return true;
            }

            if (!Oid.TryParse(chars[..length].ToString(), out var oid, out error))
            {
                return false;
            }

            index = GetOrAdd(oid);
            return true;
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<char>.Shared.Return(rented);
            }
        }
    }
}
