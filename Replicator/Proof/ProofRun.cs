using System.Reflection;
using System.Text.Json;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Repair;

namespace ZfRepl.Replicator.Proof;

/// <summary>What a proof is wanted of. Times are nanoseconds since 1970.</summary>
/// <param name="FromNs">The first time; null for a day before the end.</param>
/// <param name="ToNs">The last time; null for a moment before now.</param>
/// <param name="Repairs">True to have what is missing filled again, and to look once more then.</param>
internal sealed record ProofWish(long? FromNs, long? ToNs, bool Repairs);

/// <summary>Why there is no proof.</summary>
/// <param name="IsLater">True when it may go well later.</param>
/// <param name="Detail">For people, with what to do.</param>
internal sealed record ProofTrouble(bool IsLater, string Detail);

/// <summary>
/// One proof about one source: has the source state its accounts, waits until what it had accepted by then is here, puts the databases
/// beside each other, looks again at what differs, reads the own books, and signs. One use.
/// </summary>
internal sealed class ProofRun(ProofSource about, ProofWish wish, ProofKey key, TimeProvider time, Action<ProofProgress> report)
{
    private const int MaxRechecks = 5;
    private const int MaxRecheckedCells = 2000;
    private const int MaxTasks = 2000;
    private const int ItemPage = 1000;
    private const int HoursPerLook = 24;
    private static readonly long MarginNs = 5 * UnixTime.NsPerSecond;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan SessionPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RepairPatience = TimeSpan.FromSeconds(10);

    private readonly HistoryDigest _digest = new(about.History);
    private ProofTrouble? _trouble;
    private RepairResult? _repaired;

