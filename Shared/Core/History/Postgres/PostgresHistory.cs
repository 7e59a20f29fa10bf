using System.Net.Sockets;
using Npgsql;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>Where a test may look in, or end the world, in the middle of a write.</summary>
internal enum PostgresHistoryStep
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
/// A history in a schema of a PostgreSQL database, with <c>synchronous_commit</c> on: what a write returned for is on the server's disk. One
/// writer and one reader connection; other programs of ours may write at the same time, one after the other. Thread-safe.
/// </summary>
/// <remarks>
/// After any failure the connection is dropped, and the next call opens a new one and checks the server again, so that a server that went
/// away needs no restart here. Nothing is repeated within a call: a commit whose answer was lost is an error, and repeating the write finds
/// the events, and the ledger row, in the database.
/// </remarks>
public sealed class PostgresHistory : IHistoryDatabase, IAppliedBook
{
    private readonly PostgresHistoryOptions _options;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _reading = new(1, 1);
    private Writer? _writer;
    private PostgresSession? _reader;
    private bool _isReady;
    private bool _isDisposed;

    /// <summary>A history that connects when it is first used, and makes or migrates its tables then.</summary>
    public PostgresHistory(PostgresHistoryOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Timeout, TimeSpan.FromSeconds(1), nameof(options));
        _options = options;
    }

    /// <inheritdoc/>
    public string Name => _options.ToString();

    /// <summary>How many events that a rule keeps out are named at once.</summary>
    internal int MaxRuledOut { get; set; } = RuledOutSearch.DefaultMaxFound;

    /// <summary>Called within writes, by tests.</summary>
    internal Func<PostgresHistoryStep, Task>? Probe { get; set; }

    /// <summary>Connects; makes the tables, or migrates them to those of this version.</summary>
    /// <returns>The history; an error when the server can't be reached or must not be used.</returns>
    public static async ValueTask<HistoryResult<PostgresHistory>> OpenAsync(PostgresHistoryOptions options, CancellationToken cancellation = default)
    {
        var history = new PostgresHistory(options);
        var ready = await history.PrepareAsync(cancellation);
        if (ready.IsOk)
        {
            return history;
        }

        await history.DisposeAsync();
        return ready.Error;
    }

    /// <summary>Connects and makes the tables, if that was not done; every other call does it by itself.</summary>
    public ValueTask<HistoryResult<bool>> PrepareAsync(CancellationToken cancellation) =>
        WithWriterAsync(_ => Task.FromResult<HistoryResult<bool>>(true), cancellation);

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

        return WithWriterAsync(writer => WriteAsync(writer, write), cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation) =>
        WithWriterAsync<bool>(
            async writer =>
            {
                await writer.BeginAsync();
                await writer.Ledger.MarkDeliveredAsync(block);
                await writer.Session.CommitAsync();
                return true;
            },
            cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation) =>
        WithReaderAsync<AppliedBlock?>(async session => await new PostgresLedger(session).FindAppliedAsync(block, cancellation), cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation) =>
        WithReaderAsync<StreamFacts?>(async session => await PostgresQueries.FindStreamAsync(session, tag, cancellation), cancellation);

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(
        StreamId? only, int maxMissing, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxMissing);
        return WithReaderAsync(
            async session => HistoryResult.Of<IReadOnlyList<StreamAccount>>(
                await PostgresQueries.ReadStreamsAsync(session, only, maxMissing, cancellation)),
            cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<AppliedBlock>>> ReadAppliedAsync(
        StreamId stream, BlockKey? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync(
            async session => HistoryResult.Of<IReadOnlyList<AppliedBlock>>(
                await new PostgresLedger(session).ReadAppliedAsync(stream, after, limit, cancellation)),
            cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync(
            async session => HistoryResult.Of<IReadOnlyList<BookedLoss>>(await PostgresQueries.ReadLossesAsync(session, node, limit, cancellation)),
            cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var before = target.Count;
        return WithReaderAsync(
            async session =>
            {
                var isWhole = false;
                try
                {
                    var result = await PostgresQueries.ReadEventsAsync(session, oid, after, toNs, limit, target, cancellation);
                    isWhole = result.IsOk;
                    return result;
                }
                finally
                {
                    if (!isWhole)
                    {
                        target.Truncate(before);
                    }
                }
            },
            cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync(
            async session => HistoryResult.Of<IReadOnlyList<OidSpan>>(await PostgresQueries.ListOidsAsync(session, after, limit, cancellation)),
            cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return WithReaderAsync(
            async session => HistoryResult.Of<IReadOnlyList<OidCount>>(
                await PostgresQueries.CountByOidAsync(session, after, limit, cancellation)),
            cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _writing.WaitAsync();
        await _reading.WaitAsync();
        _isDisposed = true;
        await DropWriterAsync();
        await DropReaderAsync();
        _reading.Release();
        _writing.Release();
    }

    private async Task<HistoryResult<WriteReceipt>> WriteAsync(Writer writer, HistoryWrite write)
    {
        try
        {
            return await WriteAllAsync(writer, write);
        }
        catch (PostgresException e) when (write.Count > 0 && RuledOutSearch.IsRule(e))
        {
            var found = await new RuledOutSearch(writer.Session, writer.Events, MaxRuledOut).FindAsync(write.Events, write.Start, write.Count);
            return found.Count > 0
                ? PostgresErrors.RuledOut(_options, found)
                : PostgresErrors.Translate(e, _options) ?? PostgresErrors.Rule(_options, e);
        }
    }

    private async Task<HistoryResult<WriteReceipt>> WriteAllAsync(Writer writer, HistoryWrite write)
    {
        await writer.BeginAsync();
        await ProbeAsync(PostgresHistoryStep.Begun);
        var counts = await writer.Events.WriteAsync(write.Events, write.Start, write.Count, write.Inserted);
        await ProbeAsync(PostgresHistoryStep.EventsWritten);
        var applied = write.Stream is null ? null : await WriteBooksAsync(writer.Ledger, write, write.Stream, counts);
        await ProbeAsync(PostgresHistoryStep.BeforeCommit);
        await writer.Session.CommitAsync();
        await ProbeAsync(PostgresHistoryStep.Committed);
        return new WriteReceipt(counts, applied);
    }

    private static async Task<AppliedBlock?> WriteBooksAsync(PostgresLedger ledger, HistoryWrite write, StreamFacts stream, WriteCounts counts)
    {
        var streamId = await ledger.TouchAsync(stream);
        foreach (var range in write.Received)
        {
            await ledger.AddReceivedAsync(streamId, range);
        }

        foreach (var loss in write.Losses)
        {
            await ledger.AddLossAsync(streamId, loss);
        }

        return write.Applied is { } applied ? await ledger.PutAppliedAsync(streamId, applied with { Counts = applied.Counts + counts }) : null;
    }

    private Task ProbeAsync(PostgresHistoryStep step) => Probe?.Invoke(step) ?? Task.CompletedTask;

    private async ValueTask<HistoryResult<T>> WithWriterAsync<T>(Func<Writer, Task<HistoryResult<T>>> work, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return await UseAsync(
                async () =>
                {
                    if (_writer is { Session.IsOpen: false })
                    {
                        await DropWriterAsync();
                    }

                    if (_writer is null && await ConnectWriterAsync(cancellation) is { } refused)
                    {
                        return refused;
                    }

                    return await work(_writer!);
                },
                DropWriterAsync);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task<HistoryError?> ConnectWriterAsync(CancellationToken cancellation)
    {
        var opened = await PostgresSession.OpenAsync(_options, cancellation);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        // From here on the writer is dropped by whoever finds that something failed.
        _writer = new Writer(opened.Value);
        if (!_isReady)
        {
            var refused = await PostgresSchema.MigrateAsync(opened.Value, cancellation);
            _isReady = refused is null;
            return refused;
        }

        return null;
    }

    private async ValueTask<HistoryResult<T>> WithReaderAsync<T>(Func<PostgresSession, Task<HistoryResult<T>>> work, CancellationToken cancellation)
    {
        if (!Volatile.Read(ref _isReady))
        {
            var ready = await PrepareAsync(cancellation);
            if (!ready.IsOk)
            {
                return ready.Error;
            }
        }

        await _reading.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return await UseAsync(
                async () =>
                {
                    if (_reader is { IsOpen: false })
                    {
                        await DropReaderAsync();
                    }

                    if (_reader is null)
                    {
                        var opened = await PostgresSession.OpenAsync(_options, cancellation);
                        if (!opened.IsOk)
                        {
                            return opened.Error;
                        }

                        _reader = opened.Value;
                    }

                    return await work(_reader);
                },
                DropReaderAsync);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Does some work; whatever goes wrong, the connection it was done on is dropped, and with it an open transaction.</summary>
    private async Task<HistoryResult<T>> UseAsync<T>(Func<Task<HistoryResult<T>>> work, Func<ValueTask> drop)
    {
        var isOk = false;
        try
        {
            var result = await work();
            isOk = result.IsOk;
            return result;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or SocketException or TimeoutException && PostgresErrors.Translate(e, _options) is not null)
        {
            return PostgresErrors.Translate(e, _options)!;
        }
        finally
        {
            if (!isOk)
            {
                await drop();
            }
        }
    }

    private async ValueTask DropWriterAsync()
    {
        var writer = _writer;
        _writer = null;
        if (writer is not null)
        {
            await writer.Session.DisposeAsync();
        }
    }

    private async ValueTask DropReaderAsync()
    {
        var reader = _reader;
        _reader = null;
        if (reader is not null)
        {
            await reader.DisposeAsync();
        }
    }

    /// <summary>The writing connection and what works on it.</summary>
    private sealed class Writer(PostgresSession session)
    {
        public PostgresSession Session => session;

        public PostgresEventWriter Events { get; } = new(session);

        public PostgresLedger Ledger { get; } = new(session);

        public async Task BeginAsync()
        {
            if (await session.BeginAsync())
            {
                Events.Forget();
            }
        }
    }
}
