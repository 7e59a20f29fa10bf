using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Proof;

/// <summary>
/// A book of what was imported: for each stream, item and hour how many events were new to the database, and the sum of their digests. It is a file
/// of its own, so that what somebody does to the database does not touch it. What is entered follows the database: whenever the process
/// dies in between, the database has more than the book, never less. Thread-safe.
/// </summary>
public sealed class ImportDigests : IDisposable
{
    /// <summary>How many hours back the book goes.</summary>
    public const int MaxHours = 90 * 24;

    private const int MaxWaiting = 200_000;
    private const long MaxCells = 5_000_000;
    private const int BooksPerTidying = 4096;

    private const string Tables = """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        CREATE TABLE IF NOT EXISTS cell(
          stream BLOB NOT NULL, item TEXT NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL, sum BLOB NOT NULL,
          PRIMARY KEY(stream, item, hour)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS cell_hour ON cell(hour)
        """;

    private readonly string _path;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly EventDigest _digest = new();
    private readonly Dictionary<(StreamId Stream, Oid Item, int Hour), EventSum> _waiting = [];
    private SqliteSession? _session;
    private int _books;
    private string? _unsaved;
    private string? _dropped;

    private ImportDigests(SqliteSession session, string path) => (_session, _path) = (session, path);

    private SqliteSession Session => _session ??= OpenSession(_path);

    /// <summary>
    /// What keeps the book from being written, or null. What is imported meanwhile waits, up to a limit; what could not wait is named until the
    /// process ends.
    /// </summary>
    public string? Trouble => _unsaved ?? _dropped;

    /// <summary>Opens the book's file, and makes it where there is none.</summary>
    public static HistoryResult<ImportDigests> Open(string path)
    {
        var full = Path.GetFullPath(path);
        var folder = DiskStorage.Instance.CreateFolder(Path.GetDirectoryName(full)!);
        if (!folder.IsOk)
        {
            return new HistoryError(HistoryTrouble.Unavailable, $"{full}: {folder.Error.Detail}.", folder.Error.Remedy);
        }

        var created = DiskStorage.Instance.CreateNew(full);
        if (created.IsOk)
        {
            created.Value.Dispose();
        }
        else if (!created.Error.IsExists)
        {
            return new HistoryError(HistoryTrouble.Unavailable, $"{full}: {created.Error.Detail}.", created.Error.Remedy);
        }

        try
        {
            return new ImportDigests(OpenSession(full), full);
        }
        catch (SqliteException e) when (SqliteErrors.Translate(e, full) is { } error)
        {
            return error;
        }
    }

