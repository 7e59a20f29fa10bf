using System.Buffers.Binary;
using System.Security.Cryptography;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Security;

/// <summary>A chunk whose protection was checked and taken off.</summary>
/// <param name="Status">Good, or why the channel must be closed.</param>
/// <param name="RequestId">Which request or response the chunk belongs to.</param>
/// <param name="BodyOffset">Where the plain body begins within the chunk.</param>
/// <param name="BodyLength">The length of the plain body in bytes.</param>
internal readonly record struct OpenedChunk(StatusCode Status, uint RequestId, int BodyOffset, int BodyLength);

/// <summary>
/// One end of a secure channel (OPC 10000-6, 6.7): turns messages into protected chunks and back. It holds the keys and the sequence
/// numbers, and knows nothing of sockets or services.
/// </summary>
/// <remarks>
/// One caller at a time may send (<c>Protect…</c>), and one at a time may receive (<c>Open…</c>, <see cref="Install"/>); both may happen
/// at once. The bytes must reach the wire in the order in which they were protected. <see cref="Dispose"/> only when neither is going on.
/// </remarks>
internal sealed class SecureChannel : IDisposable
{
    private const int SequenceHeaderBytes = 8;

    private readonly ChannelTokens _tokens;
    private readonly ApplicationCertificate? _own;
    private readonly PeerCertificate? _peer;
    private SymmetricChunk? _symmetric;
    private uint _lastSent;
    private uint? _lastReceived;

    /// <param name="role">Which end this is.</param>
    /// <param name="policy">The policy of the channel.</param>
    /// <param name="own">This side's certificate; not owned, it must outlive the channel. Null only with policy None.</param>
    /// <param name="peer">The other side's certificate, already judged; owned from now on. Null only with policy None.</param>
    /// <param name="limits">What both sides have agreed on.</param>
    /// <param name="time">Decides when tokens end.</param>
    /// <param name="firstSequenceNumber">The number of the first chunk that is sent.</param>
    /// <exception cref="ArgumentException">A certificate is missing.</exception>
    public SecureChannel(
        ChannelRole role,
        SecurityPolicy policy,
        ApplicationCertificate? own,
        PeerCertificate? peer,
        TransportLimits limits,
        TimeProvider time,
        uint firstSequenceNumber = 1)
    {
        if (!policy.IsNone && (own is null || peer is null))
        {
            throw new ArgumentException($"Policy {policy} needs the certificates of both sides.", nameof(own));
        }

        Role = role;
        Policy = policy;
        Limits = limits;
        _own = own;
        _peer = peer;
        _tokens = new ChannelTokens(role, time);
        _lastSent = firstSequenceNumber - 1;
    }

    public ChannelRole Role { get; }

    public SecurityPolicy Policy { get; }

    /// <summary>Invalid until <see cref="TrySetMode"/>.</summary>
    public MessageSecurityMode Mode { get; private set; }

    public TransportLimits Limits { get; }

    /// <summary>Zero until the first token is installed.</summary>
    public uint ChannelId { get; private set; }

    /// <summary>The other side's certificate; null with policy None.</summary>
    public PeerCertificate? Peer => _peer;

    /// <summary>The tokens in force: two during a renewal.</summary>
    public int TokenCount => _tokens.Count;

    /// <summary>
    /// Sets how messages are protected: the client at once, the server when it has read the request that OPN carries. A renewal may not
    /// change it.
    /// </summary>
    /// <returns>BadSecurityModeRejected when the mode does not go with the policy, or is not the one that was set before.</returns>
    public StatusCode TrySetMode(MessageSecurityMode mode)
    {
        var fits = Policy.IsNone
            ? mode == MessageSecurityMode.None
            : mode is MessageSecurityMode.Sign or MessageSecurityMode.SignAndEncrypt;
        if (!fits || (_symmetric is not null && mode != Mode))
        {
            return StatusCodes.BadSecurityModeRejected;
        }

        Mode = mode;
        _symmetric ??= new SymmetricChunk(mode);
        return StatusCode.Good;
    }

    /// <summary>Random bytes for an OpenSecureChannel request or response; null with policy None.</summary>
    public byte[]? NewNonce() => Policy.IsNone ? null : RandomNumberGenerator.GetBytes(SecurityPolicy.NonceBytes);

    /// <summary>True when the other side's nonce has the length that the policy demands.</summary>
    public bool IsNonceValid(byte[]? nonce) => Policy.IsNone || nonce?.Length == SecurityPolicy.NonceBytes;

