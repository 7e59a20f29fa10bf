using ZfRepl.Cli.Progress;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Progress;

/// <summary>Long work as text: what a line says, and when there is one.</summary>
public sealed class ProgressTextTests
{
    private static readonly WorkView Some = new("filling centre")
    {
        Percent = 45.4,
        Events = 1_234_567,
        Bytes = 12_345_678,
        EventsPerSecond = 5000.4,
        BytesPerSecond = 512_000,
        RemainingSeconds = 125,
    };

    [Fact]
    public void A_line_has_all_that_is_known()
    {
        Assert.Equal("filling centre 45 % | 1,234,567 events, 5,000/s | 12.3 MB, 512 kB/s | about 2 min 5 s left", ProgressText.Line(Some));
        Assert.Equal(
            "filling centre | 3 of 1,000 files | 1,234,567 events, 5,000/s | 12.3 MB, 512 kB/s | about 2 min 5 s left | waits",
            ProgressText.Beside(Some with { Done = 3, Total = 1000, Unit = "files", Note = "waits" }));
        Assert.Equal("x | 7 blocks | 0 events, 0/s | 0 B, 0 B/s", ProgressText.Line(new WorkView("x") { Done = 7 }));
    }

    [Theory]
    [InlineData(200, "filling centre | 3 of 1,000 files | 1,234,567 events, 5,000/s | 12.3 MB, 512 kB/s | about 2 min 5 s left | waits")]
    [InlineData(95, "filling centre | 3 of 1,000 files | 1,234,567 events, 5,000/s | about 2 min 5 s left | waits")]
    [InlineData(70, "filling centre | 3 of 1,000 files | about 2 min 5 s left | waits")]
    [InlineData(55, "3 of 1,000 files | about 2 min 5 s left | waits")]
    [InlineData(10, "3 of 1,00…")]
    public void On_a_narrow_terminal_a_line_says_what_matters_most(int cells, string expected) =>
        Assert.Equal(expected, ProgressText.Beside(Some with { Done = 3, Total = 1000, Unit = "files", Note = "waits" }, cells));

    [Fact]
    public void Without_a_count_of_parts_the_time_left_stays_too() =>
        Assert.Equal("about 2 min 5 s left", ProgressText.Beside(Some, 20));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.0 kB")]
    [InlineData(99_400, "99.4 kB")]
    [InlineData(999_600, "1.0 MB")]
    [InlineData(5e15, "5000 TB")]
    public void Bytes_are_short(double bytes, string text) => Assert.Equal(text, ProgressText.Bytes(bytes));

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(59.2, "1 min 0 s")]
    [InlineData(7199, "1 h 59 min")]
    [InlineData(90_000, "1 d 1 h")]
    public void A_time_has_two_units(double seconds, string text) => Assert.Equal(text, ProgressText.Time(seconds));

    [Fact]
    public void There_is_a_line_every_ten_seconds_and_none_for_short_work()
    {
        var time = new ManualTime();
        using var output = new StringWriter();
        var lines = new ProgressLines(output, time, ProgressLines.UsualInterval);
        for (var i = 0; i < 19; i++)
        {
            lines.Show(Some);
            time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.Equal("", output.ToString());
        for (var i = 0; i < 42; i++)
        {
            lines.Show(Some);
            time.Advance(TimeSpan.FromMilliseconds(500));
        }

        var written = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, written.Length);
        Assert.All(written, line => Assert.StartsWith("zfrepl: filling centre 45 % | ", line, StringComparison.Ordinal));
    }
}
