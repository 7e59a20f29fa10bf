using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>What became of a block file that was not a whole, sealed block.</summary>
/// <param name="Block">The sealed block with everything intact, or null when there was nothing.</param>
/// <param name="Report">What was found in the file.</param>
/// <param name="KeptAside">Where the original, or the tail that was cut off, is now; null when nothing had to be kept.</param>
public sealed record SalvageOutcome(SealedBlock? Block, BlockReport Report, string? KeptAside);

/// <summary>
/// Turns what a crash or a bad disk left into a sealed block with every intact frame.
/// </summary>
/// <remarks>
/// Decisions, by what the scan found:
/// <list type="table">
/// <item><term>sealed and intact, or salvaged before</term><description>only the name is missing: rename</description></item>
/// <item><term>intact frames, then a torn tail or nothing</term><description>keep the tail aside, seal a copy of the rest; in place where the disk has no
/// room for a copy</description></item>
/// <item><term>damage before intact frames, a damaged header, or an end that was sealed and is more than the trailer</term><description>write the intact frames and a loss record into a
/// new file, move the original aside, give the new file the block's name</description></item>
/// <item><term>no frame at all</term><description>move the file aside, or delete it when it is empty</description></item>
/// </list>
/// Every step may be cut short by a crash and is found and repeated by the next start. Stateless.
/// </remarks>
public static class BlockSalvage
{
    /// <summary>Added to the block's name while intact frames are written into a new file.</summary>
    public const string SalvageSuffix = ".salvage";

    private const int MaxTailBytes = 16 * 1024 * 1024;

    /// <summary>Salvages one file of a mailbox.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="path">The file: open, or sealed by name.</param>
    /// <param name="name">The block's name.</param>
    /// <param name="fallback">
    /// The header to use when the file's own is damaged, with the first sequence number that the block should have: what lies before
    /// the first intact frame counts as missing.
    /// </param>
    /// <param name="aside">Where damaged bytes go.</param>
    /// <param name="nowNs">The wall clock, for the loss record.</param>
    /// <param name="durableBytes">
    /// How much of the file is known to be on disk, when a failed sync made the rest untrustworthy; null trusts what can be read.
    /// </param>
    /// <param name="nextSequence">The first sequence number that is no more the block's, where the caller knows.</param>
    public static StorageResult<SalvageOutcome> Salvage(
        IStorage storage, string path, BlockName name, BlockHeader fallback, IKeepAside aside, long nowNs, long? durableBytes = null,
        ulong? nextSequence = null)
    {
        var opened = storage.Open(path, write: true);
        if (opened is { IsOk: false, Error.IsNotFound: true })
        {
            return FinishWritten(storage, path, name, fallback, new BlockBounds(fallback.FirstSequence, nextSequence), aside, nowNs, opened.Error);
        }

        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var bounds = new BlockBounds(fallback.FirstSequence, nextSequence);
        var report = BlockReport.Create(
            durableBytes is { } limit ? new PrefixFile(file, limit) : file,
            fallback.Stream,
            fallback.ToBytes().Length,
            bounds,
            wasSealed: Path.GetFileName(path) == name.ToString());
        if (!report.IsOk)
        {
            return report.Error;
        }

        var job = new Job(storage, path, name, file, report.Value, bounds, aside, nowNs);
        if (report.Value.IsIntact || IsSalvaged(report.Value))
        {
            return path.EndsWith(BlockName.OpenSuffix, StringComparison.Ordinal) ? job.SealRest() : job.Finish(keptAside: null);
        }

        if (report.Value.FrameCount == 0 && report.Value.Trailer is null)
        {
            return job.SetAside();
        }

        var isCleanPrefix = report.Value is { Header: not null, Damages.Count: 0, Missing.Count: 0, Trailer: null, IsEndUnknown: false } && durableBytes is null;
        return isCleanPrefix ? job.SealRest() : job.Rewrite(fallback);
    }

