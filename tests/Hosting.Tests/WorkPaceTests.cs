using ZfRepl.Hosting.Progress;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests;

/// <summary>How fast long work goes on.</summary>
public sealed class WorkPaceTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Steady_work_has_its_rate_and_the_time_that_is_left()
    {
        var pace = new WorkPace(_time, new WorkDone(1000, 50, 0.1));
        for (var i = 1; i <= 100; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            pace.Note(new WorkDone(1000 + (i * 20), 50 + (i * 300), 0.1 + (i * 0.005)));
        }

        var rate = pace.Now();
        Assert.Equal((100, 20, 300), (rate.Elapsed.TotalSeconds, Math.Round(rate.EventsPerSecond, 3), Math.Round(rate.BytesPerSecond, 3)));
        Assert.Equal(80, rate.Remaining!.Value.TotalSeconds, 3);
    }

    [Fact]
    public void A_pause_shows_and_what_was_before_is_forgotten()
    {
        var pace = new WorkPace(_time);
        pace.Note(new WorkDone(1_000_000, 1));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1_000_000, pace.Now().EventsPerSecond, 0.1);
        for (var i = 0; i < 30; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _ = pace.Now();
        }

        Assert.Equal(0, pace.Now().EventsPerSecond);
        Assert.Null(pace.Now().Remaining);
    }

    [Fact]
    public void Nothing_is_said_of_what_nobody_can_know()
    {
        Assert.Null(new WorkPace(_time).Now().Remaining);
        Assert.Null(WorkPace.TimeFor(10, 0));
        Assert.Null(WorkPace.TimeFor(double.MaxValue, 0.1));
        Assert.Equal(TimeSpan.Zero, WorkPace.TimeFor(0, 0));
        Assert.Equal(TimeSpan.FromSeconds(5), WorkPace.TimeFor(10, 2));
    }
}
