using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>How every kind of database is used: from several threads, opened again, cancelled, with nothing to do.</summary>
public abstract class HistoryUseContract
{
    /// <summary>A place of the test's own.</summary>
    protected abstract IHistoryPlace NewPlace();

    [ContractFact]
    public async Task Cancelling_before_a_write_writes_nothing()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var batch = Batch(Event(2, TelemetryValue.From(2), 2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, cancelled.Token).AsTask());
        Assert.Empty(await ReadAsync(history));
    }

    [ContractFact]
    public async Task Writers_and_readers_of_one_process_do_not_disturb_each_other()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var writers = Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 25; i++)
            {
                await WriteAsync(history, Event((w * 1000) + i, TelemetryValue.From(i), (ulong)((w * 1000) + i + 1)));
            }
        }));
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 25; i++)
            {
                await ReadAllAsync(history);
            }
        }));
        await Task.WhenAll(writers.Concat(readers));
        Assert.Equal(100, (await ReadAsync(history)).Count);
    }

    [ContractFact]
    public async Task What_a_write_returned_for_is_there_for_whoever_opens_next()
    {
        await using var place = NewPlace();
        var stream = new StreamFacts(new StreamId(1, 2), "n", "m", 3000);
        var batch = Batch(Enumerable.Range(0, 3000).Select(i => Event(i, TelemetryValue.From($"value {i}"), (ulong)i + 1)));
        var write = new HistoryWrite { Events = batch, Count = batch.Count, Stream = stream, Received = [new SequenceRange(1, 3000)] };
        await using (var first = await place.OpenAsync())
        {
            Assert.Equal(3000, Ok(await first.WriteAsync(write, CancellationToken.None)).Counts.Inserted);
        }

        var second = await place.OpenAsync();
        Assert.Equal(3000, (await ReadAsync(second)).Count);
        Assert.Equal(3000UL, (await AccountAsync(second, stream.Id)).Received);
        Assert.Equal(3000, Ok(await second.WriteAsync(write, CancellationToken.None)).Counts.Replays);
    }

    [ContractFact]
    public async Task A_write_of_nothing_is_allowed_and_wrong_use_throws()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        Assert.Equal(default, await WriteAsync(history));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => history.WriteAsync(new HistoryWrite { Events = Batch(), Count = -1 }, CancellationToken.None).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => history.ReadEventsAsync(Sensor, HistoryCursor.Before(0), 1, 0, Batch(), CancellationToken.None).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => history.CountByOidAsync(null, 0, CancellationToken.None).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => history.ReadStreamsAsync(null, -1, CancellationToken.None).AsTask());
        await history.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => WriteAsync(history));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadAsync(history));
    }

    [ContractFact]
    public async Task Two_programs_may_open_a_new_database_at_once()
    {
        await using var place = NewPlace();
        var opened = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(place.OpenAsync)));
        await WriteAsync(opened[0], Event(1, TelemetryValue.From(1), 1));
        foreach (var history in opened)
        {
            Assert.Single(await ReadAsync(history));
        }
    }
}
