using System.Buffers.Binary;
using System.Security.Cryptography;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>
/// A digest of what an event says of its OID and time: status, quality, kind and value, bit for bit. The first 128 bits of SHA-256, so that equal digests mean
/// equal contents. Its lower half is in the database, to find events by: it must never change. Not thread-safe.
/// </summary>
internal sealed class ContentDigest
{
    private ByteWriter _bytes = new(256);

    public UInt128 Of(EventBatch batch, int oidId, int index)
    {
        const int KeptBytes = 1024 * 1024;
        if (_bytes.Length > KeptBytes)
        {
            _bytes = new ByteWriter(256);
        }

        _bytes.Clear();
        _bytes.WriteUInt32((uint)oidId);
        _bytes.WriteInt64(batch.TimesNs[index]);
        _bytes.WriteUInt16(unchecked((ushort)batch.Statuses[index]));
        _bytes.WriteUInt32(batch.Qualities[index]);
        _bytes.WriteByte(batch.Kinds[index]);

        // Scalars with all their bits, since the codec takes only those that their kind has.
        _bytes.WriteUInt64(batch.Bits[index]);
        if (batch.References[index] is { } reference)
        {
            ValueCodec.Write(_bytes, (ValueKind)batch.Kinds[index], batch.Bits[index], reference);
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_bytes.Written, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
