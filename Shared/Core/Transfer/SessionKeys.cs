using System.Buffers.Binary;
using System.Security.Cryptography;
using ZfRepl.Core.Blocks;

namespace ZfRepl.Core.Transfer;

/// <summary>
/// The keys of one session between a target and a source, all derived from the API key and both sides' nonces, so that nothing recorded
/// in another session opens in this one. Thread-safe.
/// </summary>
public sealed class SessionKeys : IDisposable
{
    private const int NonceBytes = 16;

    private readonly ApiKey _key;
    private readonly string _source;
    private readonly string _target;
    private readonly byte[] _salt;

    /// <summary>Derives a session's keys.</summary>
    public SessionKeys(ApiKey key, string source, string target, UInt128 targetNonce, UInt128 sourceNonce)
    {
        _key = key;
        _source = source;
        _target = target;
        _salt = Salt(targetNonce, sourceNonce);
        HelloReply = DirectionKey.Derive(key, _salt, "hello-reply", source, target);
        ToSource = DirectionKey.Derive(key, _salt, "to-source", source, target);
        ToTarget = DirectionKey.Derive(key, _salt, "to-target", source, target);
    }

    /// <summary>For the answer to a hello; one message.</summary>
    public DirectionKey HelloReply { get; }

    /// <summary>For requests.</summary>
    public DirectionKey ToSource { get; }

    /// <summary>For replies and announcements.</summary>
    public DirectionKey ToTarget { get; }

    /// <summary>A nonce of 128 random bits.</summary>
    public static UInt128 NewNonce()
    {
        Span<byte> bytes = stackalloc byte[NonceBytes];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }

    /// <summary>The key of a hello: bound to the target's nonce alone, since the source's is not known yet.</summary>
    public static DirectionKey Hello(ApiKey key, string source, string target, UInt128 targetNonce) =>
        DirectionKey.Derive(key, Salt(targetNonce, 0).AsSpan(0, NonceBytes), "hello", source, target);

    /// <summary>The key of the message by which a source says that it has started anew.</summary>
    public static DirectionKey Started(ApiKey key, string source, string target, UInt128 sourceNonce) =>
        DirectionKey.Derive(key, Salt(0, sourceNonce), "started", source, target);

    /// <summary>The key of one transfer of one block: bound to the transfer's own nonce, the block and how it is coded.</summary>
    public DirectionKey ForTransfer(UInt128 transferNonce, BlockHash hash, TransferCodec codec, long wireBytes)
    {
        var context = new Bytes.ByteWriter(96);
        BinaryPrimitives.WriteUInt128LittleEndian(context.Take(NonceBytes), transferNonce);
        context.WriteBytes(hash.Bytes);
        context.WriteByte((byte)codec);
        context.WriteInt64(wireBytes);
        return DirectionKey.Derive(_key, _salt, "transfer", _source, _target, context.Written);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        HelloReply.Dispose();
        ToSource.Dispose();
        ToTarget.Dispose();
    }

    private static byte[] Salt(UInt128 targetNonce, UInt128 sourceNonce)
    {
        var salt = new byte[2 * NonceBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(salt, targetNonce);
        BinaryPrimitives.WriteUInt128LittleEndian(salt.AsSpan(NonceBytes), sourceNonce);
        return salt;
    }
}
