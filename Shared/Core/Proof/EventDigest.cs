using System.Buffers.Binary;
using System.Security.Cryptography;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Proof;

/// <summary>
/// The digest of an event: the first 128 bits of SHA-256 over item, time, status, quality, kind and value, each bit of them (docs/proof.md).
/// Identity and flags are left out: they say how an event came, not what it says. Not thread-safe.
/// </summary>
public sealed class EventDigest
{
    private const int KeptBytes = 1024 * 1024;

    private ByteWriter _bytes = new(256);

    /// <summary>The digest of an event of a batch.</summary>
    public UInt128 Of(EventBatch batch, int index)
    {
        if (_bytes.Capacity > KeptBytes)
        {
            _bytes = new ByteWriter(256);
        }

        _bytes.Clear();
        var item = batch.Oids[batch.Items[index]].Utf8Text;
        _bytes.WriteVarint((ulong)item.Length);
        _bytes.WriteBytes(item);
        _bytes.WriteInt64(batch.TimesNs[index]);
        _bytes.WriteUInt16(unchecked((ushort)batch.Statuses[index]));
        _bytes.WriteUInt32(batch.Qualities[index]);
        _bytes.WriteByte(batch.Kinds[index]);
        ValueCodec.Write(_bytes, (ValueKind)batch.Kinds[index], batch.Bits[index], batch.References[index]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_bytes.Written, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>The sum over a whole batch.</summary>
    public EventSum Sum(EventBatch batch)
    {
        var sum = default(EventSum);
        for (var i = 0; i < batch.Count; i++)
        {
            sum += new EventSum(1, Of(batch, i));
        }

        return sum;
    }
}
