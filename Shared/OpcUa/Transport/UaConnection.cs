using System.Buffers;
using System.Net.Sockets;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Transport;

/// <summary>One whole chunk, or why there is none.</summary>
/// <param name="Status">Good when there is a chunk.</param>
/// <param name="Header">The chunk's header.</param>
/// <param name="Chunk">The whole chunk with its header; valid until the next receive, and free to be changed in place.</param>
/// <param name="Reason">Details of a failure, for the log.</param>
internal readonly record struct ReceivedChunk(StatusCode Status, MessageHeader Header, Memory<byte> Chunk, string? Reason);

/// <summary>Chunks over a stream in both directions; in use the stream is that of a TCP socket.</summary>
/// <remarks>
/// One caller at a time may receive, and one at a time may send; both may happen at once. A failure of the network is a result; after
/// the first one the connection gives nothing else. It owns the stream.
/// </remarks>
internal sealed class UaConnection : IAsyncDisposable
{
    private readonly Stream _stream;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private int _lastChunkBytes;
    private int _chunkBytesMax;
    private bool _disposed;

    /// <param name="stream">Owned from now on.</param>
    /// <param name="chunkBytesMax">The largest chunk to accept; see <see cref="ChunkBytesMax"/>.</param>
    public UaConnection(Stream stream, int chunkBytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunkBytesMax, MessageHeader.Bytes);
        _stream = stream;
        _chunkBytesMax = chunkBytesMax;
    }

    /// <summary>
    /// The largest chunk to accept in bytes. A server begins with the size of a Hello and widens when it has acknowledged. Change it only
    /// between two receives.
    /// </summary>
    public int ChunkBytesMax
    {
        get => _chunkBytesMax;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, MessageHeader.Bytes);
            _chunkBytesMax = value;
        }
    }

    /// <summary>The next whole chunk, in the order of arrival.</summary>
    /// <returns>
    /// Good with a chunk; BadConnectionClosed when the other side has closed (the reason says if it was within a chunk);
    /// BadCommunicationError when the network failed; BadTcpMessageTypeInvalid or BadTcpMessageTooLarge for a header that is not
    /// acceptable.
    /// </returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<ReceivedChunk> ReceiveAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _start += _lastChunkBytes;
        _lastChunkBytes = 0;
        var (status, reason) = await FillAsync(MessageHeader.Bytes, cancellationToken);
        if (status.IsBad)
        {
            return new ReceivedChunk(status, default, default, reason);
        }

        status = MessageHeader.TryParse(_buffer.AsSpan(_start, MessageHeader.Bytes), _chunkBytesMax, out var header);
        if (status.IsBad)
        {
            return new ReceivedChunk(status, default, default, "chunk header is not acceptable");
        }

        (status, reason) = await FillAsync(header.Size, cancellationToken);
        if (status.IsBad)
        {
            return new ReceivedChunk(status, default, default, reason);
        }

        _lastChunkBytes = header.Size;
        return new ReceivedChunk(StatusCode.Good, header, _buffer.AsMemory(_start, header.Size), null);
    }

    /// <summary>Sends bytes that are one or more whole chunks.</summary>
    /// <returns>Good, or BadConnectionClosed.</returns>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; the connection is of no use any more, because part of a chunk may have left.
    /// </exception>
    public async ValueTask<StatusCode> SendAsync(ReadOnlyMemory<byte> chunks, CancellationToken cancellationToken)
    {
        try
        {
            await _stream.WriteAsync(chunks, cancellationToken);
            return StatusCode.Good;
        }
        catch (Exception e) when (IsNetworkFailure(e))
        {
            return StatusCodes.BadConnectionClosed;
        }
    }

    /// <summary>Closes the stream, which ends a receive that waits; the caller then ends its receive loop.</summary>
    public async ValueTask CloseAsync() => await _stream.DisposeAsync();

    /// <summary>Closes, and gives the buffer back: nobody may be receiving any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _stream.DisposeAsync();
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }
    }

    private static bool IsNetworkFailure(Exception e) => e is IOException or SocketException or ObjectDisposedException;

    /// <summary>Reads until that many bytes lie at the start of the buffer.</summary>
    private async ValueTask<(StatusCode Status, string? Reason)> FillAsync(int count, CancellationToken cancellationToken)
    {
        MakeRoom(count);
        while (_end - _start < count)
        {
            try
            {
                var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
                if (read == 0)
                {
                    return (StatusCodes.BadConnectionClosed, _end == _start ? "closed by the other side" : "closed within a chunk");
                }

                _end += read;
            }
            catch (Exception e) when (IsNetworkFailure(e))
            {
                return (StatusCodes.BadCommunicationError, e.Message);
            }
        }

        return (StatusCode.Good, null);
    }

    /// <summary>
    /// Moves what is left to the front when the tail of the buffer is too short; the buffer holds two chunks, so that is rare.
    /// </summary>
    private void MakeRoom(int count)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }

        if (_buffer is not null && count <= _buffer.Length - _start)
        {
            return;
        }

        var wanted = Math.Max(count, 2 * Math.Min(_chunkBytesMax, 1 << 20));
        var target = _buffer is null || _buffer.Length < wanted ? ArrayPool<byte>.Shared.Rent(wanted) : _buffer;
        _buffer.AsSpan(_start, _end - _start).CopyTo(target);
        if (_buffer is not null && !ReferenceEquals(target, _buffer))
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = target;
        _end -= _start;
        _start = 0;
    }
}
