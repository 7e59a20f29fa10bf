using System.Buffers;
using ZfRepl.Core.History;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Sinks;

/// <summary>
/// Appends events as JSON lines to a file, each event once: a position beside the file says how far the file is good and which events
/// are in it. Lines behind that are of a block that was not completed; they are cut off at the next start, and the block is served
/// again. The file is for this sink alone and is locked. Not thread-safe: an importer serves one block at a time.
/// </summary>
/// <remarks>
/// A block's lines are synced before the position is. When the sync fails, the lines are cut off and written again, because what the kernel
/// could not write it does not try again. When the position can't be written, the lines stay, and it is tried again with the block.
/// A file that became shorter than the position was rotated by somebody: lines go on at its end.
/// </remarks>
public sealed class JsonLinesSink : IEventSink, IDisposable
{
    private const string PositionSuffix = ".position";
    private const string LockSuffix = ".lock";
    private const int FlushBytes = 256 * 1024;

    private readonly IStorage _storage;
    private readonly IStorageFile _file;
    private readonly IDisposable _lock;
    private readonly JsonLinesPosition _position;
    private readonly SequenceSet _pending = new();
    private readonly ArrayBufferWriter<byte> _buffer = new(FlushBytes * 2);
    private ulong _pendingTag;
    private long _end;
    private bool _isDirty;
    private bool _hasTail;

    private JsonLinesSink(IStorage storage, IStorageFile file, IDisposable lockHandle, JsonLinesPosition position)
    {
        _storage = storage;
        _file = file;
        _lock = lockHandle;
        _position = position;
        _end = position.LengthBytes;
    }

    /// <inheritdoc/>
    public string Name => $"json lines {_file.Path}";

    /// <summary>Opens or creates the file and cuts off what was not completed.</summary>
    /// <param name="storage">Where it is.</param>
    /// <param name="path">The file; its folder must exist.</param>
    public static StorageResult<JsonLinesSink> Open(IStorage storage, string path)
    {
        var full = Path.GetFullPath(path);
        var locked = storage.Lock(full + LockSuffix);
        if (!locked.IsOk)
        {
            return locked.Error;
        }

        var file = OpenFile(storage, full);
        var position = file.IsOk ? Recover(storage, file.Value, full + PositionSuffix) : file.Error;
        if (position.IsOk)
        {
            return new JsonLinesSink(storage, file.Value, locked.Value, position.Value);
        }

        if (file.IsOk)
        {
            file.Value.Dispose();
        }

        locked.Value.Dispose();
        return position.Error;
    }

    /// <inheritdoc/>
    public ValueTask<SinkError?> DeliverAsync(SinkBatch batch, CancellationToken cancellation)
    {
        var tag = batch.Block.Key.Stream.High;
        if (tag != _pendingTag && _pending.Ranges.Count > 0)
        {
            // The block before was given up on the way.
            TakeBack();
        }

        _pendingTag = tag;

        var written = Append(batch, _position.Written(tag));
        if (written.IsOk)
        {
            return ValueTask.FromResult<SinkError?>(null);
        }

        TakeBack();
        return ValueTask.FromResult<SinkError?>(Describe(written.Error));
    }

