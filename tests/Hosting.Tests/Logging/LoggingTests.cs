using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Logging;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Logging;

public sealed class LoggingTests
{
    private static readonly ManualTime Clock = new(new DateTimeOffset(2026, 2, 3, 4, 5, 6, 789, TimeSpan.Zero));

    [Theory]
    [InlineData(LogLevel.Trace, "TRACE")]
    [InlineData(LogLevel.Debug, "DEBUG")]
    [InlineData(LogLevel.Information, "INFO ")]
    [InlineData(LogLevel.Warning, "WARN ")]
    [InlineData(LogLevel.Error, "ERROR")]
    [InlineData(LogLevel.Critical, "CRIT ")]
    public void A_line_has_time_level_category_event_and_message(LogLevel level, string name) => Assert.Equal(
        $"2026-02-03T04:05:06.789Z {name} eva.zfrepl.1.collector[1203] sealed mbb_1\n",
        Written(LogLevel.Trace, loggers => loggers.CreateLogger("eva.zfrepl.1.collector").Log(level, new EventId(1203), "sealed mbb_1")));

    [Fact]
    public void Lines_below_the_level_are_not_written() =>
        Assert.Equal("", Written(LogLevel.Warning, loggers => loggers.CreateLogger("x").LogInformation("nothing")));

    [Theory]
    [InlineData("a\nERROR forged", @"a\nERROR forged")]
    [InlineData("a\r\nb", @"a\r\nb")]
    [InlineData("a\tb", "a b")]
    [InlineData("\u001b[31mred", @"\u001b[31mred")]
    [InlineData("a\u0085b", @"a\u0085b")]
    public void Outside_text_cannot_forge_a_line(string text, string shown) => Assert.Equal(
        $"2026-02-03T04:05:06.789Z INFO  x {shown}\n", Written(LogLevel.Information, loggers => loggers.CreateLogger("x").LogInformation("{Text}", text)));

    [Fact]
    public void An_endless_message_is_cut() => Assert.Equal(
        8192 + "2026-02-03T04:05:06.789Z INFO  x …\n".Length,
        Written(LogLevel.Information, loggers => loggers.CreateLogger("x").LogInformation("{Text}", new string('a', 1_000_000))).Length);

    [Fact]
    public void An_exception_is_its_type_and_message_and_at_debug_level_its_stack_too()
    {
        void Throw(ILoggerFactory loggers)
        {
            try
            {
                throw new IOException("no space left", new InvalidOperationException("below"));
            }
            catch (IOException e)
            {
                loggers.CreateLogger("x").LogError(e, "cannot write");
            }
        }

        const string Line = "2026-02-03T04:05:06.789Z ERROR x cannot write | IOException: no space left | InvalidOperationException: below\n";
        Assert.Equal(Line, Written(LogLevel.Information, Throw));
        var full = Written(LogLevel.Debug, Throw);
        Assert.StartsWith(Line, full, StringComparison.Ordinal);
        Assert.Contains("       at ZfRepl.Hosting.Tests.Logging.LoggingTests", full, StringComparison.Ordinal);
        Assert.All(full.Split('\n').Skip(1), row => Assert.True(row.Length == 0 || row.StartsWith("    ", StringComparison.Ordinal), row));
    }

    [Fact]
    public void Parts_of_a_service_carry_its_id() => Assert.Equal(
        "2026-02-03T04:05:06.789Z INFO  edge.collector/Mailbox hello\n",
        Written(LogLevel.Information, loggers => new ServiceContext("edge.collector", loggers, Clock).Loggers.CreateLogger("ZfRepl.Collector.Mailboxes.Mailbox").LogInformation("hello")));

    [Fact]
    public void The_frameworks_own_chatter_needs_a_warning() => Assert.Equal(
        "2026-02-03T04:05:06.789Z WARN  Kestrel b\n",
        Written(LogLevel.Debug, loggers =>
        {
            loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").LogInformation("a");
            loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").LogWarning("b");
        }));

    [Fact]
    public void Level_names_are_known_in_any_case()
    {
        Assert.All(ServiceLogging.LevelNames, name => Assert.True(ServiceLogging.TryParseLevel(name, out _)));
        Assert.True(ServiceLogging.TryParseLevel("Warning", out var level));
        Assert.Equal(LogLevel.Warning, level);
        Assert.False(ServiceLogging.TryParseLevel("loud", out _));
    }

    [Fact]
    public void Lines_of_many_threads_do_not_mix()
    {
        var text = Written(LogLevel.Information, loggers =>
        {
            var logger = loggers.CreateLogger("x");
            Parallel.For(0, 2000, n => logger.LogInformation("{Number} {Filler}", n, new string('a', 200)));
        });
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2000, lines.Length);
        Assert.All(lines, line => Assert.Matches("^2026-02-03T04:05:06.789Z INFO  x [0-9]+ a{200}$", line));
    }

    private static string Written(LogLevel level, Action<ILoggerFactory> log)
    {
        using var output = new StringWriter();
        using (var loggers = ServiceLogging.Create(level, Clock, output))
        {
            log(loggers);
        }

        return output.ToString();
    }
}