    /// <summary>The version of this program.</summary>
    private static string Version { get; } =
        typeof(ProofRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Makes the proof.</summary>
    /// <returns>The proof, or why there is none.</returns>
    public async Task<(SignedDocument? Proof, ProofTrouble? Trouble)> RunAsync(CancellationToken cancellationToken)
    {
        var range = default(TimeRange?);
        while (true)
        {
            var first = await StateAsync(range ?? new TimeRange(0, long.MaxValue), cancellationToken);
            if (first is null || (range ??= RangeOf(first)) is not { } wanted)
            {
                return (null, _trouble);
            }

            var comparison = new DigestComparison();
            var isSettled = true;
            var isCompared = first.History == SourceStatement.HistoryKept;
            if (!isCompared && about.Digests is { } digests)
            {
                return await CompareImportedAsync(digests, comparison, wanted, cancellationToken)
                    ? await ConcludeAsync(wanted, comparison.Result(isSettled: true, DigestResult.Import), cancellationToken)
                    : (null, _trouble);
            }

            if (isCompared)
            {
                isSettled = await DrainAsync(first, cancellationToken);
                if (_trouble is not null
                    || !await CompareAsync(comparison, wanted, [], cancellationToken)
                    || await SettleAsync(comparison, wanted, cancellationToken) is not { } settled)
                {
                    return (null, _trouble);
                }

                isSettled &= settled;
            }

            if (wish.Repairs && _repaired is null && isCompared && comparison.Differing.Any(c => c.Kind == DifferingCell.Missing))
            {
                if (!await RepairAsync(comparison, wanted, cancellationToken))
                {
                    return (null, _trouble);
                }

                continue;
            }

            var result = isCompared ? comparison.Result(isSettled || comparison.DifferingCount == 0, DigestResult.History) : null;
            return await ConcludeAsync(wanted, result, cancellationToken);
        }
    }

    private async Task<(SignedDocument? Proof, ProofTrouble? Trouble)> ConcludeAsync(
        TimeRange range, DigestResult? digest, CancellationToken cancellationToken)
    {
        report(new ProofProgress("reads the books of both sides", 0, 0));
        var (document, statement) = await AskAsync(range, cancellationToken);
        if (document is null || statement is null || !StreamId.TryParse(statement.Stream, out var stream))
        {
            return (null, _trouble);
        }

        var own = await TargetStatement.ReadAsync(about.History, stream, statement.Chain, cancellationToken);
        if (!own.IsOk)
        {
            return (null, Failed(own.Error));
        }

        var content = new ProofContent
        {
            Verdict = "",
            Target = about.Target,
            Source = about.Source,
            StatedNs = NowNs(),
            Version = Version,
            Database = about.History.Name,
            FromNs = range.FromNs,
            ToNs = range.ToNs,
            Statement = new RawJson(document.Text.TrimEnd('\n')),
            Books = own.Value.Books,
            Chain = own.Value.Chain,
            Digest = digest,
            Repair = _repaired,
        };
        content = content with { Verdict = ProofJudge.Verdict(ProofJudge.Findings(content, statement)) };
        return (SignedDocument.Sign(ProofContent.Format, JsonSerializer.Serialize(content, ProofContent.Json), key), null);
    }

    private async Task<SourceStatement?> StateAsync(TimeRange range, CancellationToken cancellationToken) => (await AskAsync(range, cancellationToken)).Statement;

    /// <summary>Has the source state its accounts, in a session that is opened if need be.</summary>
    private async Task<(SignedDocument? Document, SourceStatement? Statement)> AskAsync(TimeRange range, CancellationToken cancellationToken)
    {
        var stated = await about.Link.StateAsync(range, cancellationToken, HaveSessionAsync);
        if (!stated.IsOk)
        {
            _trouble ??= Failed(stated);
            return default;
        }

        if (ProofContent.TryReadStatement(stated.Value!.Text, out var document, out var statement) is { } wrong)
        {
            _trouble = new ProofTrouble(false, $"{about.Source}'s statement can't be used: {wrong}");
            return default;
        }

        if (statement!.StatedNs < 0)
        {
            _trouble = new ProofTrouble(false, $"{about.Source}'s statement can't be used: its time is before 1970; set the clock there");
            return default;
        }

        if (statement.Node == about.Source && statement.Mailbox == about.Target)
        {
            return (document, statement);
        }

        _trouble = new ProofTrouble(false, $"the statement is of mailbox {statement.Mailbox} at {statement.Node}, wanted is {about.Target} at {about.Source}");
        return default;
    }

    private TimeRange? RangeOf(SourceStatement statement)
    {
        // By the source's clock: what it has accepted by then is what it can tell of.
        var toNs = wish.ToNs is { } given ? Math.Min(given, statement.StatedNs) : statement.StatedNs - MarginNs;
        var fromNs = wish.FromNs ?? BookHour.FirstNs(BookHour.Of(Math.Max(0, toNs - (24 * BookHour.Ns))));
        if (fromNs <= toNs)
        {
            return new TimeRange(fromNs, toNs);
        }

        _trouble = new ProofTrouble(
            false, $"there is nothing to compare: the first time, {UnixTime.FormatIso(fromNs)}, is behind the last one, {UnixTime.FormatIso(toNs)}, by the clock of {about.Source}");
        return null;
    }

    private async Task<bool> HaveSessionAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (!about.Link.HasSession)
        {
            report(new ProofProgress($"waits for a session with {about.Source}", 0, 0));
            if (!about.Client.Start())
            {
                _trouble = new ProofTrouble(true, "replication is disabled; call enable first");
                return false;
            }

            if (time.GetElapsedTime(begun) > SessionPatience)
            {
                _trouble = new ProofTrouble(true, $"there is no session with {about.Source}: {about.Client.State.Trouble ?? "it does not answer; is its replicator running?"}");
                return false;
            }

            await Task.Delay(Step, time, cancellationToken);
        }

        return true;
    }