    /// <summary>
    /// The original is gone. Where it was moved aside when all its intact frames were durable in a file of their own, and the disk failed only then,
    /// nobody but that file has the events: it gets its name now.
    /// </summary>
    private static StorageResult<SalvageOutcome> FinishWritten(
        IStorage storage, string path, BlockName name, BlockHeader fallback, BlockBounds bounds, IKeepAside aside, long nowNs, StorageError notFound)
    {
        var folder = Path.GetDirectoryName(path)!;
        var sealedPath = Path.Combine(folder, name.ToString());
        if (path != sealedPath && storage.Open(sealedPath, write: false) is { IsOk: true, Value: var there })
        {
            there.Dispose();
            return notFound;
        }

        var written = Path.Combine(folder, name + SalvageSuffix);
        var opened = storage.Open(written, write: true);
        if (!opened.IsOk)
        {
            return opened.Error.IsNotFound ? notFound : opened.Error;
        }

        using var file = opened.Value;
        var report = BlockReport.Create(file, fallback.Stream, fallback.ToBytes().Length, bounds);
        if (!report.IsOk)
        {
            return report.Error;
        }

        // One that was written anew says itself what is missing in it.
        return report.Value.IsIntact || IsSalvaged(report.Value)
            ? new Job(storage, written, name, file, report.Value, bounds, aside, nowNs).Finish(keptAside: null)
            : notFound;
    }

    /// <summary>
    /// True for a block that is as it was sealed and says itself what is missing in it: it was salvaged before. Another time would add nothing but
    /// another entry in the loss ledger and another hash, which whoever is fetching it does not know.
    /// </summary>
    private static bool IsSalvaged(BlockReport report)
    {
        if (!report.IsAsSealed || report.Damages.Count > 0 || report.TornTail is not null)
        {
            return false;
        }

        var named = report.Losses.OrderBy(l => l.FirstSequence).ToArray();
        return report.Missing.All(missing =>
        {
            var next = missing.First;
            foreach (var loss in named)
            {
                next = loss.FirstSequence <= next && loss.LastSequence >= next ? loss.LastSequence + 1 : next;
            }

            return next > missing.Last;
        });
    }

