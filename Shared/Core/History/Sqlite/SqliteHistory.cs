using Microsoft.Data.Sqlite;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>Where a test may look in, or end the world, in the middle of a write.</summary>
internal enum SqliteHistoryStep
{
    /// <summary>The transaction has begun.</summary>
    Begun,

    /// <summary>The events are in, not committed.</summary>
    EventsWritten,

    /// <summary>Everything is in, not committed.</summary>
    BeforeCommit,

    /// <summary>It is committed and durable.</summary>
    Committed,
}

/// <summary>
/// A history in one SQLite file, in write-ahead mode with a sync at each commit: what a write returned for is on disk. One writer and one
/// reader connection; other processes may read and even write at the same time. Thread-safe.
/// </summary>
/// <remarks>
/// After any failure the connection is dropped, and the next call opens a new one, so that a full disk or a lock that went away needs no
/// restart. A file that is damaged or not ours is never changed, moved or deleted.
/// </remarks>
public sealed class SqliteHistory : IHistoryDatabase, IAppliedBook
{
    private readonly SqliteHistoryOptions _options;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _reading = new(1, 1);
    private Writer? _writer;
    private SqliteSession? _reader;
    private bool _isDisposed;

    private SqliteHistory(SqliteHistoryOptions options) => _options = options;

    /// <inheritdoc/>
    public string Name => $"sqlite {_options.Path}";

    /// <summary>The version of the SQLite library in use.</summary>
    public static string LibraryVersion => SqliteNative.EnsureLoaded();

    /// <summary>Called within writes, by tests.</summary>
    internal Action<SqliteHistoryStep>? Probe { get; set; }

    /// <summary>
    /// Opens a file; creates it with its folder, or migrates it to the tables of this version, unless it is opened for looking only.
    /// </summary>
    /// <returns>
    /// The history; busy or unavailable when it can't be reached now; broken when the file is damaged, of a newer version, or belongs to
    /// somebody else.
    /// </returns>
    public static async ValueTask<HistoryResult<SqliteHistory>> OpenAsync(SqliteHistoryOptions options, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.BusyTimeoutMs, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CacheKiB, 256, nameof(options));
        var history = new SqliteHistory(options with { Path = Path.GetFullPath(options.Path) });
        var opened = await Task.Run(history.Prepare, cancellation);
        if (opened is null)
        {
            return history;
        }