    /// <summary>Waits until everything that the source had accepted is here, as long as anything comes.</summary>
    /// <returns>False when something still waits at the source.</returns>
    private async Task<bool> DrainAsync(SourceStatement statement, CancellationToken cancellationToken)
    {
        if (!StreamId.TryParse(statement.Stream, out var stream))
        {
            throw new InvalidOperationException("A statement was taken that names no stream.");
        }

        var begun = time.GetTimestamp();
        var highest = 0UL;
        while (true)
        {
            var streams = await about.History.ReadStreamsAsync(stream, 1, cancellationToken);
            if (!streams.IsOk)
            {
                _trouble = Failed(streams.Error);
                return false;
            }

            var now = streams.Value is [var account, ..] ? account.Facts.HighestSequence : 0;
            if (now >= statement.Accounts.Accepted)
            {
                return true;
            }

            begun = now > highest ? time.GetTimestamp() : begun;
            highest = Math.Max(now, highest);
            if (time.GetElapsedTime(begun) > DrainPatience)
            {
                return false;
            }

            report(new ProofProgress(
                "waits for what was accepted", (long)Math.Min(highest, long.MaxValue), (long)Math.Min(statement.Accounts.Accepted, long.MaxValue)));
            if (!await HaveSessionAsync(cancellationToken))
            {
                return false;
            }

            await Task.Delay(Step, time, cancellationToken);
        }
    }

    /// <summary>Walks over the source's history and sums the same items up here.</summary>
    /// <returns>False when that went wrong.</returns>
    private async Task<bool> CompareAsync(DigestComparison comparison, TimeRange range, IReadOnlyList<Oid> only, CancellationToken cancellationToken)
    {
        var events = 0L;
        return await WalkAsync(range, only, async (item, source) =>
        {
            var target = await _digest.SumAsync(item, range, cancellationToken);
            if (!target.IsOk)
            {
                _trouble = Failed(target.Error);
                return false;
            }

            comparison.Add(item, source, target.Value);
            events += source.Values.Sum(s => s.Count);
            report(new ProofProgress("compares the databases", events, 0));
            return true;
        }, cancellationToken);
    }

    /// <summary>Compares the database with what was noted at import, in whole hours. Nothing is imported while a day of an item is looked at.</summary>
    /// <returns>False when that went wrong.</returns>
    private async Task<bool> CompareImportedAsync(
        ImportDigests digests, DigestComparison comparison, TimeRange range, CancellationToken cancellationToken)
    {
        var streams = await about.History.ReadStreamsAsync(only: null, 1, cancellationToken);
        if (!streams.IsOk)
        {
            _trouble = Failed(streams.Error);
            return false;
        }

        var ids = streams.Value.Select(s => s.Facts).Where(f => f.Node == about.Source && f.Mailbox == about.Target).Select(f => f.Id).ToList();
        var (first, last) = (BookHour.Of(range.FromNs), BookHour.Of(range.ToNs));
        Oid? after = null;
        var events = 0L;
        while (true)
        {
            var page = await digests.ItemsAsync(ids, first, last, after, ItemPage, cancellationToken);
            if (!page.IsOk)
            {
                _trouble = Failed(page.Error);
                return false;
            }

            foreach (var item in page.Value)
            {
                var (noted, found) = (new Dictionary<int, EventSum>(), new Dictionary<int, EventSum>());
                for (var day = first; day <= last; day += HoursPerLook)
                {
                    if (await LookAsync(digests, ids, item, day, Math.Min(last, day + HoursPerLook - 1), noted, found, cancellationToken) is { } error)
                    {
                        _trouble = Failed(error);
                        return false;
                    }
                }

                comparison.Add(item, noted, found);
                events += noted.Values.Sum(s => s.Count);
                report(new ProofProgress("compares the database with what was imported", events, 0));
            }

            if (page.Value.Count < ItemPage)
            {
                return true;
            }

            after = page.Value[^1];
        }
    }

