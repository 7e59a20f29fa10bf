using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>
/// A history in InfluxDB 1.x, with its ledger in a SQLite file beside the service. InfluxDB has no transactions, so a write goes in three
/// steps, each durable before the next: the file notes up to which time each OID will be written, the points are sent and acknowledged,
/// the file gets the books. Cut short anywhere, the same write again completes it without a trace. Thread-safe.
/// </summary>
/// <remarks>
/// A server that can't be reached keeps nothing from opening: each call says so until it is back. One ledger file belongs to one service.
/// </remarks>
public sealed class InfluxHistory : IHistoryDatabase, IAppliedBook
{
    private static readonly EventBatch Nothing = new(new OidTable(), 1);

    private readonly InfluxHistoryOptions _options;
    private readonly InfluxConnection _connection;
    private readonly SqliteHistory _ledger;
    private readonly InfluxStatements _statements;
    private readonly InfluxEventWriter _writer;
    private readonly InfluxQueries _queries;
    private readonly MarkFile _marks;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _preparing = new(1, 1);
    private volatile bool _isPrepared;
    private volatile bool _isDisposed;

    private InfluxHistory(InfluxHistoryOptions options, InfluxConnection connection, SqliteHistory ledger)
    {
        _options = options;
        _connection = connection;
        _ledger = ledger;
        _statements = new InfluxStatements(options);
        _marks = new MarkFile(options, connection, _statements);
        _writer = new InfluxEventWriter(connection, _statements, _marks, options);
        _queries = new InfluxQueries(connection, _statements, options);
    }

    /// <inheritdoc/>
    public string Name => _options.ToString();

    /// <summary>Called before each request with points, by tests.</summary>
    internal Action<int>? Probe
    {
        set => _writer.Probe = value;
    }

    /// <summary>Opens the ledger, which is created with its folder, and makes the connection ready; the server is asked later.</summary>
    /// <returns>The history; an error when the ledger or the certificates can't be used.</returns>
    /// <exception cref="ArgumentException">The options can't be used.</exception>
    public static async ValueTask<HistoryResult<InfluxHistory>> OpenAsync(
        InfluxHistoryOptions options, TimeProvider time, CancellationToken cancellation = default)
    {
        if (options.WhyNot() is { } reason)
        {
            throw new ArgumentException(reason, nameof(options));
        }

        var ledger = await SqliteHistory.OpenAsync(
            new SqliteHistoryOptions { Path = options.LedgerPath, IsReadOnly = options.IsReadOnly }, cancellation);
        if (!ledger.IsOk)
        {
            return ledger.Error;
        }

        var connection = InfluxConnection.Open(options, time);
        if (!connection.IsOk)
        {
            await ledger.Value.DisposeAsync();
            return connection.Error;
        }

        var history = new InfluxHistory(options, connection.Value, ledger.Value);
        var marked = options.IsReadOnly ? true : await history._marks.PrepareAsync();
        if (!marked.IsOk)
        {
            await history.DisposeAsync();
            return marked.Error;
        }

        return history;
    }

