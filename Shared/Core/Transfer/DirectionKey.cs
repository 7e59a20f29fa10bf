using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZfRepl.Core.Transfer;

/// <summary>Why a message could not be opened.</summary>
public enum OpenError
{
    /// <summary>It was opened.</summary>
    None,

    /// <summary>It was sealed with another key: the two sides have different secrets under one id.</summary>
    WrongKey,

    /// <summary>It was sealed with the right key, and changed on the way or meant for somebody else.</summary>
    Tampered,

    /// <summary>The key is no longer in use here: the session has ended.</summary>
    Closed,
}

/// <summary>
/// Seals and opens messages with one AES-256-GCM key and its commitment. Who uses it never repeats a message number. Thread-safe.
/// </summary>
/// <remarks>
/// GCM alone does not bind a message to its key; the commitment, a second output of the same derivation, does, and tells a wrong key
/// from a changed message. The additional data is the whole header and the names of both nodes, so that a message cannot be moved to
/// another pair, direction, session or place.
/// </remarks>
public sealed class DirectionKey : IDisposable
{
    /// <summary>The authentication tag's size, in bytes.</summary>
    public const int TagBytes = 16;

    private const int KeyBytes = 32;
    private const int NonceBytes = 12;

    private readonly Lock _gate = new();
    private readonly AesGcm _aes;
    private readonly byte[] _commitment;
    private readonly byte[] _identity;
    private bool _isClosed;

    private DirectionKey(AesGcm aes, byte[] commitment, byte[] identity)
    {
        _aes = aes;
        _commitment = commitment;
        _identity = identity;
    }

    /// <summary>The bytes that sealing adds to a plain text behind the header.</summary>
    public static int OverheadBytes => TagBytes;

    /// <summary>Derives the key for one purpose.</summary>
    /// <param name="key">The shared secret.</param>
    /// <param name="salt">The session's random bytes.</param>
    /// <param name="purpose">What the key is for; each purpose has its own key.</param>
    /// <param name="source">The source node's name.</param>
    /// <param name="target">The target node's name.</param>
    /// <param name="context">What else the key is bound to.</param>
    public static DirectionKey Derive(
        ApiKey key, ReadOnlySpan<byte> salt, string purpose, string source, string target, ReadOnlySpan<byte> context = default)
    {
        var identity = new Bytes.ByteWriter(128);
        identity.WriteText(purpose);
        identity.WriteText(source);
        identity.WriteText(target);
        var info = new Bytes.ByteWriter(256);
        info.WriteText("zfrepl transfer v1");
        info.WriteText(key.Id);
        info.WriteBytes(identity.Written);
        info.WriteVarint((ulong)context.Length);
        info.WriteBytes(context);
        Span<byte> output = stackalloc byte[KeyBytes + MessageHeader.CommitmentBytes];
        try
        {
            key.Derive(salt, info.Written, output);
            return new DirectionKey(
                new AesGcm(output[..KeyBytes], TagBytes), output[KeyBytes..].ToArray(), identity.Written.ToArray());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(output);
        }
    }

    /// <summary>Seals a message into a new array.</summary>
    /// <param name="header">The header.</param>
    /// <param name="number">The message's number under this key: never twice for different content.</param>
    /// <param name="plain">The content.</param>
    public byte[] Seal(in MessageHeader header, ulong number, ReadOnlySpan<byte> plain)
    {
        var headerBytes = header.SizeBytes;
        var message = new byte[headerBytes + plain.Length + TagBytes];
        header.Write(message, _commitment);
        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(nonce, header, number);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _aes.Encrypt(
                nonce,
                plain,
                message.AsSpan(headerBytes, plain.Length),
                message.AsSpan(headerBytes + plain.Length),
                AssociatedData(message.AsSpan(0, headerBytes)));
        }

        return message;
    }

    /// <summary>Opens a message.</summary>
    /// <param name="header">Its header, as read from it.</param>
    /// <param name="number">The number that it must have been sealed with.</param>
    /// <param name="message">The whole message.</param>
    /// <param name="plain">Where the content goes; exactly <see cref="PlainBytes"/> long.</param>
    public OpenError Open(in MessageHeader header, ulong number, ReadOnlySpan<byte> message, Span<byte> plain)
    {
        if (!CryptographicOperations.FixedTimeEquals(
            message.Slice(MessageHeader.CommitmentOffset, MessageHeader.CommitmentBytes), _commitment))
        {
            return OpenError.WrongKey;
        }

        var headerBytes = header.SizeBytes;
        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(nonce, header, number);
        try
        {
            lock (_gate)
            {
                if (_isClosed)
                {
                    return OpenError.Closed;
                }

                _aes.Decrypt(
                    nonce,
                    message.Slice(headerBytes, plain.Length),
                    message[(headerBytes + plain.Length)..],
                    plain,
                    AssociatedData(message[..headerBytes]));
            }

            return OpenError.None;
        }
        catch (AuthenticationTagMismatchException)
        {
            return OpenError.Tampered;
        }
    }

    /// <summary>The size of a message's content.</summary>
    public static int PlainBytes(in MessageHeader header, int messageBytes) => messageBytes - header.SizeBytes - TagBytes;

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _aes.Dispose();
        }
    }

    private static void WriteNonce(Span<byte> nonce, in MessageHeader header, ulong number)
    {
        nonce.Clear();
        nonce[0] = header.IsLast ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], number);
    }

    private byte[] AssociatedData(ReadOnlySpan<byte> header)
    {
        var data = new byte[header.Length + _identity.Length];
        header.CopyTo(data);
        _identity.CopyTo(data, header.Length);
        return data;
    }
}