    /// <summary>Begins an entry. Until it is disposed of, nobody else enters or compares anything.</summary>
    public async ValueTask<Entry> BeginAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        return new Entry(this);
    }

    /// <summary>The items of some streams, in order.</summary>
    /// <param name="streams">The streams.</param>
    /// <param name="firstHour">The first hour.</param>
    /// <param name="lastHour">The last hour.</param>
    /// <param name="after">The last item of the page before, or null.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task<HistoryResult<IReadOnlyList<Oid>>> ItemsAsync(
        IReadOnlyList<StreamId> streams, int firstHour, int lastHour, Oid? after, int limit, CancellationToken cancellation)
    {
        using var entry = await BeginAsync(cancellation);
        if (Save() is { } error)
        {
            return error;
        }

        return Read<IReadOnlyList<Oid>>(() =>
        {
            // In the order of the database, which compares bytes.
            var items = new SortedSet<Oid>(Comparer<Oid>.Create((a, b) => a.Utf8Text.SequenceCompareTo(b.Utf8Text)));
            foreach (var stream in streams)
            {
                var row = Session.Statement(
                    "SELECT DISTINCT item FROM cell WHERE stream = ?1 AND item > ?2 AND hour BETWEEN ?3 AND ?4 ORDER BY item LIMIT ?5");
                Bind(row, stream);
                row.BindText(2, after?.Text ?? "");
                row.Bind(3, firstHour);
                row.Bind(4, lastHour);
                row.Bind(5, limit);
                while (row.Step())
                {
                    if (Oid.TryParse(row.Text(0), out var item, out _))
                    {
                        items.Add(item);
                    }
                }

                row.Reset();
            }

            return [.. items.Take(limit)];
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session?.Dispose();
        _gate.Dispose();
    }

    private static SqliteSession OpenSession(string path)
    {
        var session = SqliteSession.Open(new SqliteHistoryOptions { Path = path, CacheKiB = 2048 }, SqliteAccess.Write);
        try
        {
            session.Execute(Tables);
            return session;
        }
        catch (SqliteException)
        {
            session.Dispose();
            throw;
        }
    }

    private HistoryResult<Dictionary<int, EventSum>> Sum(IReadOnlyList<StreamId> streams, Oid item, int firstHour, int lastHour)
    {
        if (Save() is { } error)
        {
            return error;
        }

        return Read(() =>
        {
            var hours = new Dictionary<int, EventSum>();
            foreach (var stream in streams)
            {
                var row = Session.Statement("SELECT hour, count, sum FROM cell WHERE stream = ?1 AND item = ?2 AND hour BETWEEN ?3 AND ?4");
                Bind(row, stream);
                row.BindText(2, item.Text);
                row.Bind(3, firstHour);
                row.Bind(4, lastHour);
                while (row.Step())
                {
                    var hour = (int)row.Int64(0);
                    hours[hour] = hours.GetValueOrDefault(hour) + new EventSum(row.Int64(1), SumOf(row.Bytes(2)));
                }

                row.Reset();
            }

            return hours;
        });
    }

    private void Add(StreamId stream, EventBatch events, List<int> inserted)
    {
        foreach (var index in inserted)
        {
            var key = (stream, events.Oids[events.Items[index]], BookHour.Of(events.TimesNs[index]));
            ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_waiting, key, out _);
            sum += new EventSum(1, _digest.Of(events, index));
        }

        if (Save() is not null && _waiting.Count > MaxWaiting)
        {
            // The book is a witness, not a store: the import never waits for it. The database has more than the book then.
            _dropped = "events that were imported while the book could not be written are not in it: a proof says that there are more than there should be";
            _waiting.Clear();
        }
    }

    private HistoryError? Save()
    {
        if (_waiting.Count == 0)
        {
            return null;
        }

        var saved = Read(() =>
        {
            Session.Begin();
            var bytes = new byte[16];
            foreach (var ((stream, item, hour), sum) in _waiting)
            {
                var known = Find(stream, item, hour) + sum;
                var row = Session.Statement("INSERT OR REPLACE INTO cell(stream, item, hour, count, sum) VALUES(?1, ?2, ?3, ?4, ?5)");
                Bind(row, stream);
                row.BindText(2, item.Text);
                row.Bind(3, hour);
                row.Bind(4, known.Count);
                BinaryPrimitives.WriteUInt128LittleEndian(bytes, known.Sum);
                row.BindBlob(5, bytes);
                row.Execute();
            }

            Tidy();
            Session.Commit();
            _waiting.Clear();
            return true;
        });
        _unsaved = saved.Error?.ToString();
        return saved.Error;
    }

    /// <summary>Now and then what is too old goes, and what is too much.</summary>
    private void Tidy()
    {
        if (_books++ % BooksPerTidying != 0)
        {
            return;
        }

        var newest = Session.Number("SELECT max(hour) FROM cell WHERE hour <= strftime('%s', 'now') / 3600");
        Session.Execute(FormattableString.Invariant($"DELETE FROM cell WHERE hour < {newest - MaxHours}"));
        if (Session.Number("SELECT count(*) FROM cell") > MaxCells)
        {
            Session.Execute(FormattableString.Invariant(
                $"DELETE FROM cell WHERE hour < (SELECT hour FROM cell ORDER BY hour DESC LIMIT 1 OFFSET {MaxCells * 9 / 10})"));
        }
    }

    private EventSum Find(StreamId stream, Oid item, int hour)
    {
        var row = Session.Statement("SELECT count, sum FROM cell WHERE stream = ?1 AND item = ?2 AND hour = ?3");
        Bind(row, stream);
        row.BindText(2, item.Text);
        row.Bind(3, hour);
        var found = row.Step() ? new EventSum(row.Int64(0), SumOf(row.Bytes(1))) : default;
        row.Reset();
        return found;
    }

    private HistoryResult<T> Read<T>(Func<T> read)
    {
        try
        {
            return HistoryResult.Of(read());
        }
        catch (SqliteException e) when (SqliteErrors.Translate(e, _path) is { } error)
        {
            // With it goes an open transaction: the next call finds no trace of the failure.
            _session?.Dispose();
            _session = null;
            return error;
        }
    }

    private static UInt128 SumOf(ReadOnlySpan<byte> bytes) => bytes.Length == 16 ? BinaryPrimitives.ReadUInt128LittleEndian(bytes) : 0;

    private static void Bind(SqliteStatement row, StreamId stream)
    {
        Span<byte> bytes = stackalloc byte[StreamId.SizeBytes];
        stream.Write(bytes);
        row.BindBlob(1, bytes);
    }

    /// <summary>An entry, or a look at the book, during which nothing is entered. Used by one caller.</summary>
    public sealed class Entry : IDisposable
    {
        private readonly ImportDigests _book;
        private readonly List<int> _inserted = [];

        internal Entry(ImportDigests book)
        {
            _book = book;
            Inserted = _inserted.Add;
        }

        /// <summary>Is told the index of each event that is new.</summary>
        public Action<int> Inserted { get; }

        /// <summary>Enters them: they are in the database now.</summary>
        public void Book(StreamId stream, EventBatch events) => _book.Add(stream, events, _inserted);

        /// <summary>What was imported of an item in some streams, by hour.</summary>
        public HistoryResult<Dictionary<int, EventSum>> Sum(IReadOnlyList<StreamId> streams, Oid item, int firstHour, int lastHour) =>
            _book.Sum(streams, item, firstHour, lastHour);

        /// <inheritdoc/>
        public void Dispose() => _book._gate.Release();
    }
}
