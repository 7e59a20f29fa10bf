using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Collector.Proof;

/// <summary>
/// Sums up what the local history has for a mailbox, page by page. A walk begins when the history has taken in what was accepted before, and
/// remembers which items there are; each page is a bounded amount of work, so that the plant's readings never wait for it. Thread-safe.
/// </summary>
internal sealed class DigestWalks(LocalHistory history) : IDisposable
{
    private const int MaxWalks = 4;
    private const int OidPage = 1000;
    private const long EventsPerPage = 50_000;

    private readonly SemaphoreSlim _working = new(1, 1);
    private readonly List<Walk> _walks = [];

    /// <summary>The next page.</summary>
    public async Task<HistoryResult<DigestPage>> NextAsync(Mailbox mailbox, DigestWish wish, CancellationToken cancellationToken)
    {
        await _working.WaitAsync(cancellationToken);
        try
        {
            var walk = _walks.Find(w => w.Id == wish.Walk && w.Mailbox == mailbox.Name);
            if (walk is null)
            {
                var begun = await BeginAsync(mailbox, wish, cancellationToken);
                if (!begun.IsOk)
                {
                    return begun.Error;
                }

                walk = begun.Value;
                _walks.Add(walk);
                if (_walks.Count > MaxWalks)
                {
                    _walks.RemoveAt(0);
                }
            }

            return await ReadAsync(walk, wish, cancellationToken);
        }
        finally
        {
            _working.Release();
        }
    }

    public void Dispose() => _working.Dispose();

    private async Task<HistoryResult<Walk>> BeginAsync(Mailbox mailbox, DigestWish wish, CancellationToken cancellationToken)
    {
        var database = await history.CaughtUpAsync(cancellationToken);
        var only = wish.Items.Count > 0 ? wish.Items.ToHashSet() : null;
        var items = new List<Oid>();
        Oid? after = null;
        while (true)
        {
            var page = await database.ListOidsAsync(after, OidPage, cancellationToken);
            if (!page.IsOk)
            {
                return page.Error;
            }

            items.AddRange(page.Value
                .Where(c => !c.IsEmpty && c.LastNs >= wish.Range.FromNs && c.FirstNs <= wish.Range.ToNs)
                .Select(c => c.Oid)
                .Where(o => (only is null || only.Contains(o)) && mailbox.Takes(o)));
            if (page.Value.Count < OidPage)
            {
                // One order, whatever the database's own is: a page goes on behind the item that the one before ended with.
                items.Sort();
                return new Walk(wish.Walk, mailbox.Name, items, new HistoryDigest(database));
            }

            after = page.Value[^1].Oid;
        }
    }

    private static async Task<HistoryResult<DigestPage>> ReadAsync(Walk walk, DigestWish wish, CancellationToken cancellationToken)
    {
        var page = new DigestPageBuilder(wish.MaxBytes);
        var at = wish.After is { } place ? walk.Items.BinarySearch(place.Item) : 0;
        HistoryCursor? cursor = wish.After is { } inside && at >= 0 ? inside.Cursor : HistoryCursor.Before(wish.Range.FromNs);
        var events = 0L;
        for (at = at < 0 ? ~at : at; at < walk.Items.Count; at++, cursor = HistoryCursor.Before(wish.Range.FromNs))
        {
            var item = walk.Items[at];
            while (cursor is { } after)
            {
                // Each event can be of another hour, so that no more may be read than there is room for cells.
                var room = Math.Min(EventsPerPage - events, page.RoomFor(item));
                if (room <= 0)
                {
                    return page.Build(new DigestPlace(item, after));
                }

                var read = await walk.Digest.ReadAsync(
                    item,
                    after,
                    wish.Range.ToNs,
                    room,
                    (hour, sum) =>
                    {
                        page.Add(new DigestCell(item, hour, sum));
                        events += sum.Count;
                    },
                    cancellationToken);
                if (!read.IsOk)
                {
                    return read.Error;
                }

                cursor = read.Value;
            }
        }

        return page.Build(null);
    }

    private sealed record Walk(ulong Id, string Mailbox, List<Oid> Items, HistoryDigest Digest);
}
