using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Logging;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Logging;

public sealed class CauseLogTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly StringWriter _output = new();
    private readonly ILoggerFactory _loggers;
    private readonly CauseLog _causes;

    public CauseLogTests()
    {
        _loggers = ServiceLogging.Create(LogLevel.Information, _time, TextWriter.Synchronized(_output));
        _causes = new CauseLog(_loggers.CreateLogger("svc"), _time, TimeSpan.FromMinutes(5));
    }

    private string[] Messages => [.. _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l[(l.IndexOf("svc", StringComparison.Ordinal) + 3)..])];

    public void Dispose()
    {
        _loggers.Dispose();
        _output.Dispose();
    }

    [Fact]
    public async Task The_first_of_a_cause_is_logged_the_rest_is_counted_and_summed_up()
    {
        using var stop = new CancellationTokenSource();
        var run = _causes.RunAsync(stop.Token);
        Assert.True(Refuse("key a"));
        Assert.False(Refuse("key a"));
        Assert.False(Refuse("key a"));
        Assert.True(Refuse("key b"));
        Assert.Equal([" refused key a", " refused key b"], Messages);
        Assert.Equal(4, _causes.Total);

        _time.Advance(TimeSpan.FromMinutes(5));
        await Eventually.TrueAsync(() => Messages.Length == 3, "the summary is written");
        Assert.Equal("[1040] Again 2 times within 5 min: key a", Messages[2]);
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public void A_cause_that_was_quiet_for_an_interval_is_logged_in_full_again()
    {
        Refuse("key a");
        _causes.Summarize();
        Assert.True(Refuse("key a"));
        Assert.False(Refuse("key a"));
        _causes.Summarize();
        Assert.False(Refuse("key a"));
        _causes.Summarize();
        _causes.Summarize();
        Assert.True(Refuse("key a"));
        Assert.Equal(
            [" refused key a", " refused key a", "[1040] Again 1 times within 5 min: key a", "[1040] Again 1 times within 5 min: key a", " refused key a"],
            Messages);
    }

    [Fact]
    public async Task Made_up_causes_cannot_fill_the_log()
    {
        using var stop = new CancellationTokenSource();
        var run = _causes.RunAsync(stop.Token);
        for (var n = 0; n < 5000; n++)
        {
            Refuse($"key {n}");
        }

        await stop.CancelAsync();
        await run;
        Assert.Equal(1001, Messages.Length);
        Assert.Equal("[1041] 4000 more occurrences within 5 min, of causes beyond the 1000 that are told apart", Messages[^1]);
        Assert.Equal(5000, _causes.Total);
    }

    [Fact]
    public void Many_threads_log_the_first_once_and_count_all()
    {
        Parallel.For(0, 10_000, _ => Refuse("key a"));
        Assert.Single(Messages);
        Assert.Equal(10_000, _causes.Total);
    }

    private bool Refuse(string cause) => _causes.Report(cause, log => log.LogWarning("refused {Cause}", cause));
}
