using System.Security.Cryptography;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// Writes and opens OPN chunks (OPC 10000-6, 6.7.2 and 6.7.4): signed with the sender's key, then encrypted block by block with the
/// receiver's. With policy None neither happens.
/// </summary>
internal readonly ref struct AsymmetricEnvelope(SecurityPolicy policy, uint channelId, int chunkBytesMax)
{
    private const int SequenceHeaderBytes = 8;

    private readonly SecurityPolicy _policy = policy;
    private readonly uint _channelId = channelId;
    private readonly int _chunkBytesMax = chunkBytesMax;

    public StatusCode Write(
        ApplicationCertificate? own, PeerCertificate? peer, uint sequenceNumber, uint requestId, ReadOnlySpan<byte> body, UaWriter output)
    {
        using var chunk = new UaWriter();
        AsymmetricHeader.Write(
            chunk, _channelId, _policy.Uri, _policy.IsNone ? null : own!.RawData, _policy.IsNone ? null : peer!.Thumbprint);
        var headerBytes = chunk.Length;
        chunk.WriteUInt32(sequenceNumber);
        chunk.WriteUInt32(requestId);
        chunk.WriteRaw(body);
        var status = _policy.IsNone ? Finish(chunk) : Seal(chunk, headerBytes, own!, peer!);
        if (status.IsGood)
        {
            output.WriteRaw(chunk.WrittenSpan);
            status = output.Overflowed ? StatusCodes.BadEncodingLimitsExceeded : status;
        }

        return status;
    }

    /// <summary>Checks and decrypts in place.</summary>
    /// <param name="policy">The policy of the channel.</param>
    /// <param name="own">The receiver's certificate.</param>
    /// <param name="peer">The sender's certificate, as it was judged before.</param>
    /// <param name="chunk">The whole chunk.</param>
    /// <param name="plain">Where sequence header and body are.</param>
    /// <returns>BadSecurityChecksFailed whatever went wrong, so that the answer tells an attacker nothing.</returns>
    public static StatusCode Open(
        SecurityPolicy policy, ApplicationCertificate? own, PeerCertificate? peer, Span<byte> chunk, out (int Offset, int Length) plain)
    {
        plain = default;
        _ = AsymmetricHeader.TryRead(chunk, out var header);
        if (header is null || header.PolicyUri != policy.Uri)
        {
            return StatusCodes.BadSecurityChecksFailed;
        }

        if (policy.IsNone)
        {
            plain = (header.BodyOffset, chunk.Length - header.BodyOffset);
            return StatusCode.Good;
        }

        var addressed = PeerCertificate.LeafOf(header.SenderCertificate).SequenceEqual(peer!.LeafBytes)
            && header.ReceiverThumbprint.AsSpan().SequenceEqual(own!.ThumbprintBytes);
        if (!addressed || !own!.TryDecryptInPlace(policy, chunk[header.BodyOffset..], out var plainBytes))
        {
            return StatusCodes.BadSecurityChecksFailed;
        }

        var signatureBytes = AsymmetricCrypto.KeyBytes(peer.PublicKey);
        var signedBytes = header.BodyOffset + plainBytes - signatureBytes;
        if (signedBytes < header.BodyOffset
            || !AsymmetricCrypto.Verify(policy, peer.PublicKey, chunk[..signedBytes], chunk.Slice(signedBytes, signatureBytes))
            || !TryUnpad(chunk[header.BodyOffset..signedBytes], own.KeyBytes, out var length))
        {
            return StatusCodes.BadSecurityChecksFailed;
        }

        plain = (header.BodyOffset, length);
        return StatusCode.Good;
    }

    private static bool TryUnpad(ReadOnlySpan<byte> padded, int ownKeyBytes, out int length)
    {
        length = 0;
        var sizeBytes = ownKeyBytes > 256 ? 2 : 1;
        if (padded.Length < sizeBytes)
        {
            return false;
        }

        var padding = sizeBytes == 2 ? padded[^2] | (padded[^1] << 8) : padded[^1];
        length = padded.Length - padding - sizeBytes;
        return length >= 0;
    }

    private StatusCode Finish(UaWriter chunk)
    {
        if (chunk.Overflowed || chunk.Length > _chunkBytesMax)
        {
            return StatusCodes.BadEncodingLimitsExceeded;
        }

        new MessageHeader(MessageType.Open, ChunkKind.Final, chunk.Length).Write(chunk.WrittenBytes);
        return StatusCode.Good;
    }

    private StatusCode Seal(UaWriter chunk, int headerBytes, ApplicationCertificate own, PeerCertificate peer)
    {
        var plainBlock = AsymmetricCrypto.PlainBlockBytes(_policy, peer.PublicKey);
        var keyBytes = AsymmetricCrypto.KeyBytes(peer.PublicKey);
        var unpadded = chunk.Length - headerBytes + own.KeyBytes + (keyBytes > 256 ? 2 : 1);
        var padding = (plainBlock - (unpadded % plainBlock)) % plainBlock;
        WritePadding(chunk, padding, keyBytes > 256);

        // The signature covers the header with the size that the chunk will have after encryption.
        var cipherBytes = (unpadded + padding) / plainBlock * keyBytes;
        if (chunk.Overflowed || headerBytes + cipherBytes > _chunkBytesMax)
        {
            return StatusCodes.BadEncodingLimitsExceeded;
        }

        new MessageHeader(MessageType.Open, ChunkKind.Final, headerBytes + cipherBytes).Write(chunk.WrittenBytes);
        try
        {
            chunk.WriteRaw(own.Sign(_policy, chunk.WrittenSpan));
            var cipher = AsymmetricCrypto.Encrypt(_policy, peer.PublicKey, chunk.WrittenSpan[headerBytes..]);
            chunk.Truncate(headerBytes);
            chunk.WriteRaw(cipher);
            return StatusCode.Good;
        }
        catch (CryptographicException)
        {
            return StatusCodes.BadSecurityChecksFailed;
        }
    }

    private static void WritePadding(UaWriter chunk, int padding, bool withExtraByte)
    {
        if (chunk.TryReserve(1 + padding, out var bytes))
        {
            bytes.Fill(unchecked((byte)padding));
        }

        if (withExtraByte)
        {
            chunk.WriteByte((byte)(padding >> 8));
        }
    }
}
