using System.Globalization;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Proof;

/// <summary>How a finding counts.</summary>
public enum ProofWeight
{
    /// <summary>It is as it should be.</summary>
    Good,

    /// <summary>It is accounted for, or can't be proved.</summary>
    Remark,

    /// <summary>It can't be told yet.</summary>
    Open,

    /// <summary>Something is missing or wrong.</summary>
    Bad,
}

/// <summary>What follows from a proof's numbers, for people.</summary>
/// <param name="Weight">How it counts.</param>
/// <param name="Text">A sentence without a full stop.</param>
public sealed record ProofFinding(ProofWeight Weight, string Text);

/// <summary>
/// Draws the conclusions from what a proof states. Whoever checks a file draws them again, from the same numbers. Pure.
/// </summary>
public static class ProofJudge
{
    /// <summary>Everything that follows, in the order of the proof.</summary>
    public static IReadOnlyList<ProofFinding> Findings(ProofContent proof, SourceStatement source)
    {
        var findings = new List<ProofFinding>();
        JudgeAccounts(findings, proof, source);
        JudgeChain(findings, proof.Chain, source.Chain);
        JudgeDigest(findings, proof, source);
        return findings;
    }

    /// <summary>The word for it.</summary>
    public static string Verdict(IReadOnlyList<ProofFinding> findings) => findings.Select(f => f.Weight).DefaultIfEmpty(ProofWeight.Good).Max() switch
    {
        ProofWeight.Good => ProofContent.Proven,
        ProofWeight.Remark => ProofContent.Accounted,
        ProofWeight.Open => ProofContent.Undecided,
        _ => ProofContent.Broken,
    };

    /// <summary>Checks what a file says against itself.</summary>
    /// <returns>What does not fit; empty when everything does.</returns>
    public static IReadOnlyList<string> Check(ProofContent proof, SourceStatement source)
    {
        var wrong = new List<string>();
        if (source.Node != proof.Source || source.Mailbox != proof.Target)
        {
            wrong.Add($"the source's statement is of mailbox {source.Mailbox} at {source.Node}, the proof is of mailbox {proof.Target} at {proof.Source}");
        }

        if (StreamId.TryParse(source.Stream, out var stream) && proof.Chain.Check(stream) is { } broken)
        {
            wrong.Add($"the target's chain: {broken}");
        }

        if (proof.Digest is { } digest)
        {
            CheckDigest(wrong, digest);
        }

        var verdict = Verdict(Findings(proof, source));
        if (verdict != proof.Verdict)
        {
            wrong.Add($"the verdict is '{proof.Verdict}', from the numbers follows '{verdict}'");
        }

        return wrong;
    }

