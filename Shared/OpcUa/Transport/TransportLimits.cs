using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Transport;

/// <summary>
/// Sizes that one side announces in Hello or Acknowledge, and what both have agreed on (OPC 10000-6, 7.1.2.3 and 7.1.2.4).
/// </summary>
internal sealed record TransportLimits
{
    /// <summary>The specification's lower bound for a chunk buffer.</summary>
    public const int ChunkBytesMin = 8192;

    /// <summary>What servers and clients in the field grant.</summary>
    public static TransportLimits Default { get; } = new();

    /// <summary>The largest chunk that this side takes, in bytes.</summary>
    public int ReceiveChunkBytes { get; init; } = 65_535;

    /// <summary>The largest chunk that this side sends, in bytes.</summary>
    public int SendChunkBytes { get; init; } = 65_535;

    /// <summary>The largest message body that this side takes, in bytes.</summary>
    public int ReceiveMessageBytesMax { get; init; } = 16 << 20;

    /// <summary>The most chunks of one message that this side takes.</summary>
    public int ReceiveChunkCountMax { get; init; } = 1024;

    /// <summary>The largest message body that the other side takes, in bytes.</summary>
    public int SendMessageBytesMax { get; init; } = 16 << 20;

    /// <summary>The most chunks of one message that the other side takes.</summary>
    public int SendChunkCountMax { get; init; } = 1024;

    /// <summary>
    /// The limits that count for a connection: the other side's announcement narrows what we send; what we accept stays as we announced
    /// it. Zero in an announcement means "no limit of mine".
    /// </summary>
    /// <returns>BadConnectionRejected when the other side's buffers are below the specification's lower bound.</returns>
    public StatusCode TryNarrow(in BufferSizes peer, out TransportLimits agreed)
    {
        agreed = this;
        if (peer.ReceiveBufferBytes < ChunkBytesMin || peer.SendBufferBytes < ChunkBytesMin)
        {
            return StatusCodes.BadConnectionRejected;
        }

        agreed = this with
        {
            SendChunkBytes = Least(SendChunkBytes, peer.ReceiveBufferBytes),
            SendMessageBytesMax = Least(SendMessageBytesMax, peer.MessageBytesMax),
            SendChunkCountMax = Least(SendChunkCountMax, peer.ChunkCountMax),
        };
        return StatusCode.Good;
    }

    /// <summary>What this side announces.</summary>
    public BufferSizes Announce() =>
        new((uint)ReceiveChunkBytes, (uint)SendChunkBytes, (uint)ReceiveMessageBytesMax, (uint)ReceiveChunkCountMax);

    private static int Least(int own, uint peer) => peer == 0 ? own : (int)Math.Min((uint)own, peer);
}

/// <summary>The four sizes as they travel in Hello and Acknowledge; zero means "no limit" for the last two.</summary>
/// <param name="ReceiveBufferBytes">The largest chunk that the sender of the announcement takes.</param>
/// <param name="SendBufferBytes">The largest chunk that it will send.</param>
/// <param name="MessageBytesMax">The largest message that it takes.</param>
/// <param name="ChunkCountMax">The most chunks of one message that it takes.</param>
internal readonly record struct BufferSizes(uint ReceiveBufferBytes, uint SendBufferBytes, uint MessageBytesMax, uint ChunkCountMax);
