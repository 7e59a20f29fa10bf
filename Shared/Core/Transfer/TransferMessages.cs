using System.Buffers.Binary;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Transfer;

/// <summary>What a target asks for. The numbers are on the wire.</summary>
public enum TransferOperation : byte
{
    /// <summary>Which blocks are ready, all of them or those behind one?</summary>
    Next = 1,

    /// <summary>Prepare a block for transfer.</summary>
    Get = 2,

    /// <summary>Send some chunks.</summary>
    Pull = 3,

    /// <summary>The block is durably imported: forget it.</summary>
    Confirm = 4,

    /// <summary>The session ends.</summary>
    Bye = 5,

    /// <summary>Fill a range of time into the mailbox from the source's own history, or say how far that is.</summary>
    Fill = 6,

    /// <summary>Say since when the source's own history has any of some items.</summary>
    Begin = 7,

    /// <summary>State the mailbox's accounts, signed.</summary>
    Statement = 16,

    /// <summary>Sum up what the source's own history has for the mailbox.</summary>
    Digest = 17,
}

/// <summary>How a request ended. The numbers are on the wire; they are those of the service calls.</summary>
public enum TransferStatus
{
    /// <summary>As asked.</summary>
    Ok = 0,

    /// <summary>There is no such block or transfer.</summary>
    NotFound = -32001,

    /// <summary>The key does not open this mailbox, or the mailbox does not allow this.</summary>
    AccessDenied = -32002,

    /// <summary>Not now: disabled, or the collector does not answer.</summary>
    NotReady = -32005,

    /// <summary>The confirmation names other content than the block has.</summary>
    InvalidData = -32009,

    /// <summary>Reading the block failed.</summary>
    Io = -32016,

    /// <summary>The request makes no sense to this version.</summary>
    InvalidRequest = -32600,
}

/// <summary>A target's first message: who it is is in the topic and the seal, this is what it can take.</summary>
/// <param name="Mailbox">The mailbox to open: the target's own name.</param>
/// <param name="MaxChunkBytes">The largest chunk it takes, content only.</param>
/// <param name="MaxBlockBytes">The largest block it takes.</param>
/// <param name="Codecs">What it can decode, best first.</param>
/// <param name="AcceptsRelayed">Whether it takes blocks that another node collected and the source passes on.</param>
public sealed record Hello(string Mailbox, int MaxChunkBytes, long MaxBlockBytes, IReadOnlyList<TransferCodec> Codecs, bool AcceptsRelayed = false)
{
    private const int MaxCodecs = 16;

    /// <summary>The message's content.</summary>
    public ReadOnlySpan<byte> Encode()
    {
        var output = new ByteWriter(256);
        output.WriteText(Mailbox);
        output.WriteVarint((ulong)MaxChunkBytes);
        output.WriteVarint((ulong)MaxBlockBytes);
        output.WriteVarint((ulong)Codecs.Count);
        foreach (var codec in Codecs)
        {
            output.WriteByte((byte)codec);
        }

        if (AcceptsRelayed)
        {
            // At the end and only where it is so: sources that do not know it read up to here.
            output.WriteByte(1);
        }

        return output.Written;
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static Hello? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var mailbox = input.ReadText(BlockHeader.MaxNameBytes);
        var chunk = input.ReadCount(0, int.MaxValue);
        var block = input.ReadVarint();
        var codecs = new TransferCodec[input.ReadCount(1, MaxCodecs)];
        for (var i = 0; i < codecs.Length; i++)
        {
            codecs[i] = (TransferCodec)input.ReadByte();
        }

        var relayed = input.IsOk && input.Remaining > 0 && input.ReadByte() == 1;
        return input.IsOk && block <= long.MaxValue ? new Hello(mailbox, chunk, (long)block, codecs, relayed) : null;
    }
}

/// <summary>The source's answer: the session stands.</summary>
/// <param name="ChunkBytes">The size of chunks, content only; the last one of a block may be shorter.</param>
/// <param name="MaxWindow">The most chunks that the source sends for one pull.</param>
public sealed record HelloReply(int ChunkBytes, int MaxWindow)
{
    /// <summary>The message's content.</summary>
    public ReadOnlySpan<byte> Encode()
    {
        var output = new ByteWriter(32);
        output.WriteVarint((ulong)ChunkBytes);
        output.WriteVarint((ulong)MaxWindow);
        return output.Written;
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static HelloReply? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var reply = new HelloReply(input.ReadCount(0, int.MaxValue), input.ReadCount(0, int.MaxValue));
        return input.IsOk && reply is { ChunkBytes: > 0, MaxWindow: > 0 } ? reply : null;
    }
}

