using System.Security.Cryptography;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>Bytes of a block that are no intact frame.</summary>
/// <param name="Offset">Where they start in the file, in bytes.</param>
/// <param name="LengthBytes">How many.</param>
/// <param name="Reason">What is wrong.</param>
public sealed record BlockDamage(long Offset, long LengthBytes, string Reason);

/// <summary>Sequence numbers that a block should hold and does not.</summary>
/// <param name="First">The first one.</param>
/// <param name="Last">The last one.</param>
public sealed record MissingRange(ulong First, ulong Last)
{
    /// <summary>How many events.</summary>
    public ulong Count => Last - First + 1;
}

/// <summary>
/// Everything that can be said of a block file after reading all of it: what is intact, what is damaged, which events are missing.
/// </summary>
public sealed class BlockReport
{
    private const int HashBufferBytes = 256 * 1024;

    private BlockReport()
    {
    }

    /// <summary>The header, or null when it is damaged.</summary>
    public BlockHeader? Header { get; private set; }

    /// <summary>The trailer, or null when the block was never sealed or the trailer is damaged.</summary>
    public BlockTrailer? Trailer { get; private set; }

    /// <summary>The file's length in bytes.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>The version of a reader that the intact frames need; a header that is damaged can't say it.</summary>
    public ushort NeededVersion { get; private set; } = BlockHeader.RowsVersion;

    /// <summary>Intact frames, the trailer left out.</summary>
    public uint FrameCount { get; private set; }

    /// <summary>Events in intact frames.</summary>
    public ulong EventCount { get; private set; }

    /// <summary>The first sequence number that the block is about.</summary>
    public ulong FirstSequence { get; private set; }

    /// <summary>The sequence number behind the last event that is intact or, in a sealed block, that the trailer counts.</summary>
    public ulong NextSequence { get; private set; }

    /// <summary>The first half of the stream id as the frames have it; 0 without frames.</summary>
    public ulong StreamTag { get; private set; }

    /// <summary>
    /// Where the sound beginning of the file ends, in bytes: header and frames up to the first damage, in a block that was never sealed
    /// up to the end of the last whole commit.
    /// </summary>
    public long IntactPrefixBytes { get; private set; }

    /// <summary>Bytes that are no intact frame; the torn tail of an unsealed block is not among them.</summary>
    public IReadOnlyList<BlockDamage> Damages { get; private set; } = [];

    /// <summary>
    /// The torn tail of a block that was never sealed, or null: everything behind the last whole commit, when all of it belongs to one
    /// commit. That commit was cut short before anybody was told that it is accepted, so that its source still has it; it counts as
    /// a whole or not at all. Damage in front of the last whole commit changes nothing about that; damage behind it may have been the end of
    /// another commit, so that what is intact there counts.
    /// </summary>
    public BlockDamage? TornTail { get; private set; }

    /// <summary>True for a block that was sealed and has lost its end, when nobody knows how many events that held.</summary>
    public bool IsEndUnknown { get; private set; }

    /// <summary>Events that are missing between intact ones, or before the end that the trailer names.</summary>
    public IReadOnlyList<MissingRange> Missing { get; private set; } = [];

    /// <summary>The last position of each source that the intact frames hold.</summary>
    public IReadOnlyList<SourcePosition> Positions { get; private set; } = [];

    /// <summary>The loss records among the intact frames.</summary>
    public IReadOnlyList<LossRecord> Losses { get; private set; } = [];

    /// <summary>True when the file has a trailer and the content hash matches it.</summary>
    public bool IsHashVerified { get; private set; }

    /// <summary>True when every byte is as it was sealed: the hash matches, and nothing stands behind the trailer, which the hash does not cover.</summary>
    public bool IsAsSealed { get; private set; }

    /// <summary>True for a sealed block without any damage or hole.</summary>
    public bool IsIntact => IsAsSealed && Damages.Count == 0 && Missing.Count == 0 && TornTail is null;

