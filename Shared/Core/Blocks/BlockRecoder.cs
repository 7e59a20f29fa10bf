using System.Security.Cryptography;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Blocks;

/// <summary>A block that takes no more frames and was not sealed yet.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Header">Its header.</param>
/// <param name="FrameCount">Frames.</param>
/// <param name="EventCount">Events.</param>
/// <param name="NextSequence">The sequence number behind its last event.</param>
/// <param name="Content">Its bytes, for reading; the owner's to close.</param>
public sealed record ClosedContent(
    BlockName Name, BlockHeader Header, uint FrameCount, ulong EventCount, ulong NextSequence, IStorageFile Content);

/// <summary>What became of a re-coding.</summary>
/// <param name="Block">The new block, durable under its temporary name; null when the old one is to be sealed as it is.</param>
/// <param name="Reason">Why there is no new block, for people; null where it just saves nothing.</param>
public sealed record RecodeOutcome(SealedBlock? Block, string? Reason);

/// <summary>
/// Writes a closed block once more, as it is going to be kept and sent: the small frames of its commits become a few large ones, each in the
/// coding that is smallest for its events (docs/adr/0010). Same stream, number, sequence numbers, events, order and loss records; of the
/// source positions the last ones. Its memory is bounded: the events of one frame at a time, however large the block is. Reused block
/// after block. Not thread-safe.
/// </summary>
/// <remarks>
/// Nothing of the old block is believed unread: every checksum is verified, and a block that is not exactly what its writer counted is
/// left alone. The new one is written aside, under <see cref="RecodeSuffix"/>, and synced; <see cref="PutInPlace"/> gives it the block's
/// name. Only then may the old file go.
/// </remarks>
public sealed class BlockRecoder
{
    /// <summary>Added to the block's name while it is written once more.</summary>
    public const string RecodeSuffix = ".recode";

    private const int MaxSourceBytes = 4 * 1024 * 1024;
    private const int FlushBytes = 256 * 1024;

    // Half of what a frame may have: a thirtieth more bytes for half of the memory.
    private const int MaxFrameEvents = EventColumnsBuilder.MaxEvents / 2;

    // What is saved has to be worth a second file.
    private const int LeastSavingDivisor = 8;

    private readonly EventFrameReader _reader = new();
    private EventFrameEncoder _encoder = new();
    private readonly byte[] _readAhead = new byte[BlockScanner.ReadAheadBytes];
    private readonly ByteWriter _output = new(32 * 1024);
    private readonly EventBatch _batch;
    private readonly EventBatch _readBack;

    /// <summary>A recoder.</summary>
    /// <param name="oids">
    /// The table of those who wrote the blocks: what stands in the order of its numbers, as <see cref="EventBatch.SortEqualTimes"/> leaves it, takes
    /// the least room.
    /// </param>
    public BlockRecoder(OidTable oids)
    {
        _batch = new EventBatch(oids);
        _readBack = new EventBatch(oids);
    }

    /// <summary>Writes a block aside in its final coding and makes it durable.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="folder">The mailbox's folder.</param>
    /// <param name="old">The block.</param>
    /// <param name="cancellationToken">Gives the work up; what was written aside is deleted.</param>
    /// <returns>The outcome; an error when the old file can't be read or the new one can't be written: then the old one is still good.</returns>
    public StorageResult<RecodeOutcome> WriteAside(
        IStorage storage, string folder, ClosedContent old, CancellationToken cancellationToken)
    {
        using var job = new Job(this, storage, Path.Combine(folder, old.Name + RecodeSuffix), old);
        var done = job.Run(cancellationToken);
        _batch.Clear();
        _readBack.Clear();
        _output.Clear();
        if (done is { IsOk: true, Value.Block: not null })
        {
            return done;
        }

        var removed = job.Discard();
        return done.IsOk && !removed.IsOk ? removed.Error : done;
    }

