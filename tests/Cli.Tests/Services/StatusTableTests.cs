using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace ZfRepl.Cli.Tests.Services;

/// <summary>Tables of `zfrepl status` on consoles of all widths.</summary>
public sealed class StatusTableTests
{
    [Fact]
    public void Where_there_is_room_it_is_a_table()
    {
        var text = Print(120);
        Assert.Contains(text.Split('\n'), l => l.Contains("edge1", StringComparison.Ordinal) && l.Contains("1,234,567,890", StringComparison.Ordinal));
    }

    [Fact]
    public void On_a_narrow_console_each_value_has_its_line_and_no_number_is_broken()
    {
        var lines = Print(40).Split('\n');
        Assert.All(lines, l => Assert.InRange(l.TrimEnd().Length, 0, 40));
        Assert.Contains(lines, l => l.Contains("known already", StringComparison.Ordinal) && l.Contains("1,234,567,890", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("last contact", StringComparison.Ordinal) && l.Contains("2026-11-27T01:54:38Z", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains("left", StringComparison.Ordinal));
    }

    [Fact]
    public void A_loss_of_which_nobody_knows_how_much_it_is_stands_there_too()
    {
        var stream = JsonDocument.Parse(
            """
            {"losses": [
              {"reason": "expired", "events": 5, "exact": true},
              {"reason": "dropped", "events": 0, "exact": true},
              {"reason": "source_gap", "events": 0, "exact": false}]}
            """).RootElement;
        Assert.Equal("5 expired, at least 0 source_gap", StatusTables.Losses(stream));
    }

    private static string Print(int width)
    {
        var table = new StatusTable("fetches from", "known already", "left", "last contact");
        table.AddRow("edge1", "[red]1,234,567,890[/]", "", "2026-11-27T01:54:38Z");
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = width;
        table.Write(console);
        return text.ToString();
    }
}