    /// <inheritdoc/>
    public ValueTask<SinkError?> CompleteAsync(SinkBlock block, CancellationToken cancellation)
    {
        var done = SyncLines();
        if (done.IsOk && _isDirty)
        {
            done = _position.Write(_storage, _file.Path + PositionSuffix);
            _isDirty = !done.IsOk;
        }

        return ValueTask.FromResult(done.IsOk ? null : Describe(done.Error));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    private static StorageResult<IStorageFile> OpenFile(IStorage storage, string path)
    {
        var opened = storage.Open(path, write: true);
        if (opened.IsOk || !opened.Error.IsNotFound)
        {
            return opened;
        }

        var created = storage.CreateNew(path);
        if (!created.IsOk)
        {
            return created;
        }

        var named = storage.SyncFolder(Path.GetDirectoryName(path)!);
        if (named.IsOk)
        {
            return created;
        }

        created.Value.Dispose();
        return named.Error;
    }

    private static StorageResult<JsonLinesPosition> Recover(IStorage storage, IStorageFile file, string positionPath)
    {
        var length = file.Length();
        if (!length.IsOk)
        {
            return length.Error;
        }

        var read = JsonLinesPosition.Read(storage, positionPath);
        if (!read.IsOk)
        {
            return read.Error;
        }

        if (read.Value is { } position && position.LengthBytes < length.Value)
        {
            var cut = file.SetLength(position.LengthBytes);
            return cut.IsOk ? position : cut.Error;
        }

        // Without a position the file is somebody's, and a shorter one was rotated: nothing is cut, and lines go on behind what is there.
        var ended = EndLastLine(file, length.Value);
        if (!ended.IsOk)
        {
            return ended.Error;
        }

        var kept = read.Value ?? new JsonLinesPosition();
        kept.LengthBytes = ended.Value;

        // From now on there is a position, so that what a crash leaves of the very first block is known as such.
        var written = kept.Write(storage, positionPath);
        return written.IsOk ? kept : written.Error;
    }

    /// <summary>Writes the line end that a file may lack.</summary>
    /// <returns>The file's length.</returns>
    private static StorageResult<long> EndLastLine(IStorageFile file, long lengthBytes)
    {
        var last = new byte[1];
        var read = lengthBytes == 0 ? 0 : file.ReadAt(lengthBytes - 1, last);
        if (!read.IsOk)
        {
            return read.Error;
        }

        if (read.Value == 0 || last[0] == (byte)'\n')
        {
            return lengthBytes;
        }

        var written = file.WriteAt(lengthBytes, "\n"u8);
        return written.IsOk ? lengthBytes + 1 : written.Error;
    }

    private StorageResult Append(SinkBatch batch, SequenceSet written)
    {
        if (_hasTail)
        {
            var cut = _file.SetLength(_end);
            if (!cut.IsOk)
            {
                return cut;
            }

            _hasTail = false;
        }

        _buffer.ResetWrittenCount();
        foreach (var run in batch.Runs)
        {
            for (var i = 0; i < run.Count; i++)
            {
                var sequence = run.FirstSequence + (ulong)i;
                if (written.Contains(sequence) || _pending.Contains(sequence))
                {
                    continue;
                }

                TelemetryJson.WriteEvent(_buffer, batch.Events[run.Start + i], details: true);
                _buffer.Write("\n"u8);
                _pending.Add(new SequenceRange(sequence, sequence));
                if (_buffer.WrittenCount >= FlushBytes && Flush() is { IsOk: false } failed)
                {
                    return failed;
                }
            }
        }

        return Flush();
    }

    private StorageResult Flush()
    {
        var written = _file.WriteAt(_end, _buffer.WrittenSpan);
        _end += written.IsOk ? _buffer.WrittenCount : 0;
        _buffer.ResetWrittenCount();
        return written;
    }

    /// <summary>Makes the pending lines durable and counts them in.</summary>
    private StorageResult SyncLines()
    {
        if (_pending.Ranges.Count == 0)
        {
            return StorageResult.Ok;
        }

        var synced = _file.SyncData();
        if (!synced.IsOk)
        {
            TakeBack();
            return synced;
        }

        _position.Written(_pendingTag).AddAll(_pending.Ranges);
        _position.LengthBytes = _end;
        _pending.Clear();
        _isDirty = true;
        return synced;
    }

    /// <summary>Forgets lines that are not durable and cuts them off, at the latest before anything else is written.</summary>
    private void TakeBack()
    {
        _pending.Clear();
        _end = _position.LengthBytes;
        _hasTail = !_file.SetLength(_end).IsOk;
    }

    private SinkError Describe(StorageError error) => new($"{Name}: {error.Operation}: {error.Detail}", error.Remedy);
}