    /// <summary>Gives a block that was written aside its name, durably, in place of one that may be there from an earlier try.</summary>
    public static StorageResult PutInPlace(IStorage storage, string folder, BlockName name)
    {
        var renamed = storage.Rename(Path.Combine(folder, name + RecodeSuffix), Path.Combine(folder, name.ToString()));
        return renamed.IsOk ? storage.SyncFolder(folder) : renamed;
    }

    private sealed class Job(BlockRecoder owner, IStorage storage, string path, ClosedContent old) : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly BlockHeader _header = old.Header with { NeededVersion = BlockHeader.ColumnsVersion };
        private readonly SourcePositionSet _positions = [];
        private readonly int _targetEvents = TargetEvents(old.EventCount);
        private IStorageFile? _file;
        private bool _isCreated;
        private long _length;
        private long _sourceBytes;
        private uint _oldFrames;
        private ulong _oldEvents;
        private uint _frames;
        private ulong _firstSequence = old.Header.FirstSequence;
        private ulong _expected = old.Header.FirstSequence;
        private long _minTimeNs = long.MaxValue;
        private long _maxTimeNs = long.MinValue;
        private bool _savesNothing;
        private string? _wrong;

        private EventBatch Batch => owner._batch;

        private ByteWriter Output => owner._output;

        /// <summary>The number of the frame's commit. Each frame is one of its own: what is in front of a cut counts, also without a trailer.</summary>
        private ushort Commit => unchecked((ushort)(_frames + 1));

        public StorageResult<RecodeOutcome> Run(CancellationToken cancellationToken)
        {
            var opened = BlockScanner.Open(old.Content, old.Header.Stream, owner._readAhead);
            if (!opened.IsOk)
            {
                return opened.Error;
            }

            if (opened.Value.Header != old.Header)
            {
                return new RecodeOutcome(null, $"its header is not the one that was written: {opened.Value.HeaderError ?? "it belongs to another block"}");
            }

            Output.WriteBytes(_header.ToBytes());
            while (true)
            {
                if (cancellationToken.IsCancellationRequested)
                {
                    return new RecodeOutcome(null, null);
                }

                var next = opened.Value.Next();
                if (!next.IsOk)
                {
                    return next.Error;
                }

                if (next.Value.Kind == ScanKind.End)
                {
                    return Finish(next.Value.Offset);
                }

                var (error, reason) = Take(next.Value);
                if (error is not null)
                {
                    return error;
                }

                if (reason is not null || _wrong is not null || _savesNothing)
                {
                    return new RecodeOutcome(null, reason ?? _wrong);
                }
            }
        }

        /// <summary>Deletes what was written aside.</summary>
        public StorageResult Discard()
        {
            Close();
            if (!_isCreated)
            {
                return StorageResult.Ok;
            }

            var deleted = storage.Delete(path);
            return deleted is { IsOk: false, Error.IsNotFound: true } ? StorageResult.Ok : deleted;
        }

        public void Dispose()
        {
            Close();
            _hash.Dispose();
        }

        private static int TargetEvents(ulong eventCount)
        {
            var frames = Math.Max((eventCount + MaxFrameEvents - 1) / MaxFrameEvents, 1);
            return (int)Math.Max((eventCount + frames - 1) / frames, 1);
        }

        private void Close()
        {
            _file?.Dispose();
            _file = null;
        }

        private (StorageError? Error, string? Reason) Take(in ScanItem item)
        {
            if (item.Kind != ScanKind.Frame)
            {
                return (null, $"{item.Kind} at offset {item.Offset}: {item.Reason}");
            }

            if (item.Header.FirstSequence != _expected)
            {
                return (null, $"the frame at offset {item.Offset} begins with sequence number {item.Header.FirstSequence} instead of {_expected}");
            }

            _oldFrames++;
            switch (item.Header.Type)
            {
                case FrameType.EventRows or FrameType.EventColumns:
                    return TakeEvents(item);
                case FrameType.SourcePosition:
                    var unreadable = SourcePosition.TryRead(item.Payload.Span, out var position);
                    if (unreadable is null)
                    {
                        _positions.Set(position);
                    }

                    return (null, unreadable);
                case FrameType.Loss:
                    return (TakeLoss(item), null);
                default:
                    return (null, $"the frame at offset {item.Offset} has the type {(byte)item.Header.Type}, which does not belong into an open block");
            }
        }