    /// <summary>Reads a whole block and reports.</summary>
    /// <param name="file">The file; stays the caller's to close.</param>
    /// <param name="knownStream">The stream it should belong to, if known.</param>
    /// <param name="knownHeaderBytes">
    /// How long its header should be, if known. Where it is damaged, that tells a header that went bad from a first commit of which the beginning,
    /// header and all, never reached the disk.
    /// </param>
    /// <param name="bounds">Where its sequence numbers lie, as far as the caller knows.</param>
    /// <param name="wasSealed">
    /// True when the block is known to have been sealed: all of it was on disk, so where its end is not intact, that is no commit that was cut short, and
    /// what is intact of the last one counts.
    /// </param>
    public static StorageResult<BlockReport> Create(
        IStorageFile file, StreamId? knownStream = null, int? knownHeaderBytes = null, BlockBounds bounds = default, bool wasSealed = false)
    {
        var opened = BlockScanner.Open(file, knownStream, bounds: bounds);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        var report = new BlockReport { Header = opened.Value.Header, FirstSequence = opened.Value.Header?.FirstSequence ?? 0 };
        var builder = new Builder(report, opened.Value.HeaderBytes, knownHeaderBytes, wasSealed, bounds.NextSequence);
        while (true)
        {
            var next = opened.Value.Next();
            if (!next.IsOk)
            {
                return next.Error;
            }

            if (next.Value.Kind == ScanKind.End)
            {
                report.LengthBytes = next.Value.Offset;
                break;
            }

            builder.Add(next.Value);
        }

        var trailerOffset = builder.Finish();
        if (report.Trailer is { } trailer)
        {
            var hash = HashPrefix(file, trailerOffset);
            if (!hash.IsOk)
            {
                return hash.Error;
            }

            report.IsHashVerified = trailer.Hash.Equals(hash.Value);
            report.IsAsSealed = report.IsHashVerified && trailerOffset + BlockTrailer.FrameBytes == report.LengthBytes;
        }

        return report;
    }

    /// <summary>SHA-256 of the first bytes of a file.</summary>
    public static StorageResult<BlockHash> HashPrefix(IStorageFile file, long lengthBytes)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[(int)Math.Min(HashBufferBytes, Math.Max(lengthBytes, 1))];
        for (var offset = 0L; offset < lengthBytes;)
        {
            var read = file.ReadAt(offset, buffer.AsSpan(0, (int)Math.Min(buffer.Length, lengthBytes - offset)));
            if (!read.IsOk)
            {
                return read.Error;
            }

            if (read.Value == 0)
            {
                return new StorageError(StorageOperation.Read, file.Path, 0, "the file became shorter while it was read");
            }

            sha.AppendData(buffer, 0, read.Value);
            offset += read.Value;
        }

