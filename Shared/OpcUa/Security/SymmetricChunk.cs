using System.Buffers.Binary;
using ZfRepl.OpcUa.Transport;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The layout of MSG and CLO chunks under a token (OPC 10000-6, 6.7.2): header, channel, token | sequence header, body, padding, signature;
/// what is right of the bar is encrypted in mode SignAndEncrypt.
/// </summary>
internal sealed class SymmetricChunk(MessageSecurityMode mode)
{
    /// <summary>Message header, channel id and token id.</summary>
    public const int HeaderBytes = MessageHeader.Bytes + 8;

    private const int SequenceHeaderBytes = 8;
    private const int TokenIdOffset = 12;

    private readonly bool _encrypted = mode == MessageSecurityMode.SignAndEncrypt;
    private readonly int _signatureBytes = mode == MessageSecurityMode.None ? 0 : SecurityPolicy.SymmetricSignatureBytes;

    public static uint TokenIdOf(ReadOnlySpan<byte> chunk) => BinaryPrimitives.ReadUInt32LittleEndian(chunk[TokenIdOffset..]);

    /// <summary>The largest body that fits into a chunk of that size.</summary>
    public int BodyBytesMax(int chunkBytes)
    {
        var room = chunkBytes - HeaderBytes;
        return _encrypted
            ? (room / SecurityPolicy.BlockBytes * SecurityPolicy.BlockBytes) - SequenceHeaderBytes - _signatureBytes - 1
            : room - SequenceHeaderBytes - _signatureBytes;
    }

    /// <summary>The size of the chunk that carries a body of that size.</summary>
    public int ChunkBytes(int bodyBytes) =>
        HeaderBytes + SequenceHeaderBytes + bodyBytes + PaddingBytes(bodyBytes) + _signatureBytes;

    /// <summary>Writes a chunk to the beginning of <paramref name="room"/> and returns its size.</summary>
    public int Write(
        MessageType type, ChunkKind kind, TokenKeys keys, uint sequenceNumber, uint requestId, ReadOnlySpan<byte> body, Span<byte> room)
    {
        var chunk = room[..ChunkBytes(body.Length)];
        new MessageHeader(type, kind, chunk.Length).Write(chunk);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[MessageHeader.Bytes..], keys.Token.ChannelId);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[TokenIdOffset..], keys.Token.TokenId);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[HeaderBytes..], sequenceNumber);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[(HeaderBytes + 4)..], requestId);
        body.CopyTo(chunk[(HeaderBytes + SequenceHeaderBytes)..]);
        var padding = PaddingBytes(body.Length);
        if (padding > 0)
        {
            // The size byte and the padding bytes all hold the same number: the padding without the size byte.
            chunk.Slice(HeaderBytes + SequenceHeaderBytes + body.Length, padding).Fill((byte)(padding - 1));
        }

        Protect(chunk, keys.Send);
        return chunk.Length;
    }

    /// <summary>Checks and decrypts in place; the plain text begins at <see cref="HeaderBytes"/>.</summary>
    /// <returns>False for every kind of failure.</returns>
    public bool TryOpen(Span<byte> chunk, SymmetricKeys? keys, out int plainBytes)
    {
        plainBytes = chunk.Length - HeaderBytes - _signatureBytes;
        if (keys is null)
        {
            return mode == MessageSecurityMode.None && plainBytes >= 0;
        }

        if (plainBytes < 0)
        {
            return false;
        }

        if (_encrypted)
        {
            if ((chunk.Length - HeaderBytes) % SecurityPolicy.BlockBytes != 0)
            {
                return false;
            }

            keys.Decrypt(chunk[HeaderBytes..]);
        }

        var signatureAt = chunk.Length - _signatureBytes;
        return keys.Verify(chunk[..signatureAt], chunk[signatureAt..]) && (!_encrypted || TryUnpad(chunk[..signatureAt], ref plainBytes));
    }

    private static bool TryUnpad(ReadOnlySpan<byte> signed, ref int plainBytes)
    {
        if (plainBytes == 0)
        {
            return false;
        }

        var padding = signed[^1] + 1;
        plainBytes -= padding;
        return plainBytes >= 0 && signed[^padding..].IndexOfAnyExcept(signed[^1]) < 0;
    }

    private void Protect(Span<byte> chunk, SymmetricKeys? keys)
    {
        if (keys is null)
        {
            return;
        }

        var signatureAt = chunk.Length - _signatureBytes;
        keys.Sign(chunk[..signatureAt], chunk[signatureAt..]);
        if (_encrypted)
        {
            keys.Encrypt(chunk[HeaderBytes..]);
        }
    }

    /// <summary>The size byte and what follows it; zero when nothing is encrypted.</summary>
    private int PaddingBytes(int bodyBytes)
    {
        if (!_encrypted)
        {
            return 0;
        }

        var unpadded = SequenceHeaderBytes + bodyBytes + 1 + _signatureBytes;
        return 1 + ((SecurityPolicy.BlockBytes - (unpadded % SecurityPolicy.BlockBytes)) % SecurityPolicy.BlockBytes);
    }
}