    private sealed class Job(
        IStorage storage, string path, BlockName name, IStorageFile file, BlockReport report, BlockBounds bounds, IKeepAside aside,
        long nowNs)
    {
        private readonly string _folder = Path.GetDirectoryName(path)!;

        /// <summary>What lies in front of the trailer, be it there or still to come.</summary>
        private long ContentBytes => report.IsIntact ? report.LengthBytes - BlockTrailer.FrameBytes : report.IntactPrefixBytes;

        public StorageResult<SalvageOutcome> Finish(string? keptAside)
        {
            var target = Path.Combine(_folder, name.ToString());
            if (path != target)
            {
                var renamed = storage.Rename(path, target);
                var synced = renamed.IsOk ? storage.SyncFolder(_folder) : renamed;
                if (!synced.IsOk)
                {
                    return synced.Error;
                }
            }

            return Opened(target, keptAside);
        }

        private StorageResult<SalvageOutcome> Opened(string target, string? keptAside)
        {
            var block = SealedBlock.TryOpen(storage, target, name);
            if (!block.IsOk)
            {
                return block.Error;
            }

            return block.Value is null
                ? throw new InvalidOperationException($"{target} was just sealed and has no intact trailer.")
                : new SalvageOutcome(block.Value, report, keptAside);
        }

        public StorageResult<SalvageOutcome> SetAside()
        {
            // Nothing, or a header and nothing else: the block was begun and never used.
            if (report.LengthBytes == 0 || report is { Header: not null, TornTail: null, Damages.Count: 0 })
            {
                var deleted = storage.Delete(path);
                var synced = deleted.IsOk ? storage.SyncFolder(_folder) : deleted;
                return synced.IsOk ? new SalvageOutcome(null, report, null) : synced.Error;
            }

            var moved = aside.Move(path, $"no intact frame: {Describe()}");
            return moved.IsOk ? new SalvageOutcome(null, report, moved.Value) : moved.Error;
        }

        public StorageResult<SalvageOutcome> SealRest()
        {
            string? kept = null;
            if (report.TornTail is { } tail)
            {
                var copied = CopyTail(tail);
                if (!copied.IsOk)
                {
                    return copied.Error;
                }

                kept = copied.Value;
            }

            var rest = SealCopy(kept);

            // Once the copy has the block's name there is no way back, only on.
            return rest is { IsOk: false, Error: { IsNoSpace: true, Operation: not StorageOperation.SyncFolder } } ? SealInPlace(kept) : rest;
        }

        /// <summary>
        /// What can be read need not be on disk: a sync may have failed in the process before, and then the kernel takes the file for written, and
        /// reports success from then on. So what counts from now on is written once more.
        /// </summary>
        private StorageResult<SalvageOutcome> SealCopy(string? kept)
        {
            var copyPath = Path.Combine(_folder, name + SalvageSuffix);
            var created = CreateAnew(copyPath);
            if (!created.IsOk)
            {
                return created.Error;
            }

            StorageResult done;
            using (var copy = created.Value)
            {
                done = PrefixCopy.Copy(file, copy, ContentBytes);
                done = done.IsOk ? AppendTrailer(copy, ContentBytes, report.FirstSequence) : done;
            }

            var target = Path.Combine(_folder, name.ToString());
            done = done.IsOk ? storage.Rename(copyPath, target) : done;
            if (!done.IsOk)
            {
                // Should it stay, the next attempt deletes it.
                _ = storage.Delete(copyPath);
                return done.Error;
            }

            done = storage.SyncFolder(_folder);
            if (done.IsOk && path != target)
            {
                // Only now, with the new name on disk. A power loss may bring the old one back: the next start deletes it again.
                done = storage.Delete(path);
                done = done.IsOk ? storage.SyncFolder(_folder) : done;
            }

            return done.IsOk ? Opened(target, kept) : done.Error;
        }

        private StorageResult<SalvageOutcome> SealInPlace(string? kept)
        {
            // Nothing of the tail may stay behind the trailer.
            var cut = file.SetLength(ContentBytes);
            if (!cut.IsOk)
            {
                return cut.Error;
            }

            var sealing = AppendTrailer(file, ContentBytes, report.FirstSequence);
            return sealing.IsOk ? Finish(kept) : sealing.Error;
        }

        private StorageResult<IStorageFile> CreateAnew(string newPath)
        {
            var removed = storage.Delete(newPath);
            return removed is { IsOk: false, Error.IsNotFound: false } ? removed.Error : storage.CreateNew(newPath);
        }

        public StorageResult<SalvageOutcome> Rewrite(BlockHeader fallback)
        {
            var header = report.Header ?? fallback with
            {
                FirstSequence = Math.Min(fallback.FirstSequence, report.FirstSequence),
                NeededVersion = report.NeededVersion,
            };
            var salvagePath = Path.Combine(_folder, name + SalvageSuffix);
            var created = CreateAnew(salvagePath);
            if (!created.IsOk)
            {
                return created.Error;
            }

            using (var target = created.Value)
            {
                var copied = CopyIntactFrames(target, header);
                if (!copied.IsOk)
                {
                    return copied.Error;
                }
            }

            // The new file's name first: a power loss must not leave the original aside and nothing in its place.
            var named = storage.SyncFolder(_folder);
            if (!named.IsOk)
            {
                return named.Error;
            }

            var moved = aside.Move(path, Describe());
            if (!moved.IsOk)
            {
                return moved.Error;
            }

            var finalPath = Path.Combine(_folder, name.ToString());
            var renamed = storage.Rename(salvagePath, finalPath);
            var synced = renamed.IsOk ? storage.SyncFolder(_folder) : renamed;
            if (!synced.IsOk)
            {
                return synced.Error;
            }

            var block = SealedBlock.TryOpen(storage, finalPath, name);
            return block.IsOk ? new SalvageOutcome(block.Value, report, moved.Value) : block.Error;
        }

        private StorageResult CopyIntactFrames(IStorageFile target, BlockHeader header)
        {
            var headerBytes = header.ToBytes();
            var offset = (long)headerBytes.Length;
            var written = target.WriteAt(0, headerBytes);
            ushort commit = 0;
            var dropped = new List<MissingRange>();
            var scanner = BlockScanner.Open(new PrefixFile(file, report.TornTail?.Offset ?? report.LengthBytes), header.Stream, bounds: bounds);
            if (!scanner.IsOk)
            {
                return scanner.Error;
            }

            while (written.IsOk)
            {
                var next = scanner.Value.Next();
                if (!next.IsOk)
                {
                    return next.Error;
                }

                if (next.Value.Kind == ScanKind.End)
                {
                    break;
                }

                if (next.Value.Kind == ScanKind.Frame && IsNonsense(next.Value))
                {
                    if (next.Value.Header is { EventCount: > 0 } numbered)
                    {
                        dropped.Add(new MissingRange(numbered.FirstSequence, numbered.NextSequence - 1));
                    }
                }
                else if (next.Value.Kind == ScanKind.Frame && next.Value.Header.Type != FrameType.Trailer)
                {
                    var frame = new ByteWriter((int)next.Value.LengthBytes);
                    var source = next.Value.Header;

                    // Each frame a commit of its own: should the new file lose its end, what is in front of it counts.
                    FrameHeader.Append(
                        frame, source.Type, source.EventCount, source.StreamTag, source.FirstSequence, next.Value.Payload.Span, unchecked(++commit));
                    FrameHeader.MarkCommitEnd(frame.Patch(0, FrameHeader.SizeBytes));
                    written = target.WriteAt(offset, frame.Written);
                    offset += frame.Length;
                }
            }

            var losses = new ByteWriter();
            foreach (var missing in MissingFrom(header.FirstSequence).Concat(dropped))
            {
                var begin = losses.Length;
                new LossRecord(
                    LossReason.Damaged, missing.First, missing.Last, missing.Count, IsExact: true, 0, 0, nowNs, name.ToString(), Describe())
                    .AppendFrame(losses, header.Stream.High, report.NextSequence, unchecked(++commit));
                FrameHeader.MarkCommitEnd(losses.Patch(begin, FrameHeader.SizeBytes));
            }

            if (report.IsEndUnknown)
            {
                var begin = losses.Length;
                new LossRecord(LossReason.Damaged, 0, 0, 1, IsExact: false, 0, 0, nowNs, name.ToString(), $"its end can't be read: {Describe()}")
                    .AppendFrame(losses, header.Stream.High, report.NextSequence, unchecked(++commit));
                FrameHeader.MarkCommitEnd(losses.Patch(begin, FrameHeader.SizeBytes));
            }

            if (written.IsOk && losses.Length > 0)
            {
                written = target.WriteAt(offset, losses.Written);
                offset += losses.Length;
            }

            return written.IsOk ? AppendTrailer(target, offset, header.FirstSequence) : written;
        }

        /// <summary>
        /// True for a record whose checksum is right and whose content is none: it stays in the file that is kept aside, and is not taken over,
        /// or the salvaged block would be damaged as well, and salvaged again at every start.
        /// </summary>
        private bool IsNonsense(in ScanItem item)
        {
            foreach (var damage in report.Damages)
            {
                if (damage.Offset == item.Offset)
                {
                    return true;
                }
            }

            return false;
        }

        private IEnumerable<MissingRange> MissingFrom(ulong firstSequence) =>
            firstSequence < report.FirstSequence ? report.Missing.Prepend(new MissingRange(firstSequence, report.FirstSequence - 1)) : report.Missing;

        /// <summary>Behind frames that are there already: counts them, hashes them, writes the trailer and syncs.</summary>
        private StorageResult AppendTrailer(IStorageFile target, long offset, ulong firstSequence)
        {
            var hash = BlockReport.HashPrefix(target, offset);
            if (!hash.IsOk)
            {
                return hash.Error;
            }

            var content = BlockTimes.Read(target, offset, report.StreamTag);
            if (!content.IsOk)
            {
                return content.Error;
            }

            var trailer = new BlockTrailer(
                content.Value.FrameCount,
                content.Value.EventCount,
                firstSequence,
                report.NextSequence,
                content.Value.MinTimeNs,
                content.Value.MaxTimeNs,
                hash.Value);
            var frame = new ByteWriter(BlockTrailer.FrameBytes);
            trailer.AppendFrame(frame, report.StreamTag);
            var written = target.WriteAt(offset, frame.Written);
            return written.IsOk ? target.SyncData() : written;
        }

        private StorageResult<string?> CopyTail(BlockDamage tail)
        {
            // A tail is one write that was cut short, so it is no longer than a commit; a longer one is kept as far as that.
            var bytes = new byte[Math.Min(tail.LengthBytes, MaxTailBytes)];
            var read = file.ReadAt(tail.Offset, bytes);
            if (!read.IsOk)
            {
                return read.Error;
            }

            if (!bytes.AsSpan(0, read.Value).ContainsAnyExcept((byte)0))
            {
                return (string?)null;
            }

            var copied = aside.Copy(path, bytes.AsSpan(0, read.Value), $"torn tail at offset {tail.Offset}: {tail.Reason}");
            return copied.IsOk ? (string?)copied.Value : copied.Error;
        }

        private string Describe()
        {
            var damages = report.TornTail is null ? report.Damages : [.. report.Damages, report.TornTail];
            var first = damages.Count > 0 ? damages[0] : null;
            return first is null
                ? "frames are missing"
                : $"{damages.Count} damaged places, the first at offset {first.Offset} ({first.LengthBytes} bytes): {first.Reason}";
        }
    }
}