    /// <inheritdoc/>
    public async ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(write.Start, nameof(write));
        ArgumentOutOfRangeException.ThrowIfNegative(write.Count, nameof(write));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)write.Start + write.Count, write.Events.Count, nameof(write));
        if (write.Stream is null && (write.Received.Count > 0 || write.Losses.Count > 0 || write.Applied is not null))
        {
            throw new ArgumentException("Bookkeeping needs a stream.", nameof(write));
        }

        if (_options.IsReadOnly)
        {
            throw new InvalidOperationException("A history that was opened for looking only can't be written.");
        }

        await _writing.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var counts = write.Count == 0
                ? default(WriteCounts)
                : await AskAsync(token => _writer.WriteAsync(write.Events, write.Start, write.Count, write.Inserted, token), cancellation);
            return counts.IsOk ? await WriteBooksAsync(write, counts.Value, cancellation) : counts.Error;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation) =>
        _ledger.FindAppliedAsync(block, cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation) =>
        _ledger.MarkDeliveredAsync(block, cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation) =>
        _ledger.FindStreamAsync(tag, cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(
        StreamId? only, int maxMissing, CancellationToken cancellation) => _ledger.ReadStreamsAsync(only, maxMissing, cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<AppliedBlock>>> ReadAppliedAsync(
        StreamId stream, BlockKey? after, int limit, CancellationToken cancellation) => _ledger.ReadAppliedAsync(stream, after, limit, cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation) =>
        _ledger.ReadLossesAsync(node, limit, cancellation);

    /// <inheritdoc/>
    public async ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var count = target.Count;
        var read = await AskAsync(token => _queries.ReadEventsAsync(oid, after, toNs, limit, target, token), cancellation);
        if (!read.IsOk)
        {
            target.Truncate(count);
        }

        return read;
    }

    /// <inheritdoc/>
    public async ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return await AskAsync(token => _queries.ListOidsAsync(after, limit, token), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return await AskAsync(token => _queries.CountByOidAsync(after, limit, token), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _writing.WaitAsync();
        if (!_isDisposed)
        {
            _isDisposed = true;
            _marks.Dispose();
            _connection.Dispose();
            await _ledger.DisposeAsync();
        }

        _writing.Release();
    }

    private async Task<HistoryResult<WriteReceipt>> WriteBooksAsync(HistoryWrite write, WriteCounts counts, CancellationToken cancellation)
    {
        if (write.Stream is null)
        {
            return new WriteReceipt(counts, null);
        }

        var books = new HistoryWrite
        {
            Events = Nothing,
            Count = 0,
            Stream = write.Stream,
            Received = write.Received,
            Losses = write.Losses,
            Applied = write.Applied is { } applied ? applied with { Counts = applied.Counts + counts } : null,
        };
        var written = await _ledger.WriteAsync(books, cancellation);
        return written.IsOk ? new WriteReceipt(counts, written.Value.Applied) : written.Error;
    }

    /// <summary>Asks the server something, after it was looked at once since it was last absent.</summary>
    private async Task<HistoryResult<T>> AskAsync<T>(Func<CancellationToken, Task<HistoryResult<T>>> ask, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!_isPrepared && await PrepareAsync(cancellation) is { } unprepared)
        {
            return unprepared;
        }

        var result = await ask(cancellation);
        if (!result.IsOk)
        {
            // Whatever is there next time may be another server, or one that was restored.
            _isPrepared = false;
        }

        return result;
    }

    private async Task<HistoryError?> PrepareAsync(CancellationToken cancellation)
    {
        await _preparing.WaitAsync(cancellation);
        try
        {
            if (_isPrepared)
            {
                return null;
            }

            var policy = await FindPolicyAsync(cancellation);
            if (!policy.IsOk)
            {
                return policy.Error;
            }

            var error = _options.IsReadOnly
                ? null
                : await CheckDurabilityAsync(cancellation) ?? await _marks.ClaimAsync(isFinite: policy.Value, cancellation);
            _isPrepared = error is null;
            return error;
        }
        finally
        {
            _preparing.Release();
        }
    }

    /// <summary>
    /// A server that syncs later than it acknowledges is refused, since the source removes what was acknowledged. Only an admin may ask;
    /// for others it is the operator's to know.
    /// </summary>
    private async Task<HistoryError?> CheckDurabilityAsync(CancellationToken cancellation)
    {
        if (_options.AllowsUnsafeServer)
        {
            return null;
        }

        var diagnostics = new TextRows();
        var asked = await _connection.QueryAsync("SHOW DIAGNOSTICS", database: null, diagnostics, cancellation);
        if (!asked.IsOk)
        {
            return asked.Error.IsTransient ? asked.Error : null;
        }

        return diagnostics.Find("wal-fsync-delay") is { } delay && delay != "0s"
            ? InfluxErrors.Broken(
                $"{Name} confirms writes {InfluxErrors.Shorten(delay)} before they are on disk: what the source has removed can be lost with the power.",
                "set wal-fsync-delay = \"0s\" in the [data] section of the server's configuration, or `allow_unsafe_server: true`")
            : null;
    }

    /// <summary>Finds the retention policy, and makes the database if it is missing and may be made.</summary>
    /// <returns>True when the policy deletes what is old.</returns>
    private async Task<HistoryResult<bool>> FindPolicyAsync(CancellationToken cancellation)
    {
        var policies = new TextRows();
        var shown = await _connection.QueryAsync(_statements.ShowPolicies(), database: null, policies, cancellation);
        if (!shown.IsOk && shown.Error.Detail.Contains("database not found", StringComparison.Ordinal)
            && _options is { CreatesDatabase: true, IsReadOnly: false })
        {
            var created = await _connection.QueryAsync(_statements.CreateDatabase(), database: null, new TextRows(), cancellation);
            if (!created.IsOk)
            {
                return created.Error;
            }

            shown = await _connection.QueryAsync(_statements.ShowPolicies(), database: null, policies, cancellation);
        }

        if (!shown.IsOk)
        {
            return shown.Error;
        }

        // name, duration, shard duration, replicas, default
        var policy = policies.Rows
            .Select(row => row.Columns)
            .FirstOrDefault(row => row.Length >= 5 && (_options.RetentionPolicy is { } name ? row[0] == name : row[4] == "true"));
        return policy is not null
            ? policy[1] != "0s"
            : InfluxErrors.Broken(
                $"{Name}: there is no retention policy {_options.RetentionPolicy ?? "that is the default"}.",
                "create it, or name another one in `retention_policy`");
    }
}
