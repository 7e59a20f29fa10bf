using ZfRepl.Core.Blocks;
using ZfRepl.Core.History;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Import;

/// <summary>
/// Imports a folder of blocks that somebody carried here: sealed ones, one that was still being written when it was copied, damaged ones, and
/// whatever else lies there. The blocks are done in the order of their headers, not of their names. Links, pipes and folders inside are
/// not followed. Stateless; one run at a time over the same folder.
/// </summary>
/// <param name="storage">Where the folder is.</param>
/// <param name="importer">What imports each block.</param>
/// <param name="quarantine">Where damaged files go when they are to be removed; without one they stay.</param>
public sealed class FolderImport(IStorage storage, BlockImporter importer, Quarantine? quarantine)
{
    /// <summary>The most files in a folder; more are refused, so that the report stays in bounds.</summary>
    public const int MaxFiles = 100_000;

    /// <summary>Imports a folder.</summary>
    /// <param name="request">What.</param>
    /// <param name="progress">Told when the folder is listed, and after each file.</param>
    /// <param name="cancellation">Looked at between files and between the parts of a block.</param>
    /// <returns>What became of each file; an error when the folder can't be listed or holds too many files.</returns>
    public async ValueTask<StorageResult<FolderImportReport>> RunAsync(
        FolderImportRequest request, IProgress<FolderImportProgress>? progress, CancellationToken cancellation)
    {
        var folder = Path.GetFullPath(request.Path);
        var listed = storage.List(folder);
        if (!listed.IsOk)
        {
            return listed.Error;
        }

        if (listed.Value.Count > MaxFiles)
        {
            return new StorageError(
                StorageOperation.List,
                folder,
                0,
                $"{listed.Value.Count} files are in the folder, at most {MaxFiles} are imported at once: split it");
        }

        var candidates = listed.Value.Select(file => Look(folder, file)).Order(Candidate.ByHeader).ToArray();
        var files = new List<FolderFile>(candidates.Length);
        var totalBytes = candidates.Sum(c => c.LengthBytes);
        var (doneBytes, counts) = (0L, default(WriteCounts));
        progress?.Report(new FolderImportProgress(0, candidates.Length, 0, totalBytes, counts, null));
        ImportOutcome.TryLater? stop = null;
        foreach (var candidate in candidates)
        {
            cancellation.ThrowIfCancellationRequested();
            var file = stop is null ? await ImportAsync(candidate, folder, request, cancellation) : candidate.NotTried();

            // A database or a sink that is away is away for the other blocks too; an unreadable file is not.
            stop ??= file.Outcome is ImportOutcome.TryLater { Obstacle: not ImportObstacle.File } obstacle ? obstacle : null;
            files.Add(file);
            doneBytes += candidate.LengthBytes;
            counts += file.Counts;
            progress?.Report(new FolderImportProgress(files.Count, candidates.Length, doneBytes, totalBytes, counts, file));
        }

        return new FolderImportReport(files, stop);
    }

    private async ValueTask<FolderFile> ImportAsync(
        Candidate candidate, string folder, FolderImportRequest request, CancellationToken cancellation)
    {
        if (candidate.Foreign is { } why)
        {
            return new FolderFile(candidate.Name, null, null, FileFate.Left, why);
        }

        var path = Path.Combine(folder, candidate.Name);
        var expected = new BlockExpectation
        {
            Node = request.Node == FolderImportRequest.AnyNode ? null : request.Node,
            Mailbox = request.Mailbox,
        };
        var outcome = await importer.ImportAsync(path, expected, cancellation);
        var (fate, detail) = outcome switch
        {
            ImportOutcome.Applied or ImportOutcome.AlreadyApplied when request.Delete => Delete(folder, path),
            ImportOutcome.Partial some when request.Delete && IsDamaged(some) => SetAside(path, some),
            _ => (FileFate.Left, ""),
        };
        var text = Describe(outcome);
        return new FolderFile(candidate.Name, candidate.Header, outcome, fate, detail.Length == 0 ? text : $"{text}; {detail}");
    }

    private (FileFate Fate, string Detail) Delete(string folder, string path)
    {
        var deleted = storage.Delete(path);
        if (!deleted.IsOk)
        {
            return (FileFate.Left, $"it could not be deleted: {deleted.Error.Detail} ({deleted.Error.Remedy})");
        }

        var synced = storage.SyncFolder(folder);
        return (FileFate.Deleted, synced.IsOk ? "" : $"it may come back after a power cut: {synced.Error.Detail}");
    }