        private (StorageError? Error, string? Reason) TakeEvents(in ScanItem item)
        {
            // A frame of a few large values fills the memory sooner than one of many small ones.
            if (_sourceBytes > 0 && _sourceBytes + item.LengthBytes > MaxSourceBytes)
            {
                var flushed = Flush(all: true);
                if (!flushed.IsOk)
                {
                    return (flushed.Error, null);
                }
            }

            var before = Batch.Count;
            if (owner._reader.Read(item.Header, item.Payload.Span, Batch) is { } unreadable)
            {
                return (null, $"the events of the frame at offset {item.Offset} can't be read: {unreadable}");
            }

            if (Batch.Count - before != item.Header.EventCount)
            {
                throw new InvalidOperationException($"A frame of {item.Header.EventCount} events gave {Batch.Count - before}.");
            }

            _expected = item.Header.NextSequence;
            _oldEvents += item.Header.EventCount;
            _sourceBytes += item.LengthBytes;
            return (Flush(all: false).Error, null);
        }

        private StorageError? TakeLoss(in ScanItem item)
        {
            // A record's place in the stream is part of its identity at the target.
            var flushed = Flush(all: true);
            if (!flushed.IsOk)
            {
                return flushed.Error;
            }

            var offset = Output.Length;
            FrameHeader.Append(Output, FrameType.Loss, 0, old.Header.Stream.High, _expected, item.Payload.Span, Commit);
            return EndFrames(offset, 1).Error;
        }

        /// <summary>Writes the gathered events that fill a frame, or all of them.</summary>
        private StorageResult Flush(bool all)
        {
            while (Batch.Count >= _targetEvents || (all && Batch.Count > 0))
            {
                var count = Math.Min(Batch.Count, _targetEvents);
                var sourceBytes = _sourceBytes * count / Batch.Count;
                NoteTimes(Batch.TimesNs[..count]);
                var offset = Output.Length;
                var (frames, wrong) = Encode(offset, count);
                if (wrong is not null)
                {
                    _wrong = $"what was written for {count} events from {_firstSequence} on does not read back: {wrong}";
                    return StorageResult.Ok;
                }

                Batch.RemoveFirst(count);
                _firstSequence += (ulong)count;
                _sourceBytes -= sourceBytes;

                // The first large frame tells what the rest will save.
                _savesNothing |= _frames == 0 && count >= _targetEvents / 2 && !IsWorth(Output.Length - offset, sourceBytes);
                var written = EndFrames(offset, frames);
                if (!written.IsOk)
                {
                    return written;
                }
            }

            return StorageResult.Ok;
        }

        /// <summary>Writes the first events, and reads them back.</summary>
        /// <returns>How many frames they take, and what is wrong with them, if anything.</returns>
        private (int Frames, string? Wrong) Encode(int offset, int count)
        {
            try
            {
                var frames = owner._encoder.Write(Output, Batch, 0, count, old.Header.Stream.High, _firstSequence, Commit);
                return (frames, ReadBack(offset, frames, count));
            }
            catch (Exception e) when (e is ArithmeticException or IndexOutOfRangeException or ArgumentException or InvalidOperationException)
            {
                // A defect of the coding. It must not cost a reading, nor stop a collector that can go on with rows: the log names it.
                owner._encoder = new EventFrameEncoder();
                return (0, e.ToString());
            }
        }

