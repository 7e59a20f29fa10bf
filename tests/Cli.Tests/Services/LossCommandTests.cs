using System.Text.Json;

namespace ZfRepl.Cli.Tests.Services;

/// <summary>Commands over the loss ledger and the quarantine, against a running collector.</summary>
public sealed class LossCommandTests(EdgeCollector edge) : IClassFixture<EdgeCollector>
{
    [Fact]
    public async Task Rotate_asks_and_what_it_deletes_is_in_the_ledger()
    {
        await edge.CollectSomeAsync();
        var before = await edge.AccountAsync("centre");

        // Without a terminal there is nobody to ask, and nothing is done.
        var refused = await edge.CallAsync("mailbox.rotate", "i=centre");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--yes", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before.GetProperty("lost_events").GetUInt64(), (await edge.AccountAsync("centre")).GetProperty("lost_events").GetUInt64());

        var done = await edge.CallAsync("mailbox.rotate", "i=centre", "--yes");
        Assert.Equal((0, ""), (done.ExitCode, done.Error));
        var lost = (await edge.AccountAsync("centre")).GetProperty("lost_events").GetUInt64();
        Assert.True(lost >= 5);
        using var listed = JsonDocument.Parse((await edge.RunAsync("loss", "ls", "--json", "--bus", "var")).Output);
        Assert.Equal(
            lost,
            listed.RootElement.EnumerateArray().Where(l => l.GetProperty("reason").GetString() == "deleted").Aggregate(0UL, (sum, l) => sum + l.GetProperty("events").GetUInt64()));
        var table = await edge.RunAsync("loss", "ls", "--bus", "var");
        Assert.Contains("an operator deleted the block", table.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_in_quarantine_is_listed_shown_exported_and_removed_and_cannot_be_retried_here()
    {
        var folder = Path.Combine(edge.Folder, "spool", ".quarantine");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "mbb_5"), "no block");
        Assert.Contains("mbb_5", (await edge.RunAsync("quarantine", "ls", "--bus", "var")).Output, StringComparison.Ordinal);
        var retried = await edge.RunAsync("quarantine", "retry", "mbb_5", "--bus", "var");
        Assert.Equal(1, retried.ExitCode);
        Assert.Contains("code -32006", retried.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await edge.RunAsync("quarantine", "export", "mbb_5", "out", "--bus", "var")).ExitCode);
        Assert.Equal("no block", await File.ReadAllTextAsync(Path.Combine(edge.Folder, "out")));
        Assert.Equal(2, (await edge.RunAsync("quarantine", "rm", "mbb_5", "--bus", "var")).ExitCode);
        Assert.Equal(0, (await edge.RunAsync("quarantine", "rm", "mbb_5", "--bus", "var", "--yes")).ExitCode);
        Assert.Equal(3, (await edge.RunAsync("quarantine", "show", "mbb_5", "--bus", "var")).ExitCode);
    }

    [Fact]
    public async Task A_block_is_verified_by_the_service_that_has_it()
    {
        await edge.CollectSomeAsync();
        await edge.AskAsync("mailbox.seal", "i=centre");
        var id = (await edge.AskAsync("mailbox.list_blocks", "i=centre"))[0].GetProperty("block_id").GetString();
        var report = await edge.AskAsync("block.verify", "i=centre", $"block_id={id}");
        Assert.Equal("intact", report.GetProperty("state").GetString());
        Assert.True(report.GetProperty("events").GetInt64() > 0);
    }
}
