using System.Security.Cryptography;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>What is in a frame that is appended, for the trailer.</summary>
/// <param name="FrameCount">Frames.</param>
/// <param name="EventCount">Events.</param>
/// <param name="NextSequence">The sequence number behind the frames.</param>
/// <param name="MinTimeNs">The earliest event; any value without events.</param>
/// <param name="MaxTimeNs">The latest event; any value without events.</param>
public readonly record struct FrameStats(uint FrameCount, uint EventCount, ulong NextSequence, long MinTimeNs, long MaxTimeNs);

/// <summary>
/// Writes one block file: frames at the end, made durable on demand, sealed once. While it is written the file has the suffix
/// <c>.open</c>. Not thread-safe.
/// </summary>
/// <remarks>
/// A failed <see cref="Append"/> (disk full) may be repeated: it overwrites the same region. After a failed <see cref="Sync"/> the file
/// is dead as a target: the kernel has dropped what it could not write and would report success the next time. The owner then
/// writes what was not yet durable into a new block.
/// </remarks>
public sealed class BlockAppender : IDisposable
{
    private readonly IStorage _storage;
    private readonly IStorageFile _file;
    private readonly string _folder;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private uint _frameCount;
    private ulong _eventCount;
    private long _minTimeNs = long.MaxValue;
    private long _maxTimeNs = long.MinValue;
    private bool _failed;
    private SealedBlock? _sealed;
    private bool _isTrailerDurable;
    private bool _isRenamed;

    private BlockAppender(IStorage storage, IStorageFile file, string folder, BlockName name, BlockHeader header)
    {
        _storage = storage;
        _file = file;
        _folder = folder;
        Name = name;
        Header = header;
        NextSequence = header.FirstSequence;
    }

    /// <summary>The block's name.</summary>
    public BlockName Name { get; }

    /// <summary>The block's header.</summary>
    public BlockHeader Header { get; }

    /// <summary>Bytes written, header included.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>The sequence number of the next event: every number from the header's first one on was given to a frame or recorded as lost.</summary>
    public ulong NextSequence { get; private set; }

    /// <summary>Events written.</summary>
    public ulong EventCount => _eventCount;

    /// <summary>Frames written.</summary>
    public uint FrameCount => _frameCount;

    /// <summary>The path while the block is open.</summary>
    public string OpenPath => Path.Combine(_folder, Name + BlockName.OpenSuffix);

    /// <summary>The path once it is sealed.</summary>
    public string SealedPath => Path.Combine(_folder, Name.ToString());

    /// <summary>What was appended, for a reader that writes the block once more; the file stays this one's.</summary>
    public ClosedContent Closed() => new(Name, Header, _frameCount, _eventCount, NextSequence, new PrefixFile(_file, LengthBytes));

    /// <summary>Creates the file with its header. The name is durable; the content is with the first <see cref="Sync"/>.</summary>
    public static StorageResult<BlockAppender> Create(IStorage storage, string folder, BlockName name, BlockHeader header)
    {
        var path = Path.Combine(folder, name + BlockName.OpenSuffix);
        var created = storage.CreateNew(path);
        if (!created.IsOk)
        {
            return created.Error;
        }

        var appender = new BlockAppender(storage, created.Value, folder, name, header);
        var bytes = header.ToBytes();
        var written = appender.Write(bytes);
        var synced = written.IsOk ? storage.SyncFolder(folder) : written;
        if (synced.IsOk)
        {
            return appender;
        }

        // An empty or half header is of no use to anybody; if it can't be removed either, recovery will deal with it.
        appender.Dispose();
        _ = storage.Delete(path);
        return synced.Error;
    }

    /// <summary>Appends frames.</summary>
    /// <param name="frames">Whole frames.</param>
    /// <param name="stats">What is in them.</param>
    public StorageResult Append(ReadOnlySpan<byte> frames, in FrameStats stats)
    {
        if (_sealed is not null)
        {
            throw new InvalidOperationException("A block that is being sealed takes no more frames.");
        }

        var written = Write(frames);
        if (!written.IsOk)
        {
            return written;
        }

        _frameCount += stats.FrameCount;
        _eventCount += stats.EventCount;
        NextSequence = stats.NextSequence;
        if (stats.EventCount > 0)
        {
            _minTimeNs = Math.Min(_minTimeNs, stats.MinTimeNs);
            _maxTimeNs = Math.Max(_maxTimeNs, stats.MaxTimeNs);
        }

        return written;
    }

    /// <summary>Makes everything appended durable. A failure is final for this file.</summary>
    public StorageResult Sync()
    {
        if (_failed)
        {
            throw new InvalidOperationException("A block whose sync failed is no target any more.");
        }

        var synced = _file.SyncData();
        _failed = !synced.IsOk;
        return synced;
    }

    /// <summary>
    /// Writes the trailer, makes the file durable, gives it its final name and makes that durable. After a failure it may be called
    /// again and goes on where it stopped, unless it was the sync that failed.
    /// </summary>
    public StorageResult<SealedBlock> Seal()
    {
        _sealed ??= MakeTrailer();
        var synced = WriteTrailer(_sealed.Trailer);
        if (!synced.IsOk)
        {
            return synced.Error;
        }

        if (!_isRenamed)
        {
            var renamed = _storage.Rename(OpenPath, SealedPath);
            if (!renamed.IsOk)
            {
                return renamed.Error;
            }

            _isRenamed = true;
        }

        var folder = _storage.SyncFolder(_folder);
        return folder.IsOk ? _sealed : folder.Error;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _hash.Dispose();
        _file.Dispose();
    }

    private SealedBlock MakeTrailer()
    {
        var hasEvents = _eventCount > 0;
        var trailer = new BlockTrailer(
            _frameCount,
            _eventCount,
            Header.FirstSequence,
            NextSequence,
            hasEvents ? _minTimeNs : 0,
            hasEvents ? _maxTimeNs : 0,
            new BlockHash(_hash.GetCurrentHash()));
        return new SealedBlock(Name, Header, trailer, LengthBytes + BlockTrailer.FrameBytes);
    }

    private StorageResult WriteTrailer(BlockTrailer trailer)
    {
        if (_isTrailerDurable)
        {
            return StorageResult.Ok;
        }

        var frame = new ByteWriter(BlockTrailer.FrameBytes);
        trailer.AppendFrame(frame, Header.Stream.High);
        var written = _file.WriteAt(LengthBytes, frame.Written);
        var synced = written.IsOk ? Sync() : written;
        _isTrailerDurable = synced.IsOk;
        return synced;
    }

    private StorageResult Write(ReadOnlySpan<byte> bytes)
    {
        var written = _file.WriteAt(LengthBytes, bytes);
        if (written.IsOk)
        {
            _hash.AppendData(bytes);
            LengthBytes += bytes.Length;
        }

        return written;
    }
}
