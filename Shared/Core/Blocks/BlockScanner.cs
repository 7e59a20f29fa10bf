using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>
/// Reads a block file front to back and finds every intact frame, before and behind damage, whatever bytes the file holds. It decides
/// nothing: it names what it finds, and the caller decides. It holds one frame and a read-ahead in memory. Not thread-safe.
/// </summary>
/// <remarks>
/// A frame's header has its own checksum: where the header is intact and the payload is not, exactly that frame is damaged and the next
/// one is looked for behind it. Where the header is not intact, the next header is searched byte by byte; only one of the same stream
/// with a sequence number that does not run backwards counts, so that old content or a copy of a frame inside a value is not taken
/// for a frame.
/// </remarks>
public sealed class BlockScanner
{
    /// <summary>How much is read at once.</summary>
    internal const int ReadAheadBytes = 256 * 1024;

    private readonly IStorageFile _file;
    private readonly long _fileLength;
    private byte[] _buffer;
    private long _bufferOffset;
    private int _bufferLength;
    private long _position;
    private ulong? _streamTag;
    private ulong _minSequence;
    private ulong? _nextSequence;
    private bool _sawTrailer;
    private (long Offset, long Length, string Reason)? _pendingDamage;

    private BlockScanner(IStorageFile file, long fileLength, byte[]? readAhead)
    {
        _file = file;
        _fileLength = fileLength;
        _buffer = readAhead ?? new byte[Math.Min(ReadAheadBytes, fileLength)];
    }

    /// <summary>The block's header, or null when it is damaged: frames are found all the same.</summary>
    public BlockHeader? Header { get; private set; }

    /// <summary>The header's size in bytes, 0 when it is damaged.</summary>
    public int HeaderBytes { get; private set; }

    /// <summary>What is wrong with the header, or null.</summary>
    public string? HeaderError { get; private set; }

    /// <summary>Opens a scan.</summary>
    /// <param name="file">The file; stays the caller's to close.</param>
    /// <param name="knownStream">The stream that the block should belong to, where the caller knows: it helps when the header is damaged.</param>
    /// <param name="readAhead">Memory for the reading, the scanner's as long as it is used; null for memory of its own.</param>
    /// <param name="bounds">Where the block's sequence numbers lie, as far as the caller knows: frames of others are old content of the disk.</param>
    public static StorageResult<BlockScanner> Open(
        IStorageFile file, StreamId? knownStream = null, byte[]? readAhead = null, BlockBounds bounds = default)
    {
        var length = file.Length();
        if (!length.IsOk)
        {
            return length.Error;
        }

        var scanner = new BlockScanner(file, length.Value, readAhead) { _streamTag = knownStream?.High, _minSequence = bounds.FirstSequence, _nextSequence = bounds.NextSequence };
        var started = scanner.ReadBlockHeader();
        return started.IsOk ? scanner : started.Error;
    }

    /// <summary>The next finding. After <see cref="ScanKind.End"/> it stays the end.</summary>
    public StorageResult<ScanItem> Next()
    {
        if (_pendingDamage is { } damage)
        {
            _pendingDamage = null;
            return Damaged(damage.Offset, damage.Length, damage.Reason);
        }

        if (_position >= _fileLength)
        {
            return new ScanItem(ScanKind.End, _fileLength, 0, default, default, null);
        }

        var window = Window(_position, FrameHeader.SizeBytes);
        if (!window.IsOk)
        {
            return window.Error;
        }

        if (!FrameHeader.TryRead(window.Value.Span, out var header) || !Belongs(header))
        {
            return Resynchronise(_position, "no frame begins here");
        }

        return ReadFrame(header);
    }

    private StorageResult<ScanItem> ReadFrame(in FrameHeader header)
    {
        var offset = _position;
        if (header.LengthBytes > _fileLength - offset)
        {
            return Resynchronise(offset, $"the frame announces {header.LengthBytes} bytes, {_fileLength - offset} are left", header);
        }

        var window = Window(offset, header.LengthBytes);
        if (!window.IsOk)
        {
            return window.Error;
        }

        var payload = window.Value[FrameHeader.SizeBytes..header.LengthBytes];
        _streamTag ??= header.StreamTag;
        _minSequence = header.NextSequence;
        _position = offset + header.LengthBytes;
        if (Bytes.Crc32C.Compute(payload.Span) != header.PayloadChecksum)
        {
            return Damaged(offset, header.LengthBytes, $"the payload of a frame with {header.EventCount} events does not match its checksum", header);
        }

        _sawTrailer |= header.Type == FrameType.Trailer;
        return new ScanItem(ScanKind.Frame, offset, header.LengthBytes, header, payload, null);
    }

