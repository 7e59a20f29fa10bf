using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.History;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Collector.Fill;

/// <summary>
/// Whether the local history still reaches back to where it began. A file beside the spool notes, when the very first readings go into an empty
/// database, the earliest of them. As long as that one is there, nothing behind it was cut off or lost with the database: what an item has no event for
/// before its first one, it never had. One user changes it at a time; anybody may ask.
/// </summary>
internal sealed class HistoryBegin(IStorage storage, string folder)
{
    public const string FileName = "history.begin";

    private const int MaxBytes = 64 * 1024;
    private const int OidPage = 1000;
    private const int MaxUnread = 3;

    private volatile Note? _note;
    private bool _isOpen;
    private int _unread;

    private string FilePath => Path.Combine(folder, FileName);

    /// <summary>Looks at the beginning, before anything is imported by this process.</summary>
    /// <returns>What keeps it from that, or null.</returns>
    public async Task<string?> OpenAsync(IHistoryDatabase database, Mailbox mailbox, CancellationToken cancellationToken)
    {
        if (_isOpen)
        {
            return null;
        }

        // A damaged file is as good as none: then nothing is known, unless nothing has been imported yet at all.
        var read = CheckedJsonFile.Read<Note>(storage, FilePath, MaxBytes, out _);
        if (!read.IsOk)
        {
            // A bad place of the disk stays one: what is only good to know must not keep the readings from the database.
            if (!MailboxRecovery.IsOfOneFile(read.Error) || ++_unread < MaxUnread)
            {
                return read.Error.ToString();
            }

            var deleted = storage.Delete(FilePath);
            if (deleted is { IsOk: false, Error.IsNotFound: false })
            {
                return deleted.Error.ToString();
            }
        }

        _note = read.IsOk ? read.Value : null;
        if (_note is null)
        {
            var first = await database.ListOidsAsync(after: null, limit: 1, cancellationToken);
            if (!first.IsOk)
            {
                return first.Error.ToString();
            }

            var status = await mailbox.StatusAsync(cancellationToken);
            if (first.Value.Count == 0 && status.AcceptedEvents == status.BacklogEvents && Save(new Note("", 0)) is { } trouble)
            {
                return trouble;
            }
        }

        if (await ImportedAsync(database, cancellationToken) is { } wrong)
        {
            return wrong;
        }

        _isOpen = true;
        return null;
    }

    /// <summary>A block has been imported: the earliest of the first readings is noted.</summary>
    /// <returns>What keeps it from being noted, or null.</returns>
    public async Task<string?> ImportedAsync(IHistoryDatabase database, CancellationToken cancellationToken)
    {
        if (_note is not { Oid.Length: 0 })
        {
            return null;
        }

        OidSpan? earliest = null;
        Oid? after = null;
        while (true)
        {
            var page = await database.ListOidsAsync(after, OidPage, cancellationToken);
            if (!page.IsOk)
            {
                return page.Error.ToString();
            }

            var first = page.Value.Where(s => !s.IsEmpty).MinBy(s => s.FirstNs);
            earliest = first is not null && (earliest is null || first.FirstNs < earliest.FirstNs) ? first : earliest;
            if (page.Value.Count < OidPage)
            {
                return earliest is null ? null : Save(new Note(earliest.Oid.Text, earliest.FirstNs));
            }

            after = page.Value[^1].Oid;
        }
    }

    /// <summary>Since when the history has any of some items.</summary>
    public async Task<HistoryResult<BeginReply>> SinceAsync(IHistoryDatabase database, IReadOnlyList<Oid> items, CancellationToken cancellationToken)
    {
        if (_note is not { } note)
        {
            return BeginReply.Unknown;
        }

        if (note.Oid.Length > 0)
        {
            var there = Oid.TryParse(note.Oid, out var witness, out _) ? await FirstAsync(database, witness, note.TimeNs, note.TimeNs, cancellationToken) : (long?)null;
            if (!there.IsOk)
            {
                return there.Error;
            }

            if (there.Value is null)
            {
                return BeginReply.Unknown;
            }
        }

        long? since = null;
        foreach (var item in items)
        {
            var first = await FirstAsync(database, item, 0, long.MaxValue, cancellationToken);
            if (!first.IsOk)
            {
                return first.Error;
            }

            since = first.Value is { } timeNs && !(since < timeNs) ? timeNs : since;
        }

        return since is { } sinceNs ? new BeginReply(BeginKnowledge.Since, sinceNs) : new BeginReply(BeginKnowledge.Never, 0);
    }

    private static async Task<HistoryResult<long?>> FirstAsync(
        IHistoryDatabase database, Oid item, long fromNs, long toNs, CancellationToken cancellationToken)
    {
        var page = new EventBatch(new OidTable(), 1);
        var read = await database.ReadEventsAsync(item, HistoryCursor.Before(fromNs), toNs, limit: 1, page, cancellationToken);
        return !read.IsOk ? read.Error : page.Count > 0 ? page.TimesNs[0] : (long?)null;
    }

    private string? Save(Note note)
    {
        var written = CheckedJsonFile.Write(storage, FilePath, note);
        if (!written.IsOk)
        {
            return $"where the local history begins can't be noted: {written.Error}";
        }

        _note = note;
        return null;
    }

    /// <summary>The earliest of the first readings; without an item when the first ones are still to come.</summary>
    private sealed record Note(string Oid, long TimeNs);
}