/// <summary>A target's request.</summary>
/// <param name="Operation">What it asks for.</param>
/// <param name="Block">
/// The block, for get and confirm. For next: offer only blocks of this stream with a higher number, null for all; where the mailbox has
/// another stream, all are offered.
/// </param>
/// <param name="Rotate">For next: close the open block when no other can be offered.</param>
/// <param name="Limit">For next: the most offers wanted. For pull: how many chunks. For get: how many follow the answer at once.</param>
/// <param name="Codec">For get: how to code it; what counts is the answer.</param>
/// <param name="TransferId">For pull: the transfer.</param>
/// <param name="FirstChunk">For pull and get: the first chunk.</param>
/// <param name="Fill">For fill: what to fill.</param>
/// <param name="Statement">For statement: which, and which part of it.</param>
/// <param name="Digest">For digest: of what.</param>
/// <param name="Begin">For begin: of which items.</param>
public sealed record TransferRequest(
    TransferOperation Operation,
    BlockKey? Block = null,
    bool Rotate = false,
    int Limit = 0,
    TransferCodec Codec = TransferCodec.None,
    ulong TransferId = 0,
    uint FirstChunk = 0,
    FillWish? Fill = null,
    StatementWish? Statement = null,
    DigestWish? Digest = null,
    BeginWish? Begin = null)
{
    /// <summary>The message's content.</summary>
    public ReadOnlySpan<byte> Encode()
    {
        var output = new ByteWriter(128);
        output.WriteByte((byte)Operation);
        output.WriteByte(Rotate ? (byte)1 : (byte)0);
        output.WriteVarint((ulong)Limit);
        output.WriteByte((byte)Codec);
        output.WriteUInt64(TransferId);
        output.WriteVarint(FirstChunk);
        output.WriteByte(Block is null ? (byte)0 : (byte)1);
        if (Block is not null)
        {
            BlockKeyCodec.Write(output, Block);
        }

        Fill?.Write(output);
        Statement?.Write(output);
        Digest?.Write(output);
        Begin?.Write(output);
        return output.Written;
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static TransferRequest? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var operation = (TransferOperation)input.ReadByte();
        var rotate = input.ReadByte() != 0;
        var limit = input.ReadCount(0, int.MaxValue);
        var codec = (TransferCodec)input.ReadByte();
        var transfer = input.ReadUInt64();
        var chunk = input.ReadVarint();
        var block = input.ReadByte() != 0 ? BlockKeyCodec.Read(ref input) : null;
        var fill = operation == TransferOperation.Fill ? FillWish.Read(ref input) : null;
        var statement = operation == TransferOperation.Statement ? StatementWish.Read(ref input) : null;
        var digest = operation == TransferOperation.Digest ? DigestWish.Read(ref input) : null;
        var begin = operation == TransferOperation.Begin ? BeginWish.Read(ref input) : null;
        var isWhole = operation switch
        {
            TransferOperation.Fill => fill is not null,
            TransferOperation.Statement => statement is not null,
            TransferOperation.Digest => digest is not null,
            TransferOperation.Begin => begin is not null,
            _ => true,
        };
        return input.IsOk && chunk <= uint.MaxValue && isWhole
            ? new TransferRequest(operation, block, rotate, limit, codec, transfer, (uint)chunk, fill, statement, digest, begin)
            : null;
    }
}

/// <summary>A block that is ready.</summary>
/// <param name="Block">What names it.</param>
/// <param name="Name">Its file name at the source, for people.</param>
/// <param name="FirstSequence">Its first sequence number.</param>
/// <param name="NextSequence">The sequence number behind its last event.</param>
/// <param name="EventCount">Its events.</param>
/// <param name="LengthBytes">Its size.</param>
public sealed record BlockOffer(
    BlockKey Block, string Name, ulong FirstSequence, ulong NextSequence, ulong EventCount, long LengthBytes)
{
    /// <summary>The most bytes of its name.</summary>
    public const int MaxNameBytes = 64;

    /// <summary>The nodes that it has passed, the source last; null for a block that the source collected itself.</summary>
    public BlockWay? Way { get; init; }
}

/// <summary>The source's answer to "next".</summary>
/// <param name="Offers">Ready blocks, oldest first.</param>
/// <param name="BacklogBlocks">All blocks that wait.</param>
/// <param name="BacklogEvents">All events that wait.</param>
public sealed record NextReply(IReadOnlyList<BlockOffer> Offers, ulong BacklogBlocks, ulong BacklogEvents)
{
    /// <summary>The most offers in one answer.</summary>
    public const int MaxOffers = 128;

    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteVarint(BacklogBlocks);
        output.WriteVarint(BacklogEvents);
        output.WriteVarint((ulong)Offers.Count);
        foreach (var offer in Offers)
        {
            BlockKeyCodec.Write(output, offer.Block);
            output.WriteText(offer.Name);
            output.WriteVarint(offer.FirstSequence);
            output.WriteVarint(offer.NextSequence);
            output.WriteVarint(offer.EventCount);
            output.WriteVarint((ulong)offer.LengthBytes);
        }