    /// <summary>Looks for the next intact header behind an offset; everything up to it is damage.</summary>
    private StorageResult<ScanItem> Resynchronise(long from, string reason, in FrameHeader begins = default)
    {
        var search = from + 1;
        while (search + FrameHeader.SizeBytes <= _fileLength)
        {
            var buffered = Buffered(search);
            if (!buffered.IsOk)
            {
                return buffered.Error;
            }

            var span = buffered.Value.Span;
            var hit = span.IndexOf(FrameHeader.Magic);
            if (hit < 0)
            {
                // The magic may straddle the window's end.
                search += Math.Max(1, span.Length - (FrameHeader.Magic.Length - 1));
                continue;
            }

            search += hit;
            var candidate = Window(search, FrameHeader.SizeBytes);
            if (!candidate.IsOk)
            {
                return candidate.Error;
            }

            if (FrameHeader.TryRead(candidate.Value.Span, out var header) && Belongs(header) && header.LengthBytes <= _fileLength - search)
            {
                _position = search;
                return Damaged(from, search - from, reason, begins);
            }

            search++;
        }

        _position = _fileLength;
        return Damaged(from, _fileLength - from, reason, begins);
    }

    private ScanItem Damaged(long offset, long length, string reason, in FrameHeader begins = default)
    {
        var atEnd = offset + length >= _fileLength;
        return new ScanItem(atEnd && !_sawTrailer ? ScanKind.Torn : ScanKind.Damage, offset, length, begins, default, reason);
    }

    private bool Belongs(in FrameHeader header) =>
        (_streamTag is null || _streamTag == header.StreamTag) && header.FirstSequence >= _minSequence
        && (_nextSequence is null || header.NextSequence <= _nextSequence);

    private StorageResult ReadBlockHeader()
    {
        var window = Window(0, BlockHeader.MaxSizeBytes);
        if (!window.IsOk)
        {
            return window.Error;
        }

        if (_fileLength == 0)
        {
            HeaderError = "the file is empty";
            return StorageResult.Ok;
        }

        HeaderError = BlockHeader.TryRead(window.Value.Span, out var header, out var size);
        if (HeaderError is null)
        {
            Header = header;
            _streamTag = header!.Stream.High;
            _minSequence = header.FirstSequence;
            _position = size;
            HeaderBytes = size;
            return StorageResult.Ok;
        }

        // Frames may stand behind a damaged header: find the first one, and report the header before it.
        var damage = Resynchronise(0, $"block header: {HeaderError}");
        if (!damage.IsOk)
        {
            return damage.Error;
        }

        _pendingDamage = (0, damage.Value.LengthBytes, damage.Value.Reason!);
        return StorageResult.Ok;
    }

    /// <summary>The bytes at an offset that are in memory already, or a read-ahead when they are too few for a header.</summary>
    private StorageResult<ReadOnlyMemory<byte>> Buffered(long offset)
    {
        var available = _bufferOffset + _bufferLength - offset;
        return offset >= _bufferOffset && available >= FrameHeader.SizeBytes
            ? Window(offset, (int)available)
            : Window(offset, ReadAheadBytes);
    }

    /// <summary>The bytes at an offset: as many as asked, or fewer at the end of the file.</summary>
    private StorageResult<ReadOnlyMemory<byte>> Window(long offset, int count)
    {
        var wanted = (int)Math.Min(count, _fileLength - offset);
        if (offset < _bufferOffset || offset + wanted > _bufferOffset + _bufferLength)
        {
            var room = (int)Math.Min(Math.Max(wanted, ReadAheadBytes), _fileLength - offset);
            if (_buffer.Length < room)
            {
                _buffer = new byte[room];
            }

            var read = _file.ReadAt(offset, _buffer.AsSpan(0, room));
            if (!read.IsOk)
            {
                _bufferLength = 0;
                return read.Error;
            }

            if (read.Value < room)
            {
                return new StorageError(StorageOperation.Read, _file.Path, 0, "the file became shorter while it was read");
            }

            _bufferOffset = offset;
            _bufferLength = read.Value;
        }

        return (ReadOnlyMemory<byte>)_buffer.AsMemory((int)(offset - _bufferOffset), wanted);
    }
}