    /// <summary>
    /// Puts a new token in force: the client when it has the response, the server before it sends it.
    /// </summary>
    /// <exception cref="ArgumentException">A nonce is missing or of the wrong length; ask <see cref="IsNonceValid"/> first.</exception>
    /// <exception cref="InvalidOperationException">There is no mode yet.</exception>
    public void Install(ChannelToken token, byte[]? clientNonce, byte[]? serverNonce)
    {
        if (!IsNonceValid(clientNonce) || !IsNonceValid(serverNonce))
        {
            throw new ArgumentException("A nonce does not fit the policy.", nameof(clientNonce));
        }

        _ = Symmetric;
        ChannelId = token.ChannelId;
        if (Policy.IsNone)
        {
            _tokens.Install(token, null, null);
            return;
        }

        var clientKeys = SymmetricKeys.Derive(Policy, secret: serverNonce, seed: clientNonce);
        var serverKeys = SymmetricKeys.Derive(Policy, secret: clientNonce, seed: serverNonce);
        var isClient = Role == ChannelRole.Client;
        _tokens.Install(token, isClient ? clientKeys : serverKeys, isClient ? serverKeys : clientKeys);
    }

    /// <summary>Appends an OPN chunk to <paramref name="output"/>.</summary>
    /// <param name="requestId">The request that the message belongs to.</param>
    /// <param name="body">The encoded OpenSecureChannel request or response.</param>
    /// <param name="output">Where the chunk goes.</param>
    /// <returns>
    /// Good; BadEncodingLimitsExceeded when it is too large for one chunk; BadSecurityChecksFailed when the other side's key is unusable.
    /// </returns>
    public StatusCode ProtectOpen(uint requestId, ReadOnlySpan<byte> body, UaWriter output)
    {
        var next = SequenceNumbers.Next(_lastSent);
        var envelope = new AsymmetricEnvelope(Policy, ChannelId, Limits.SendChunkBytes);
        var status = envelope.Write(_own, _peer, next, requestId, body, output);
        if (status.IsGood)
        {
            _lastSent = next;
        }

        return status;
    }

    /// <summary>Checks and decrypts an OPN chunk in place.</summary>
    /// <returns>
    /// BadSecurityChecksFailed for every kind of cryptographic failure, BadTcpSecureChannelUnknown for another channel's id,
    /// BadSequenceNumberInvalid.
    /// </returns>
    public OpenedChunk OpenAsymmetric(Span<byte> chunk)
    {
        var status = AsymmetricEnvelope.Open(Policy, _own, _peer, chunk, out var opened);
        if (status.IsBad)
        {
            return new OpenedChunk(status, 0, 0, 0);
        }

        // A client that asks for a new channel sends zero, and so does not know the id of its channel yet.
        var acceptAny = ChannelId == 0;
        return !acceptAny && AsymmetricHeader.ChannelIdOf(chunk) != ChannelId
            ? new OpenedChunk(StatusCodes.BadTcpSecureChannelUnknown, 0, 0, 0)
            : TakeSequence(chunk, opened.Offset, opened.Length);
    }

    /// <summary>Appends a message to <paramref name="output"/> as one or more protected chunks.</summary>
    /// <returns>
    /// Good; BadRequestTooLarge (client) or BadResponseTooLarge (server) when the other side has announced that it takes no message of that
    /// size; BadEncodingLimitsExceeded when <paramref name="output"/> is full; BadSecureChannelTokenUnknown when there is no token in
    /// force. Nothing was written then, and the channel can go on.
    /// </returns>
    public StatusCode Protect(MessageType type, uint requestId, ReadOnlySpan<byte> body, UaWriter output)
    {
        var symmetric = Symmetric;
        var bodyMax = symmetric.BodyBytesMax(Limits.SendChunkBytes);
        var count = Math.Max(1, (int)(((long)body.Length + bodyMax - 1) / bodyMax));
        if (body.Length > Limits.SendMessageBytesMax || count > Limits.SendChunkCountMax)
        {
            return Role == ChannelRole.Client ? StatusCodes.BadRequestTooLarge : StatusCodes.BadResponseTooLarge;
        }

        var keys = _tokens.ForSending();
        if (keys is null)
        {
            return StatusCodes.BadSecureChannelTokenUnknown;
        }

        // All room is taken first, so that no sequence number is used up for bytes that never leave.
        var total = ((long)(count - 1) * symmetric.ChunkBytes(bodyMax)) + symmetric.ChunkBytes(body.Length - ((count - 1) * bodyMax));
        if (total > int.MaxValue || !output.TryReserve((int)total, out var room))
        {
            return StatusCodes.BadEncodingLimitsExceeded;
        }

        for (var i = 0; i < count; i++)
        {
            var part = body[(i * bodyMax)..Math.Min((i + 1) * bodyMax, body.Length)];
            var kind = i == count - 1 ? ChunkKind.Final : ChunkKind.Intermediate;
            room = room[WriteChunk(type, kind, keys, requestId, part, room)..];
        }

        return StatusCode.Good;
    }

