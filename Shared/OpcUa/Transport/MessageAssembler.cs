using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Transport;

/// <summary>What came of a chunk.</summary>
internal enum AssemblyOutcome
{
    /// <summary>Its message needs more chunks.</summary>
    Incomplete,

    /// <summary>Its message is whole.</summary>
    Complete,

    /// <summary>The sender has given its message up; the connection goes on.</summary>
    Aborted,

    /// <summary>A limit is exceeded or the chunk makes no sense: the connection must end.</summary>
    Failed,
}

/// <summary>What came of a chunk, with the message or the error.</summary>
/// <param name="Outcome">Which of the four cases.</param>
/// <param name="Body">The whole body; valid until the next chunk is added.</param>
/// <param name="Status">Why the sender gave up, or why the connection must end.</param>
/// <param name="Reason">The same in words.</param>
internal readonly record struct Assembly(AssemblyOutcome Outcome, ReadOnlyMemory<byte> Body, StatusCode Status, string? Reason);

/// <summary>
/// Puts messages together from chunks that may interleave (OPC 10000-6, 6.7.2). Bounded in the size and the chunks of one message, in
/// the number of messages under way and in their memory.
/// </summary>
/// <remarks>Not thread-safe. A message of one chunk is handed through without a copy.</remarks>
internal sealed class MessageAssembler : IDisposable
{
    /// <summary>More messages than this in pieces at once is not how any honest peer behaves.</summary>
    public const int MessagesUnderWayMax = 16;

    private readonly Dictionary<uint, Partial> _underWay = [];
    private readonly int _messageBytesMax;
    private readonly int _chunkCountMax;
    private UaWriter? _handedOut;
    private long _bytesUnderWay;

    public MessageAssembler(int messageBytesMax, int chunkCountMax)
    {
        _messageBytesMax = messageBytesMax;
        _chunkCountMax = chunkCountMax;
    }

    /// <summary>Messages of which some chunks are here.</summary>
    public int UnderWay => _underWay.Count;

    /// <summary>Takes the next chunk's plain body.</summary>
    public Assembly Add(uint requestId, ChunkKind kind, ReadOnlyMemory<byte> body)
    {
        _handedOut?.Dispose();
        _handedOut = null;
        switch (kind)
        {
            case ChunkKind.Abort:
                return Abort(requestId, body.Span);
            case ChunkKind.Final when !_underWay.ContainsKey(requestId):
                return body.Length > _messageBytesMax ? TooLarge() : new Assembly(AssemblyOutcome.Complete, body, default, null);
            default:
                return Append(requestId, kind, body.Span);
        }
    }

    public void Dispose()
    {
        foreach (var partial in _underWay.Values)
        {
            partial.Buffer.Dispose();
        }

        _underWay.Clear();
        _handedOut?.Dispose();
        _handedOut = null;
    }

    private static Assembly TooLarge() =>
        new(AssemblyOutcome.Failed, default, StatusCodes.BadTcpMessageTooLarge, "message exceeds the announced size or number of chunks");

    private Assembly Append(uint requestId, ChunkKind kind, ReadOnlySpan<byte> body)
    {
        if (!_underWay.TryGetValue(requestId, out var partial))
        {
            if (_underWay.Count >= MessagesUnderWayMax)
            {
                return new Assembly(
                    AssemblyOutcome.Failed, default, StatusCodes.BadTcpNotEnoughResources, "too many messages in pieces at once");
            }

            partial = new Partial(new UaWriter(Math.Max(_messageBytesMax, 1024), 2 * body.Length));
            _underWay.Add(requestId, partial);
        }

        partial.Chunks++;
        partial.Bytes += body.Length;
        _bytesUnderWay += body.Length;

        // Together the messages under way may take as much memory as two of the largest.
        var fits = partial.Chunks <= _chunkCountMax && partial.Bytes <= _messageBytesMax && _bytesUnderWay <= 2L * _messageBytesMax;
        if (!fits)
        {
            Forget(requestId, partial);
            partial.Buffer.Dispose();
            return TooLarge();
        }

        partial.Buffer.WriteRaw(body);
        if (kind == ChunkKind.Intermediate)
        {
            return new Assembly(AssemblyOutcome.Incomplete, default, default, null);
        }

        Forget(requestId, partial);
        _handedOut = partial.Buffer;
        return new Assembly(AssemblyOutcome.Complete, partial.Buffer.WrittenMemory, default, null);
    }

    private Assembly Abort(uint requestId, ReadOnlySpan<byte> body)
    {
        if (_underWay.TryGetValue(requestId, out var partial))
        {
            Forget(requestId, partial);
            partial.Buffer.Dispose();
        }

        var error = ErrorMessage.TryReadBody(body, out var message);
        return message is null
            ? new Assembly(AssemblyOutcome.Failed, default, error.Status, "abort chunk cannot be read: " + error)
            : new Assembly(AssemblyOutcome.Aborted, default, message.Status, message.Reason);
    }

    private void Forget(uint requestId, Partial partial)
    {
        _underWay.Remove(requestId);
        _bytesUnderWay -= partial.Bytes;
    }

    private sealed class Partial(UaWriter buffer)
    {
        public UaWriter Buffer { get; } = buffer;

        public int Chunks { get; set; }

        public int Bytes { get; set; }
    }
}