    private async Task<HistoryError?> LookAsync(
        ImportDigests digests,
        IReadOnlyList<StreamId> streams,
        Oid item,
        int first,
        int last,
        Dictionary<int, EventSum> noted,
        Dictionary<int, EventSum> found,
        CancellationToken cancellationToken)
    {
        using var look = await digests.BeginAsync(cancellationToken);
        var book = look.Sum(streams, item, first, last);
        if (!book.IsOk || book.Value.Count == 0)
        {
            // Hours of which nothing was noted are of before there was a book.
            return book.Error;
        }

        var range = new TimeRange(BookHour.FirstNs(book.Value.Keys.Min()), BookHour.LastNs(book.Value.Keys.Max()));
        var database = await _digest.SumAsync(item, range, cancellationToken);
        if (!database.IsOk)
        {
            return database.Error;
        }

        foreach (var (hour, sum) in book.Value)
        {
            noted[hour] = sum;
            found[hour] = database.Value.GetValueOrDefault(hour);
        }

        return null;
    }

    /// <summary>The source's sums, item by item.</summary>
    private async Task<bool> WalkAsync(
        TimeRange range, IReadOnlyList<Oid> only, Func<Oid, IReadOnlyDictionary<int, EventSum>, Task<bool>> take, CancellationToken cancellationToken)
    {
        Oid? item = null;
        var sums = new Dictionary<int, EventSum>();
        var walked = await about.Link.DigestAsync(range, only, TakePageAsync, cancellationToken, HaveSessionAsync);
        if (!walked.IsOk)
        {
            _trouble ??= Failed(walked);
            return false;
        }

        return walked.Value && (item is null || await take(item, sums));

        async Task<bool> TakePageAsync(DigestPage page)
        {
            var (first, last) = (BookHour.Of(range.FromNs), BookHour.Of(range.ToNs));
            foreach (var cell in page.Cells)
            {
                if (cell.Hour < first || cell.Hour > last || cell.Item.CompareTo(item) < 0)
                {
                    _trouble = new ProofTrouble(false, $"{about.Source} sums up what it was not asked for, or in another order");
                    return false;
                }

                if (item is not null && !item.Equals(cell.Item))
                {
                    if (!await take(item, sums))
                    {
                        return false;
                    }

                    sums = [];
                }

                item = cell.Item;
                sums[cell.Hour] = sums.GetValueOrDefault(cell.Hour) + cell.Events;
            }

            return true;
        }
    }

    /// <summary>
    /// What differs may have come in between the look at one side and that at the other: it is looked at again, when what the source has accepted
    /// by then is here.
    /// </summary>
    /// <returns>False when something still waits at the source; null when that went wrong.</returns>
    private async Task<bool?> SettleAsync(DigestComparison comparison, TimeRange range, CancellationToken cancellationToken)
    {
        var isSettled = true;
        for (var round = 0; round < MaxRechecks && comparison.DifferingCount is > 0 and <= MaxRecheckedCells; round++)
        {
            var before = comparison.Differing.ToList();
            if (await StateAsync(range, cancellationToken) is not { } statement)
            {
                return null;
            }

            isSettled = await DrainAsync(statement, cancellationToken);
            foreach (var hour in before.GroupBy(c => c.Hour))
            {
                var piece = new TimeRange(Math.Max(range.FromNs, BookHour.FirstNs(hour.Key)), Math.Min(range.ToNs, BookHour.LastNs(hour.Key)));
                foreach (var items in ItemList.Split(hour.Select(c => c.Item)))
                {
                    if (_trouble is not null || !await LookAgainAsync(comparison, piece, hour.Key, [.. hour.Where(c => items.Contains(c.Item))], cancellationToken))
                    {
                        return null;
                    }
                }
            }

            if (isSettled && before.SequenceEqual(comparison.Differing))
            {
                // Twice the same with nothing on its way in between.
                return true;
            }
        }

        return _trouble is null ? isSettled : null;
    }

    private async Task<bool> LookAgainAsync(
        DigestComparison comparison, TimeRange range, int hour, List<DigestComparison.Cell> cells, CancellationToken cancellationToken)
    {
        var source = new Dictionary<Oid, EventSum>();
        var isWalked = await WalkAsync(range, [.. cells.Select(c => c.Item)], (item, sums) =>
        {
            source[item] = sums.GetValueOrDefault(hour);
            return Task.FromResult(true);
        }, cancellationToken);
        if (!isWalked)
        {
            return false;
        }

        foreach (var cell in cells)
        {
            var target = await _digest.SumAsync(cell.Item, range, cancellationToken);
            if (!target.IsOk)
            {
                _trouble = Failed(target.Error);
                return false;
            }

            comparison.Replace(cell, source.GetValueOrDefault(cell.Item), target.Value.GetValueOrDefault(hour));
        }

        return true;
    }

