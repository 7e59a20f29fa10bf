using ZfRepl.Core.Schedule;
using ZfRepl.Hosting.Logging;
using ZfRepl.Replicator.Fetch;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>When a client session starts, on a clock that is set meanwhile.</summary>
public sealed class FetchScheduleTests : IAsyncDisposable
{
    private readonly ManualTime _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 30, TimeSpan.Zero));
    private readonly CancellationTokenSource _end = new();
    private readonly FetchClient _client;
    private readonly Task _run;

    public FetchScheduleTests()
    {
        Assert.True(CronSchedule.TryParse("0 * * * * *", out var everyMinute, out _));
        var bus = new LoopbackBus().Connect();
        var log = new ListLogger();
        var link = new SourceLink(
            bus,
            _time,
            new SourceLinkOptions { Source = TransferRig.Source, Target = TransferRig.Target, Key = TransferRig.NewKey("default") },
            new CauseLog(log, _time));

        // Nobody serves, so no block comes.
        _client = new FetchClient(
            link,
            intake: null!,
            new FetchMemory(),
            bus,
            _time,
            new FetchOptions { Source = TransferRig.Source, Target = TransferRig.Target, Schedule = everyMinute },
            log);
        _run = _client.RunAsync(_end.Token);
    }

    [Fact]
    public async Task A_session_starts_on_schedule()
    {
        await AdvanceAsync(TimeSpan.FromSeconds(29));
        Assert.False(_client.State.IsActive);
        await AdvanceAsync(TimeSpan.FromSeconds(2));
        await ActiveAsync();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-24 * 365 * 5)]
    [InlineData(24 * 365 * 5)]
    public async Task A_clock_that_was_set_back_or_ahead_delays_a_session_by_a_minute_and_a_half_at_most(int hours)
    {
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        _time.StepWallClock(TimeSpan.FromHours(hours));
        await AdvanceAsync(TimeSpan.FromSeconds(90));
        await ActiveAsync();
    }

    [Fact]
    public async Task The_last_fraction_of_a_millisecond_is_waited_for_and_not_asked_for_again_and_again()
    {
        _time.StepWallClock(TimeSpan.FromMilliseconds(-0.5));

        // The client looks at the clock half a millisecond before the minute. Who asks again and again gives the clock no way to go on.
        await Task.Run(() => AdvanceAsync(TimeSpan.FromSeconds(30))).WaitAsync(TimeSpan.FromSeconds(30));
        await Eventually.TrueAsync(() => _time.PendingTimers == 1, "the last fraction is waited for");
        Assert.False(_client.State.IsActive);
        await AdvanceAsync(TimeSpan.FromMilliseconds(1));
        await ActiveAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // The orderly end.
        }

        _end.Dispose();
    }

    private Task ActiveAsync() => Eventually.TrueAsync(() => _client.State.IsActive, "a session has started");

    /// <summary>In steps, so that each delay of the client follows the one before in time.</summary>
    private async Task AdvanceAsync(TimeSpan span)
    {
        for (var step = TimeSpan.FromMilliseconds(500); span > TimeSpan.Zero; span -= step)
        {
            await Eventually.TrueAsync(() => _time.PendingTimers > 0, "the client waits");
            _time.Advance(span < step ? span : step);
        }
    }
}