        return new BlockHash(sha.GetHashAndReset());
    }

    private sealed class Builder(BlockReport report, long headerBytes, int? knownHeaderBytes, bool wasSealed, ulong? nextSequence)
    {
        private readonly List<BlockDamage> _damages = [];
        private readonly List<MissingRange> _missing = [];
        private readonly SourcePositionSet _positions = [];
        private readonly List<LossRecord> _losses = [];
        private ulong? _expected = report.Header?.FirstSequence;
        private long _trailerOffset;
        private Snapshot? _wholeCommits;
        private CommitEnd? _lastCommitEnd;
        private ushort? _commitBehind;
        private bool _isOneCommitBehind = true;
        private bool _sawCommitEnd;
        private string? _tornReason;
        private FrameHeader _tornHeader;

        public void Add(in ScanItem item)
        {
            switch (item.Kind)
            {
                case ScanKind.Damage:
                    _damages.Add(new BlockDamage(item.Offset, item.LengthBytes, item.Reason!));
                    _tornReason ??= item.Reason;
                    break;
                case ScanKind.Torn:
                    report.TornTail = new BlockDamage(item.Offset, item.LengthBytes, item.Reason!);
                    _tornHeader = item.Header;
                    _tornReason ??= item.Reason;
                    break;
                default:
                    AddFrame(item);
                    TrackCommits(item);
                    break;
            }
        }

        /// <summary>
        /// Without a header: whether there is less of the one commit behind it than all. What is left of it must not count, least of all the position
        /// at its end: the source, to whom nothing was acknowledged, would not be listened to when it sends the events again.
        /// </summary>
        private bool IsFirstCommitTorn =>
            knownHeaderBytes is { } expected && (_damages is not [{ Offset: 0 } header] || header.LengthBytes != expected || !_sawCommitEnd);

        /// <summary>Closes the books and returns the trailer's offset.</summary>
        public long Finish()
        {
            if (wasSealed && report.Trailer is null)
            {
                CloseSealed();
            }
            else if (report.Trailer is null && _isOneCommitBehind && (report.Header is not null || IsFirstCommitTorn))
            {
                CutTornCommit();
            }
            else if (report.Trailer is null && _lastCommitEnd is { } end && IsTornBehind(end))
            {
                CutBehind(end);
            }

            if (report.Trailer is { } trailer && _expected is { } expected && trailer.NextSequence > expected)
            {
                _missing.Add(new MissingRange(expected, trailer.NextSequence - 1));
                _expected = trailer.NextSequence;
            }

            report.NextSequence = _expected ?? 0;
            report.Damages = _damages;
            report.Missing = _missing;
            report.Positions = [.. _positions];
            report.Losses = _losses;
            return _trailerOffset;
        }

        private void TrackCommits(in ScanItem item)
        {
            var end = item.Offset + item.LengthBytes;
            if (_tornReason is null)
            {
                report.IntactPrefixBytes = end;
                if (item.Header.IsCommitEnd)
                {
                    _wholeCommits = new Snapshot(
                        end, _expected, report.FrameCount, report.EventCount, _missing.Count, _losses.Count, [.. _positions]);
                    _commitBehind = null;
                    return;
                }
            }

            if (item.Header.IsCommitEnd)
            {
                _lastCommitEnd = new CommitEnd(
                    new Snapshot(end, _expected, report.FrameCount, report.EventCount, _missing.Count, _losses.Count, [.. _positions]), _damages.Count);
            }
            else if (_lastCommitEnd is { } last)
            {
                _lastCommitEnd = last with { IsOneBehind = last.IsOneBehind && (last.Behind is null || last.Behind == item.Header.Commit), Behind = item.Header.Commit };
            }

            _sawCommitEnd |= item.Header.IsCommitEnd;
            _commitBehind ??= item.Header.Commit;
            _isOneCommitBehind &= _commitBehind == item.Header.Commit;
        }

        /// <summary>Where the trailer alone is gone, the rest is as it was sealed. What a file is cut off to may be as long as a trailer by chance.</summary>
        private void CloseSealed()
        {
            var isTrailerAlone = _damages.Count == 0 && _missing.Count == 0 && report.TornTail is { } end && _wholeCommits?.EndOffset == end.Offset
                && (_tornHeader == default || _tornHeader.Type == FrameType.Trailer)
                && (nextSequence is null ? end.LengthBytes == BlockTrailer.FrameBytes : _expected == nextSequence);
            if (isTrailerAlone)
            {
                return;
            }

            if (report.TornTail is { } tail)
            {
                _damages.Add(tail);
                report.TornTail = null;
            }

            report.IsEndUnknown = nextSequence is null;
            if (nextSequence > _expected)
            {
                _missing.Add(new MissingRange(_expected.Value, nextSequence.Value - 1));
                _expected = nextSequence;
            }
        }

        /// <summary>
        /// Whether intact frames of a single commit, and nothing damaged among them, stand behind the last end of a commit, with damage somewhere in front of
        /// it. Where the next block begins behind their numbers they were accepted.
        /// </summary>
        private bool IsTornBehind(CommitEnd end) =>
            end is { Behind: not null, IsOneBehind: true } && _damages.Count == end.DamageCount && _missing.Count == end.Books.MissingCount
            && !(nextSequence > end.Books.Expected);

        private void CutBehind(CommitEnd end)
        {
            var intactPrefixBytes = report.IntactPrefixBytes;
            _tornReason = null;
            Cut(end.Books);
            report.IntactPrefixBytes = intactPrefixBytes;
        }

        private void CutTornCommit() => Cut(_wholeCommits ?? new Snapshot(headerBytes, report.FirstSequence, 0, 0, 0, 0, []));

        private void Cut(Snapshot whole)
        {
            report.IntactPrefixBytes = whole.EndOffset;
            report.TornTail = whole.EndOffset < report.LengthBytes
                ? new BlockDamage(whole.EndOffset, report.LengthBytes - whole.EndOffset, _tornReason ?? "the last commit is not whole")
                : null;
            report.FrameCount = whole.FrameCount;
            report.EventCount = whole.EventCount;
            _expected = whole.Expected;

            // What is in front of it stays, such as a record whose checksum is right and whose content is none.
            _damages.RemoveAll(d => d.Offset >= whole.EndOffset);
            _missing.RemoveRange(whole.MissingCount, _missing.Count - whole.MissingCount);
            _losses.RemoveRange(whole.LossCount, _losses.Count - whole.LossCount);
            _positions.Clear();
            foreach (var position in whole.Positions)
            {
                _positions.Set(position);
            }
        }

        private void AddFrame(in ScanItem item)
        {
            var header = item.Header;
            report.StreamTag = header.StreamTag;
            if (_expected is null)
            {
                report.FirstSequence = header.FirstSequence;
                _expected = header.FirstSequence;
            }

            if (header.FirstSequence > _expected)
            {
                _missing.Add(new MissingRange(_expected.Value, header.FirstSequence - 1));
            }

            _expected = header.NextSequence;
            if (header.Type == FrameType.Trailer)
            {
                AddTrailer(item);
                return;
            }

            report.FrameCount++;
            report.EventCount += header.EventCount;
            if (header.Type == FrameType.EventColumns)
            {
                report.NeededVersion = BlockHeader.ColumnsVersion;
            }

            var error = header.Type switch
            {
                FrameType.Loss => AddLoss(item),
                FrameType.SourcePosition => AddPosition(item),
                _ => null,
            };
            if (error is not null)
            {
                _damages.Add(new BlockDamage(item.Offset, item.LengthBytes, error));
            }
        }

        private void AddTrailer(in ScanItem item)
        {
            var error = BlockTrailer.TryRead(item.Payload.Span, out var trailer);
            if (error is null && report.Header is { } header && !trailer!.IsOf(header))
            {
                error = "it belongs to another block";
            }

            if (error is not null)
            {
                _damages.Add(new BlockDamage(item.Offset, item.LengthBytes, $"trailer: {error}"));
                return;
            }

            report.Trailer = trailer;
            _trailerOffset = item.Offset;
        }

        private string? AddLoss(in ScanItem item)
        {
            var error = LossRecord.TryRead(item.Payload.Span, out var record);
            if (record is not null)
            {
                _losses.Add(record);
            }

            return error is null ? null : $"loss record: {error}";
        }

        private string? AddPosition(in ScanItem item)
        {
            var error = SourcePosition.TryRead(item.Payload.Span, out var position);
            if (error is null)
            {
                _positions.Set(position);
            }

            return error is null ? null : $"source position: {error}";
        }

        /// <summary>The last end of a commit, with damage in front of it, and what stands behind.</summary>
        /// <param name="Books">How the books stood.</param>
        /// <param name="DamageCount">Damaged places in front of it.</param>
        /// <param name="Behind">The commit that the frames behind it belong to; null when there are none.</param>
        /// <param name="IsOneBehind">True as long as they belong to one.</param>
        private sealed record CommitEnd(Snapshot Books, int DamageCount, ushort? Behind = null, bool IsOneBehind = true);

        /// <summary>How the books stood at the end of a whole commit.</summary>
        private sealed record Snapshot(
            long EndOffset,
            ulong? Expected,
            uint FrameCount,
            ulong EventCount,
            int MissingCount,
            int LossCount,
            SourcePosition[] Positions);
    }
}