    /// <summary>Has the source fill what is missing, and waits until that has come.</summary>
    private async Task<bool> RepairAsync(DigestComparison comparison, TimeRange range, CancellationToken cancellationToken)
    {
        var missing = comparison.Differing.Where(c => c.Kind == DifferingCell.Missing).ToList();
        var gaps = RepairPlan.Make(missing, range, about.Source, NowNs()).Take(MaxTasks).ToList();
        _repaired = new RepairResult(missing.Count, missing.Sum(c => c.Source.Count - c.Target.Count), gaps.Count);
        if (about.Repair.Enter(gaps) is { } trouble)
        {
            _trouble = new ProofTrouble(false, trouble);
            return false;
        }

        var ids = gaps.Select(g => g.Id).ToHashSet(StringComparer.Ordinal);
        var (wellAt, before) = (time.GetTimestamp(), gaps.Count);
        try
        {
            while (true)
            {
                var changed = about.Gaps.Changed;
                var open = about.Gaps.Of(about.Source).Where(g => g.IsInFlight && ids.Contains(g.Id)).ToList();
                report(new ProofProgress("has the source fill what is missing", gaps.Count - open.Count, gaps.Count));
                if (open.Count == 0)
                {
                    return true;
                }

                // What is in the way may be so of one gap alone.
                wellAt = about.Repair.Trouble is null || open.Count < before ? time.GetTimestamp() : wellAt;
                before = open.Count;
                if (about.Repair.Trouble is { } inTheWay && time.GetElapsedTime(wellAt) > RepairPatience)
                {
                    _trouble = new ProofTrouble(true, inTheWay);
                    return false;
                }

                if (!await HaveSessionAsync(cancellationToken))
                {
                    return false;
                }

                await Task.WhenAny(changed, Task.Delay(Step * 5, time, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            var left = about.Gaps.Of(about.Source).Where(g => g.IsInFlight && ids.Contains(g.Id)).Select(g => g.Id).ToHashSet(StringComparer.Ordinal);
            if (about.Repair.Withdraw(left) is { } kept)
            {
                _trouble = new ProofTrouble(true, _trouble is null ? kept : $"{_trouble.Detail}; {kept}");
            }
        }
    }

    private static ProofTrouble Failed(HistoryError error) => new(error.IsTransient, $"the history database can't be read: {error}");

    private ProofTrouble Failed<T>(LinkAnswer<T> answer) =>
        new(answer.Status is LinkStatus.NotConnected or LinkStatus.TimedOut or LinkStatus.NotReady, $"{about.Source} gives no answer that can be used: {answer.Detail}");

    private long NowNs() => UnixTime.FromDateTimeOffset(time.GetUtcNow());
}

/// <summary>What a proof is about, and where it is looked.</summary>
/// <param name="Source">The source node.</param>
/// <param name="Target">This node.</param>
/// <param name="Client">Fetches from it.</param>
/// <param name="Link">The line to it.</param>
/// <param name="Repair">Has it fill what is missing.</param>
/// <param name="Gaps">What is being filled.</param>
/// <param name="History">The database.</param>
/// <param name="Digests">What was noted at import, or null.</param>
internal sealed record ProofSource(
    string Source,
    string Target,
    FetchClient Client,
    SourceLink Link,
    RepairClient Repair,
    GapBook Gaps,
    IHistoryDatabase History,
    ImportDigests? Digests);

/// <summary>How far a proof is.</summary>
/// <param name="Doing">What is being done.</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">How much there is to do, 0 where nobody knows.</param>
internal sealed record ProofProgress(string Doing, long Done, long Total);