    /// <summary>Appends a chunk that tells the other side to forget what it has got of a message.</summary>
    /// <inheritdoc cref="Protect" path="/returns"/>
    public StatusCode ProtectAbort(uint requestId, ErrorMessage error, UaWriter output)
    {
        using var body = new UaWriter();
        error.WriteBody(body);
        var keys = _tokens.ForSending();
        if (keys is null)
        {
            return StatusCodes.BadSecureChannelTokenUnknown;
        }

        if (body.Length > Symmetric.BodyBytesMax(Limits.SendChunkBytes)
            || !output.TryReserve(Symmetric.ChunkBytes(body.Length), out var room))
        {
            return StatusCodes.BadEncodingLimitsExceeded;
        }

        WriteChunk(MessageType.Message, ChunkKind.Abort, keys, requestId, body.WrittenSpan, room);
        return StatusCode.Good;
    }

    /// <summary>Checks a MSG or CLO chunk and decrypts it in place.</summary>
    /// <returns>
    /// BadTcpSecureChannelUnknown, BadSecureChannelTokenUnknown, BadSecurityChecksFailed or BadSequenceNumberInvalid: the channel must be
    /// closed.
    /// </returns>
    public OpenedChunk Open(Span<byte> chunk)
    {
        if (chunk.Length < SymmetricChunk.HeaderBytes)
        {
            return new OpenedChunk(StatusCodes.BadSecurityChecksFailed, 0, 0, 0);
        }

        if (AsymmetricHeader.ChannelIdOf(chunk) != ChannelId)
        {
            return new OpenedChunk(StatusCodes.BadTcpSecureChannelUnknown, 0, 0, 0);
        }

        var keys = _tokens.ForReceiving(SymmetricChunk.TokenIdOf(chunk));
        if (keys is null)
        {
            return new OpenedChunk(StatusCodes.BadSecureChannelTokenUnknown, 0, 0, 0);
        }

        if (!Symmetric.TryOpen(chunk, keys.Receive, out var plainBytes))
        {
            return new OpenedChunk(StatusCodes.BadSecurityChecksFailed, 0, 0, 0);
        }

        _tokens.Received(keys);
        return TakeSequence(chunk, SymmetricChunk.HeaderBytes, plainBytes);
    }

    private SymmetricChunk Symmetric => _symmetric ?? throw new InvalidOperationException("The channel has no security mode yet.");

    public void Dispose()
    {
        _tokens.Dispose();
        _peer?.Dispose();
    }

    private int WriteChunk(
        MessageType type, ChunkKind kind, TokenKeys keys, uint requestId, ReadOnlySpan<byte> body, Span<byte> room)
    {
        _lastSent = SequenceNumbers.Next(_lastSent);
        return Symmetric.Write(type, kind, keys, _lastSent, requestId, body, room);
    }

    /// <summary>Reads the sequence header, which stands before the body in the plain text.</summary>
    private OpenedChunk TakeSequence(ReadOnlySpan<byte> chunk, int plainOffset, int plainBytes)
    {
        if (plainBytes < SequenceHeaderBytes)
        {
            return new OpenedChunk(StatusCodes.BadSecurityChecksFailed, 0, 0, 0);
        }

        var number = BinaryPrimitives.ReadUInt32LittleEndian(chunk[plainOffset..]);
        var requestId = BinaryPrimitives.ReadUInt32LittleEndian(chunk[(plainOffset + 4)..]);
        if (_lastReceived is { } previous && !SequenceNumbers.IsNext(previous, number))
        {
            return new OpenedChunk(StatusCodes.BadSequenceNumberInvalid, requestId, 0, 0);
        }

        _lastReceived = number;
        return new OpenedChunk(StatusCode.Good, requestId, plainOffset + SequenceHeaderBytes, plainBytes - SequenceHeaderBytes);
    }
}