        WriteWays(output);
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static NextReply? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var blocks = input.ReadVarint();
        var events = input.ReadVarint();
        var offers = new List<BlockOffer>();
        for (var count = input.ReadCount(StreamId.SizeBytes + BlockHash.SizeBytes, MaxOffers); count > 0 && input.IsOk; count--)
        {
            var block = BlockKeyCodec.Read(ref input);
            var name = input.ReadText(BlockOffer.MaxNameBytes);
            var first = input.ReadVarint();
            var next = input.ReadVarint();
            var eventCount = input.ReadVarint();
            var length = input.ReadVarint();
            if (block is null || length > long.MaxValue || eventCount > long.MaxValue)
            {
                return null;
            }

            offers.Add(new BlockOffer(block, name, first, next, eventCount, (long)length));
        }

        return ReadWays(ref input, offers) && input.IsOk ? new NextReply(offers, blocks, events) : null;
    }

    /// <summary>Behind the offers, and only where there are any: targets that take no relayed blocks are offered none, and read up to here.</summary>
    private void WriteWays(ByteWriter output)
    {
        var relayed = Offers.Count(o => o.Way is not null);
        if (relayed == 0)
        {
            return;
        }

        output.WriteVarint((ulong)relayed);
        for (var i = 0; i < Offers.Count; i++)
        {
            if (Offers[i].Way is { } way)
            {
                output.WriteVarint((ulong)i);
                output.WriteVarint((ulong)way.Nodes.Count);
                foreach (var node in way.Nodes)
                {
                    output.WriteText(node);
                }
            }
        }
    }

    private static bool ReadWays(ref ByteReader input, List<BlockOffer> offers)
    {
        if (!input.IsOk || input.Remaining == 0)
        {
            return input.IsOk;
        }

        for (var count = input.ReadCount(3, offers.Count); count > 0 && input.IsOk; count--)
        {
            var place = input.ReadVarint();
            var nodes = new string[input.ReadCount(1, BlockWay.MaxNodes)];
            for (var i = 0; i < nodes.Length; i++)
            {
                nodes[i] = input.ReadText(BlockHeader.MaxNameBytes);
            }

            if (!input.IsOk || place >= (ulong)offers.Count || !BlockWay.TryCreate(nodes, out var way, out _))
            {
                return false;
            }

            offers[(int)place] = offers[(int)place] with { Way = way };
        }

        return input.IsOk;
    }
}

/// <summary>The source's answer to "get": the transfer that was prepared.</summary>
/// <param name="Nonce">The transfer's nonce; its low half is the transfer id in chunk headers.</param>
/// <param name="Codec">How the block is coded: what was asked for, or none.</param>
/// <param name="WireBytes">The size as coded.</param>
/// <param name="BlockBytes">The size of the block.</param>
/// <param name="WireHash">SHA-256 of the coded bytes: an interrupted transfer goes on only if it is the same.</param>
public sealed record GetReply(UInt128 Nonce, TransferCodec Codec, long WireBytes, long BlockBytes, BlockHash WireHash)
{
    /// <summary>The transfer's id.</summary>
    public ulong TransferId => (ulong)(Nonce & ulong.MaxValue);

    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(output.Take(16), Nonce);
        output.WriteByte((byte)Codec);
        output.WriteVarint((ulong)WireBytes);
        output.WriteVarint((ulong)BlockBytes);
        output.WriteBytes(WireHash.Bytes);
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static GetReply? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var nonce = input.ReadBytes(16);
        var codec = (TransferCodec)input.ReadByte();
        var wire = input.ReadVarint();
        var block = input.ReadVarint();
        var hash = input.ReadBytes(BlockHash.SizeBytes);
        return input.IsOk && wire <= long.MaxValue && block <= long.MaxValue
            ? new GetReply(BinaryPrimitives.ReadUInt128LittleEndian(nonce), codec, (long)wire, (long)block, new BlockHash(hash))
            : null;
    }
}

/// <summary>The frame of every answer within a session.</summary>
/// <param name="RequestNumber">The number of the request's message.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Text">For people, when it did not end well.</param>
/// <param name="Content">The answer proper.</param>
public sealed record TransferReply(ulong RequestNumber, TransferStatus Status, string Text, ReadOnlyMemory<byte> Content)
{
    private const int MaxTextBytes = 1024;

    /// <summary>The message's content.</summary>
    public ReadOnlySpan<byte> Encode()
    {
        var output = new ByteWriter(256 + Content.Length);
        output.WriteUInt64(RequestNumber);
        output.WriteZigzag((int)Status);
        output.WriteText(Text.Length <= MaxTextBytes / 4 ? Text : Text[..(MaxTextBytes / 4)]);
        output.WriteBytes(Content.Span);
        return output.Written;
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static TransferReply? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var number = input.ReadUInt64();
        var status = input.ReadZigzag();
        var text = input.ReadText(MaxTextBytes);
        var content = input.ReadBytes(input.Remaining);
        return input.IsOk && status is >= int.MinValue and <= 0
            ? new TransferReply(number, (TransferStatus)status, text, content.ToArray())
            : null;
    }
}