    private static void JudgeAccounts(List<ProofFinding> findings, ProofContent proof, SourceStatement source)
    {
        foreach (var wrong in source.Check())
        {
            findings.Add(new ProofFinding(ProofWeight.Bad, wrong));
        }

        var accounts = source.Accounts;
        if (accounts.IsBalanced())
        {
            findings.Add(new ProofFinding(
                ProofWeight.Good,
                $"every accepted event is in one place: {N(accounts.Accepted)} accepted = {N(accounts.Delivered)} delivered + {N(accounts.Backlog)} in backlog "
                + $"+ {N(accounts.Lost)} lost + {N(accounts.Quarantined)} quarantined"));
        }

        if (proof.Books.Received < accounts.Delivered)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Bad,
                $"{proof.Target} has {N(accounts.Delivered - proof.Books.Received)} events fewer in its books than {proof.Source} has delivered: were its books restored from an older copy?"));
        }

        // What the source has lost or kept aside may be missing here until its entry in the loss ledger has arrived.
        var explained = (UInt128)accounts.Lost + accounts.Quarantined;
        if (proof.Books.Missing > explained)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Bad,
                $"{N(proof.Books.Missing)} sequence numbers are missing at {proof.Target}, {N((ulong)explained)} are accounted for at {proof.Source}"));
        }

        if (accounts.Lost > 0)
        {
            findings.Add(new ProofFinding(ProofWeight.Remark, $"{N(accounts.Lost)} events were lost, each with an entry in the loss ledger: see zfrepl loss ls"));
        }

        if (accounts.Quarantined > 0)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Remark, $"{N(accounts.Quarantined)} events are in damaged files that {proof.Source} keeps aside: see zfrepl quarantine ls there"));
        }

        if (proof.Books.Conflicts > 0)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Remark,
                $"{N(proof.Books.Conflicts)} events bore the identity of others that say something else, and were not taken: something altered the database, or two nodes share an identity"));
        }
    }

    private static void JudgeChain(List<ProofFinding> findings, ChainStatement target, ChainStatement source)
    {
        if (target.Value == source.Value && target.Blocks == source.Blocks)
        {
            findings.Add(new ProofFinding(ProofWeight.Good, $"the chain over {N(source.Blocks)} confirmed blocks is the same on both sides: {source.Value[..16]}…"));
            return;
        }

        var imported = target.Listed.Select(b => (b.Index, b.Hash)).ToHashSet();
        var known = target.Listed.Count > 0 ? target.Listed[0].Index : ulong.MaxValue;
        var lacking = source.Listed.Where(b => (b.Index >= known || target.BlocksBefore == 0) && !imported.Contains((b.Index, b.Hash))).ToList();
        if (lacking.Count > 0)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Bad,
                $"the chains differ: block {lacking[0].Index} ({lacking[0].Name}) and {N((ulong)lacking.Count - 1)} others were confirmed and are not in the target's ledger"));
        }
        else if (target.Blocks < source.Blocks)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Bad,
                $"the chains differ: {N(source.Blocks - target.Blocks)} blocks were confirmed and are not in the target's ledger, all of them older than the ones listed"));
        }
        else if (target.Blocks == source.Blocks)
        {
            // As many, and not the same: at least one that was confirmed is not there.
            findings.Add(new ProofFinding(
                ProofWeight.Bad,
                $"the chains differ: both are over {N(source.Blocks)} blocks, and an older one than those listed was confirmed and is not in the target's ledger, or is there with another content"));
        }
        else
        {
            findings.Add(new ProofFinding(
                ProofWeight.Remark,
                $"the chains differ: the target's ledger has {N(target.Blocks)} blocks, {N(source.Blocks)} were confirmed over the link: others were carried by hand, came twice, "
                + "or were given up at the source by an operator when they had been imported already"));
        }
    }

    private static void JudgeDigest(List<ProofFinding> findings, ProofContent proof, SourceStatement source)
    {
        if (proof.Digest is not { } digest)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Remark,
                source.History == SourceStatement.HistorySnapshots
                    ? $"mailbox {source.Mailbox} takes snapshots alone, which are in no history at {proof.Source}: what is in the database is not compared"
                    : $"{proof.Source} keeps no local history: what is in the database is not compared. Add `history:` to its collector, or `digests: true` to the client here"));
            return;
        }

        var isImport = digest.Basis == DigestResult.Import;
        if (isImport)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Remark,
                $"there is no history at {proof.Source} to compare with: the database is compared with what {proof.Target} noted when it imported it"));
        }

        var weight = digest.IsSettled ? ProofWeight.Bad : ProofWeight.Open;
        if (digest.MissingCells > 0)
        {
            findings.Add(new ProofFinding(
                weight,
                $"{N((ulong)digest.MissingEvents)} events are missing in {proof.Target}'s database, of {N((ulong)digest.MissingCells)} items and hours"
                + (isImport ? ": they were there, and are gone; restore them from a backup"
                    : digest.IsSettled ? ": zfrepl proof --repair brings them back" : "; others still wait at the source, ask again when they have come")));
        }

        if (digest.AlteredCells > 0)
        {
            findings.Add(new ProofFinding(
                weight,
                $"{N((ulong)digest.AlteredCells)} items and hours have as many events as they should, and they say something else: somebody altered them. "
                + (isImport ? "Restore them from a backup" : "Nothing is written over; delete these rows, and zfrepl proof --repair brings the original ones back")));
        }

        if (digest.MoreCells > 0)
        {
            findings.Add(new ProofFinding(
                ProofWeight.Remark,
                $"{N((ulong)digest.MoreCells)} items and hours have more events than they should"
                + (isImport ? ": others write these items, or the notes were begun later"
                    : source.Snapshots ? ", which takes snapshots too" : ": its local history is younger, or others write these items")));
        }

        if (digest.MissingCells + digest.AlteredCells + digest.MoreCells == 0)
        {
            JudgeAgreement(findings, proof, source, digest);
        }
    }

    private static void JudgeAgreement(List<ProofFinding> findings, ProofContent proof, SourceStatement source, DigestResult digest)
    {
        var isImport = digest.Basis == DigestResult.Import;
        var events = digest.Hours.Aggregate(0L, (sum, h) => sum + h.SourceEvents);
        var (first, last) = (BookHour.Of(proof.FromNs), BookHour.Of(proof.ToNs));
        var accepted = source.Hours.Where(h => BookHour.TryParse(h.Hour, out var hour) && hour >= first && hour <= last)
            .Aggregate((UInt128)0, (sum, h) => sum + h.Events.Accepted);
        if (events == 0 && accepted > 0)
        {
            // Two empty hands agree: that proves nothing.
            findings.Add(new ProofFinding(
                ProofWeight.Remark,
                $"nothing of this range could be compared: {proof.Source} accepted {N((ulong)UInt128.Min(accepted, ulong.MaxValue))} events in these hours, and "
                + (isImport ? $"{proof.Target} noted none of this range at import" : "its history has none of this range")));
            return;
        }

        findings.Add(new ProofFinding(
            ProofWeight.Good,
            (isImport ? "the database is as it was imported: " : "the databases agree: ") + $"{N((ulong)events)} events of {N((ulong)digest.Items)} items, count and checksum of each item and hour"));
    }

    private static void CheckDigest(List<string> wrong, DigestResult digest)
    {
        var cells = digest.Differing;
        foreach (var cell in cells)
        {
            var kind = KindOf(cell.SourceEvents, cell.SourceSum, cell.TargetEvents, cell.TargetSum);
            if (kind != cell.Kind || !BookHour.TryParse(cell.Hour, out _))
            {
                wrong.Add($"{cell.Oid} in {cell.Hour} is called '{cell.Kind}', which does not follow from its numbers");
            }
        }

        var isWhole = digest.MissingCells + digest.AlteredCells + digest.MoreCells == cells.Count;
        if (cells.Count > digest.MissingCells + digest.AlteredCells + digest.MoreCells
            || (isWhole && (cells.Count(c => c.Kind == DifferingCell.Missing) != digest.MissingCells
                || cells.Count(c => c.Kind == DifferingCell.Altered) != digest.AlteredCells
                || cells.Where(c => c.Kind == DifferingCell.Missing).Aggregate(0L, (s, c) => unchecked(s + c.SourceEvents - c.TargetEvents)) != digest.MissingEvents)))
        {
            wrong.Add("the numbers of items and hours that differ do not fit those listed");
        }

        var byHour = cells.ToLookup(c => c.Hour);
        foreach (var hour in digest.Hours)
        {
            var listed = byHour[hour.Hour];
            if (!EventSum.TryParse(hour.SourceSum, out var sourceSum) || !EventSum.TryParse(hour.TargetSum, out var targetSum))
            {
                wrong.Add($"a sum of {hour.Hour} is none");
                continue;
            }

            // What the items that differ make differ is all that may differ in the hour.
            var source = new EventSum(hour.SourceEvents, sourceSum);
            var target = new EventSum(hour.TargetEvents, targetSum);
            foreach (var cell in listed)
            {
                if (EventSum.TryParse(cell.SourceSum, out var a) && EventSum.TryParse(cell.TargetSum, out var b))
                {
                    source = new EventSum(unchecked(source.Count - cell.SourceEvents), unchecked(source.Sum - a));
                    target = new EventSum(unchecked(target.Count - cell.TargetEvents), unchecked(target.Sum - b));
                }
            }

            if (isWhole && source != target)
            {
                wrong.Add($"the sums of {hour.Hour} differ by more than the items listed");
            }
        }
    }

    /// <summary>How two sums differ; null when they do not.</summary>
    internal static string? KindOf(long sourceEvents, string sourceSum, long targetEvents, string targetSum) =>
        sourceEvents > targetEvents ? DifferingCell.Missing
        : sourceEvents < targetEvents ? DifferingCell.More
        : sourceSum != targetSum ? DifferingCell.Altered
        : null;

    private static string N(ulong number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