    private (FileFate Fate, string Detail) SetAside(string path, ImportOutcome.Partial some)
    {
        if (quarantine is null)
        {
            return (FileFate.Left, "it is left in place because no quarantine is configured");
        }

        var moved = quarantine.Move(path, Describe(some));
        return moved.IsOk
            ? (FileFate.Quarantined, $"it is now {moved.Value}")
            : (FileFate.Left, $"it could not be moved to quarantine: {moved.Error.Detail} ({moved.Error.Remedy})");
    }

    /// <summary>A block that was still being written is not damaged: its sealed form is still to come.</summary>
    private static bool IsDamaged(ImportOutcome.Partial some) => some.IsSealed || some.Damages.Count > 0 || some.Missing.Count > 0;

    private static string Describe(ImportOutcome outcome) => outcome is ImportOutcome.InHistory { RuledOut: { } ruledOut }
        ? $"{DescribeAlone(outcome)}; {ruledOut.Events} events, the first of {ruledOut.First}, are refused by a rule of the database and in the quarantine"
        : DescribeAlone(outcome);

    private static string DescribeAlone(ImportOutcome outcome) => outcome switch
    {
        ImportOutcome.Applied { Missing.Count: > 0 } applied =>
            $"applied; the source itself lacks {applied.Missing.Aggregate(0UL, (n, r) => n + r.Count)} events",
        ImportOutcome.Applied => "applied",
        ImportOutcome.AlreadyApplied => "applied before",
        ImportOutcome.Partial { IsSealed: false, Damages.Count: 0, Missing.Count: 0 } some =>
            $"{some.Receipt.Counts.Events} events applied of a block that was still being written",
        ImportOutcome.Partial some =>
            $"{some.Receipt.Counts.Events} events applied, {some.Missing.Aggregate(0UL, (n, r) => n + r.Count)} missing; "
            + (some.Damages.Count == 0 ? "frames are absent" : $"damage at offset {some.Damages[0].Offset}: {some.Damages[0].Reason}"),
        ImportOutcome.TryLater later => $"{later.Reason} ({later.Remedy})",
        ImportOutcome.Refused refused => $"refused: {refused.Reason}",
        _ => throw new InvalidOperationException($"{outcome.GetType().Name} is no outcome."),
    };

    /// <summary>Reads a file's header, or says why it is none of ours without reading all of it.</summary>
    private Candidate Look(string folder, StorageEntry entry)
    {
        if (entry.IsLink)
        {
            return new Candidate(entry.Name, 0, null, "a link, not followed");
        }

        // Pipes and devices have no length either, and opening one might wait for ever.
        if (entry.LengthBytes == 0)
        {
            return new Candidate(entry.Name, 0, null, "empty: nothing is in it");
        }

        var header = BlockHeaderFile.Read(storage, Path.Combine(folder, entry.Name));
        var isNamedLikeBlock = BlockName.TryParse(entry.Name, out _) || BlockName.TryParseOpen(entry.Name, out _);
        return new Candidate(
            entry.Name,
            entry.LengthBytes,
            header.IsOk ? header.Value : null,
            header.IsOk && header.Value is null && !isNamedLikeBlock ? "not a block" : null);
    }

    /// <summary>A file of the folder before its import.</summary>
    private sealed record Candidate(string Name, long LengthBytes, BlockHeader? Header, string? Foreign)
    {
        /// <summary>By stream and number; what has no intact header comes last, when its stream is known from the others.</summary>
        public static Comparer<Candidate> ByHeader { get; } = Comparer<Candidate>.Create((a, b) =>
        {
            var byKind = (a.Header is null).CompareTo(b.Header is null);
            var byStream = byKind != 0 || a.Header is null ? byKind : Place(a.Header).CompareTo(Place(b.Header!));
            return byStream != 0 ? byStream : string.CompareOrdinal(a.Name, b.Name);
        });

        private static (ulong High, ulong Low, ulong Index) Place(BlockHeader header) => (header.Stream.High, header.Stream.Low, header.Index);

        public FolderFile NotTried() => new(Name, Header, null, FileFate.Left, Foreign ?? "not tried");
    }
}