        await history.DisposeAsync();
        return opened;
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(write.Start, nameof(write));
        ArgumentOutOfRangeException.ThrowIfNegative(write.Count, nameof(write));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)write.Start + write.Count, write.Events.Count, nameof(write));
        if (write.Stream is null && (write.Received.Count > 0 || write.Losses.Count > 0 || write.Applied is not null))
        {
            throw new ArgumentException("Bookkeeping needs a stream.", nameof(write));
        }

        return WithWriterAsync<WriteReceipt>(writer => Write(writer, write), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation) =>
        WithWriterAsync<bool>(
            writer =>
            {
                writer.Session.Begin();
                writer.Ledger.MarkDelivered(block);
                writer.Session.Commit();
                return true;
            },
            cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation) =>
        WithReaderAsync<AppliedBlock?>(session => new SqliteLedger(session).FindApplied(block), cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation) =>
        WithReaderAsync<StreamFacts?>(session => SqliteQueries.FindStream(session, tag), cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(
        StreamId? only, int maxMissing, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxMissing);
        return WithReaderAsync<IReadOnlyList<StreamAccount>>(session => SqliteQueries.ReadStreams(session, only, maxMissing), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync<IReadOnlyList<BookedLoss>>(session => SqliteQueries.ReadLosses(session, node, limit), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<AppliedBlock>>> ReadAppliedAsync(
        StreamId stream, BlockKey? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync<IReadOnlyList<AppliedBlock>>(session => new SqliteLedger(session).ReadApplied(stream, after, limit), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync<HistoryCursor?>(session => SqliteQueries.ReadEvents(session, oid, after, toNs, limit, target), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync<IReadOnlyList<OidSpan>>(session => SqliteQueries.ListOids(session, after, limit), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync<IReadOnlyList<OidCount>>(session => SqliteQueries.CountByOid(session, after, limit), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _writing.WaitAsync();
        await _reading.WaitAsync();
        _isDisposed = true;
        DropWriter();
        DropReader();
        _reading.Release();
        _writing.Release();
    }

    private HistoryResult<WriteReceipt> Write(Writer writer, HistoryWrite write)
    {
        writer.Session.Begin();
        Probe?.Invoke(SqliteHistoryStep.Begun);
        var counts = writer.Events.Write(write.Events, write.Start, write.Count, write.Inserted);
        Probe?.Invoke(SqliteHistoryStep.EventsWritten);
        var applied = write.Stream is null ? null : WriteBooks(writer.Ledger, write, write.Stream, counts);
        Probe?.Invoke(SqliteHistoryStep.BeforeCommit);
        writer.Session.Commit();
        Probe?.Invoke(SqliteHistoryStep.Committed);
        return new WriteReceipt(counts, applied);
    }

    private static AppliedBlock? WriteBooks(SqliteLedger ledger, HistoryWrite write, StreamFacts stream, in WriteCounts counts)
    {
        var streamId = ledger.Touch(stream);
        foreach (var range in write.Received)
        {
            ledger.AddReceived(streamId, range);
        }

        foreach (var loss in write.Losses)
        {
            ledger.AddLoss(streamId, loss);
        }

        return write.Applied is { } applied ? ledger.PutApplied(streamId, applied with { Counts = applied.Counts + counts }) : null;
    }

    private HistoryError? Prepare()
    {
        if (!_options.IsReadOnly && CreateFile() is { } failed)
        {
            return failed;
        }

        var result = _options.IsReadOnly ? Use(CheckReadable, DropReader) : Use(MakeReady, DropWriter);
        return result.Error;
    }

    private HistoryError? CreateFile()
    {
        var storage = DiskStorage.Instance;
        var folder = Path.GetDirectoryName(_options.Path)!;
        var done = storage.CreateFolder(folder);
        if (done.IsOk)
        {
            var created = storage.CreateNew(_options.Path);
            if (created.IsOk)
            {
                created.Value.Dispose();
                done = storage.SyncFolder(folder);
            }
            else if (!created.Error.IsExists)
            {
                done = created.Error;
            }
        }

        return done.IsOk
            ? null
            : new HistoryError(HistoryTrouble.Unavailable, $"History database {_options.Path}: {done.Error.Detail}.", done.Error.Remedy);
    }

    private HistoryResult<bool> CheckReadable()
    {
        _reader = SqliteSession.Open(_options, SqliteAccess.ReadOnly);
        var refused = SqliteSchema.Check(_reader, out var version);
        if (refused is null && version < SqliteSchema.Version)
        {
            refused = new HistoryError(
                HistoryTrouble.Broken,
                version == 0
                    ? $"The history database {_options.Path} is empty."
                    : $"The history database {_options.Path} has version {version} of the tables, this program reads {SqliteSchema.Version}.",
                "start the service that writes it once, it makes the tables");
        }

        return refused is null ? true : refused;
    }

    private HistoryResult<bool> MakeReady()
    {
        var session = SqliteSession.Open(_options, SqliteAccess.Write);
        var isKept = false;
        try
        {
            var refused = SqliteSchema.Check(session, out _) ?? UseLog(session) ?? SqliteSchema.Migrate(session);
            if (refused is not null)
            {
                return refused;
            }

            _writer = new Writer(session);
            isKept = true;
            return true;
        }
        finally
        {
            if (!isKept)
            {
                session.Dispose();
            }
        }
    }

    /// <summary>Readers and the writer do not wait for each other with a write-ahead log, and a commit is one sync.</summary>
    private HistoryError? UseLog(SqliteSession session)
    {
        using var statement = new SqliteStatement(session.Database, "PRAGMA journal_mode = WAL");
        var mode = statement.Step() ? statement.Text(0) : "";
        return mode == "wal"
            ? null
            : new HistoryError(
                HistoryTrouble.Broken,
                $"SQLite can't keep a write-ahead log beside {_options.Path} (it stays in mode '{mode}').",
                "put the file on a local file system");
    }

    private async ValueTask<HistoryResult<T>> WithWriterAsync<T>(Func<Writer, HistoryResult<T>> work, CancellationToken cancellation)
    {
        if (_options.IsReadOnly)
        {
            throw new InvalidOperationException("A history that was opened for looking only can't be written.");
        }

        await _writing.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return await Task.Run(
                () => Use(() => work(_writer ??= new Writer(SqliteSession.Open(_options, SqliteAccess.Write))), DropWriter),
                CancellationToken.None);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async ValueTask<HistoryResult<T>> WithReaderAsync<T>(Func<SqliteSession, HistoryResult<T>> work, CancellationToken cancellation)
    {
        await _reading.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var access = _options.IsReadOnly ? SqliteAccess.ReadOnly : SqliteAccess.Query;
            return await Task.Run(
                () => Use(() => work(_reader ??= SqliteSession.Open(_options, access)), DropReader), CancellationToken.None);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Does some work; whatever goes wrong, the connection it was done on is dropped, and with it an open transaction.</summary>
    private HistoryResult<T> Use<T>(Func<HistoryResult<T>> work, Action drop)
    {
        var isOk = false;
        try
        {
            var result = work();
            isOk = result.IsOk;
            return result;
        }
        catch (SqliteException e) when (SqliteErrors.Translate(e, _options.Path) is { } error)
        {
            return error;
        }
        finally
        {
            if (!isOk)
            {
                drop();
            }
        }
    }

    private void DropWriter()
    {
        _writer?.Session.Dispose();
        _writer = null;
    }

    private void DropReader()
    {
        _reader?.Dispose();
        _reader = null;
    }

    /// <summary>The writing connection and what works on it.</summary>
    private sealed class Writer(SqliteSession session)
    {
        public SqliteSession Session => session;

        public SqliteEventWriter Events { get; } = new(session);

        public SqliteLedger Ledger { get; } = new(session);
    }
}