        /// <summary>The rows go when the new block is in place: nothing takes their place that was not read.</summary>
        private string? ReadBack(int offset, int frames, int count)
        {
            var again = owner._readBack;
            again.Clear();
            for (var i = 0; i < frames; i++)
            {
                if (!FrameHeader.TryRead(Output.Written[offset..], out var header))
                {
                    return "a header is not intact";
                }

                var payload = Output.Written.Slice(offset + FrameHeader.SizeBytes, header.PayloadBytes);
                if (owner._reader.Read(header, payload, again) is { } unreadable)
                {
                    return unreadable;
                }

                offset += header.LengthBytes;
            }

            return again.IsSameAs(Batch, count) ? null : "the events are others";
        }

        private StorageResult<RecodeOutcome> Finish(long oldBytes)
        {
            var flushed = Flush(all: true);
            if (!flushed.IsOk)
            {
                return flushed.Error;
            }

            if (_wrong is not null)
            {
                return new RecodeOutcome(null, _wrong);
            }

            if (_oldFrames != old.FrameCount || _oldEvents != old.EventCount || _expected != old.NextSequence)
            {
                return new RecodeOutcome(
                    null,
                    $"{_oldFrames} frames with {_oldEvents} events up to {_expected} were read, {old.FrameCount} with {old.EventCount} up to {old.NextSequence} were written");
            }

            foreach (var position in _positions)
            {
                var offset = Output.Length;
                position.AppendFrame(Output, old.Header.Stream.High, _expected, Commit);
                var written = EndFrames(offset, 1);
                if (!written.IsOk)
                {
                    return written.Error;
                }
            }

            return IsWorth(_length + Output.Length, oldBytes) ? Complete() : new RecodeOutcome(null, null);
        }

        private StorageResult<RecodeOutcome> Complete()
        {
            _hash.AppendData(Output.Written);
            var hasEvents = _oldEvents > 0;
            var trailer = new BlockTrailer(
                _frames,
                _oldEvents,
                old.Header.FirstSequence,
                _expected,
                hasEvents ? _minTimeNs : 0,
                hasEvents ? _maxTimeNs : 0,
                new BlockHash(_hash.GetCurrentHash()));
            trailer.AppendFrame(Output, old.Header.Stream.High);
            var written = Write();
            var synced = written.IsOk ? _file!.SyncData() : written;
            Close();
            return synced.IsOk ? new RecodeOutcome(new SealedBlock(old.Name, _header, trailer, _length), null) : synced.Error;
        }

        private static bool IsWorth(long newBytes, long oldBytes) => newBytes <= oldBytes - oldBytes / LeastSavingDivisor;

        private void NoteTimes(ReadOnlySpan<long> timesNs)
        {
            foreach (var timeNs in timesNs)
            {
                _minTimeNs = Math.Min(_minTimeNs, timeNs);
                _maxTimeNs = Math.Max(_maxTimeNs, timeNs);
            }
        }

        private StorageResult EndFrames(int offset, int frames)
        {
            for (var i = 0; i < frames; i++)
            {
                FrameHeader.MarkCommitEnd(Output.Patch(offset, FrameHeader.SizeBytes));
                offset += FrameHeader.TryRead(Output.Written[offset..], out var header)
                    ? header.LengthBytes
                    : throw new InvalidOperationException("A frame that was just written has no header.");
            }

            _frames += (uint)frames;
            if (Output.Length < FlushBytes)
            {
                return StorageResult.Ok;
            }

            _hash.AppendData(Output.Written);
            return Write();
        }

        private StorageResult Write()
        {
            if (_file is null)
            {
                var created = Create();
                if (!created.IsOk)
                {
                    return created;
                }
            }

            var written = _file!.WriteAt(_length, Output.Written);
            if (written.IsOk)
            {
                _length += Output.Length;
                Output.Clear();
            }

            return written;
        }

        private StorageResult Create()
        {
            var created = storage.CreateNew(path);
            if (created is { IsOk: false, Error.IsExists: true })
            {
                // An earlier try could not delete it.
                var deleted = storage.Delete(path);
                created = deleted.IsOk ? storage.CreateNew(path) : deleted.Error;
            }

            if (!created.IsOk)
            {
                return created.Error;
            }

            _isCreated = true;
            _file = created.Value;
            return StorageResult.Ok;
        }
    }
}
