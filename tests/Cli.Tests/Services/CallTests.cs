using System.Text.Json;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Services;

/// <summary><c>zfrepl call</c> and <c>zfrepl svc call</c> against a running collector.</summary>
public sealed class CallTests(EdgeCollector collector) : IClassFixture<EdgeCollector>
{
    [Fact]
    public async Task Mailbox_list_answers_as_the_manual_says()
    {
        var list = await collector.AskAsync("mailbox.list");
        Assert.Equal(["centre", "second"], list.EnumerateArray().Select(m => m.GetProperty("name").GetString()));
        Assert.Equal(collector.Mailbox, list[0].GetProperty("path").GetString());
        Assert.False(list[1].GetProperty("enabled").GetBoolean());
    }

    [Fact]
    public async Task The_originals_spelling_works_as_well()
    {
        var run = await collector.RunAsync("svc", "call", EdgeCollector.Id, "mailbox.list");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("\"centre\"", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_block_goes_its_way_from_seal_to_delete()
    {
        await collector.CollectSomeAsync();
        await collector.AskAsync("mailbox.seal", "i=centre");
        var listed = (await collector.AskAsync("mailbox.list_blocks", "i=centre"))[0];
        var got = await collector.AskAsync("mailbox.get_block", "i=centre");
        var id = listed.GetProperty("block_id").GetString()!;
        Assert.Equal(id, got.GetProperty("block_id").GetString());
        Assert.Matches("^mbb_[0-9]+$", id);
        var path = got.GetProperty("path").GetString()!;
        Assert.Equal(new FileInfo(path).Length, listed.GetProperty("size").GetInt64());
        Assert.Contains(got.GetProperty("last").ValueKind, new[] { JsonValueKind.True, JsonValueKind.False });

        var wrongHash = await collector.CallAsync("mailbox.delete_block", "i=centre", $"block_id={id}", $"hash=!{new string('0', 64)}");
        Assert.Equal(2, wrongHash.ExitCode);
        Assert.Contains("another content than the hash says; it stays", wrongHash.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(path));

        var before = await collector.AccountAsync("centre");
        await collector.AskAsync("mailbox.delete_block", "i=centre", $"block_id={id}", $"hash=!{got.GetProperty("hash").GetString()}");
        Assert.False(File.Exists(path));
        var after = await collector.AccountAsync("centre");
        Assert.Equal(
            before.GetProperty("delivered_events").GetUInt64() + got.GetProperty("events").GetUInt64(), after.GetProperty("delivered_events").GetUInt64());
        Assert.Equal(before.GetProperty("lost_events").GetUInt64(), after.GetProperty("lost_events").GetUInt64());
        var gone = await collector.CallAsync("mailbox.delete_block", "i=centre", $"block_id={id}");
        Assert.Equal(3, gone.ExitCode);
    }

    [Fact]
    public async Task A_block_that_is_deleted_without_proof_is_booked_as_lost()
    {
        await collector.CollectSomeAsync();
        var block = await collector.AskAsync("mailbox.get_block", "i=centre");
        var before = await collector.AccountAsync("centre");
        await collector.AskAsync("mailbox.delete_block", "i=centre", $"block_id={block.GetProperty("block_id").GetString()}");
        var after = await collector.AccountAsync("centre");
        Assert.Equal(before.GetProperty("lost_events").GetUInt64() + block.GetProperty("events").GetUInt64(), after.GetProperty("lost_events").GetUInt64());
        AssertBalanced(after);
    }

    [Fact]
    public async Task An_empty_mailbox_has_no_block()
    {
        var run = await collector.CallAsync("mailbox.get_block", "i=second");
        Assert.Equal((0, "", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task A_mailbox_collects_while_it_is_enabled()
    {
        await collector.AskAsync("mailbox.enable", "i=second");
        await collector.CollectSomeAsync("second");
        await collector.AskAsync("mailbox.disable", "i=second");
        var stopped = (await collector.AccountAsync("second")).GetProperty("accepted_events").GetUInt64();
        await collector.CollectSomeAsync("centre", count: 20);
        Assert.Equal(stopped, (await collector.AccountAsync("second")).GetProperty("accepted_events").GetUInt64());
    }

    [Fact]
    public async Task Test_and_info_answer()
    {
        var test = await collector.CallAsync("test");
        Assert.Equal((0, "", ""), (test.ExitCode, test.Output, test.Error));
        var methods = (await collector.AskAsync("info")).GetProperty("methods");
        foreach (var name in new[] { "mailbox.list", "mailbox.get_block", "mailbox.delete_block", "mailbox.rotate", "test", "info", "stop", "health", "status" })
        {
            Assert.True(methods.TryGetProperty(name, out _), name);
        }
    }

    [Theory]
    [InlineData(3, "there is no mailbox nope; mailbox.list names them", "mailbox.list_blocks", "i=nope")]
    [InlineData(2, "unknown method `mailbox.lst`", "mailbox.lst")]
    [InlineData(2, "the parameter `i` is missing: mailbox name", "mailbox.seal")]
    [InlineData(2, "unknown parameter `mailbox` (", "mailbox.seal", "mailbox=centre")]
    [InlineData(2, "the parameter `i` is true, expected a text; write !true or !false", "mailbox.seal", "i=true")]
    [InlineData(3, "there is no mailbox true", "mailbox.seal", "i=!true")]
    [InlineData(3, "there is no mailbox 7", "mailbox.seal", "i=007")]
    [InlineData(2, "'centre' is not of the form name=value", "mailbox.seal", "centre")]
    [InlineData(2, "i is given twice", "mailbox.seal", "i=a", "i=b")]
    [InlineData(2, "there is no terminal to ask for the value", "mailbox.seal", "i=<<")]
    [InlineData(2, "none.yml", "mailbox.seal", "i=@none.yml")]
    [InlineData(3, "there is no block mbb_1", "mailbox.delete_block", "i=centre", "block_id=mbb_1")]
    public async Task A_wrong_call_says_what_is_wrong_in_one_line(int exitCode, string message, params string[] arguments)
    {
        var run = await collector.CallAsync(arguments);
        Assert.Equal((exitCode, ""), (run.ExitCode, run.Output));
        Assert.StartsWith("zfrepl: ", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_does_not_run_is_unreachable_and_those_that_do_are_named()
    {
        var run = await collector.RunAsync("call", "test.nobody", "test");
        Assert.Equal(69, run.ExitCode);
        Assert.EndsWith($"services there: {EdgeCollector.Id}", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_services_is_unreachable()
    {
        var run = await collector.RunAsync("call", EdgeCollector.Id, "test", "--bus", "elsewhere/bus.ipc");
        Assert.Equal(69, run.ExitCode);
        Assert.Contains($"no service runs in {Path.Combine(collector.Folder, "elsewhere")} (there is no such folder; --bus names the folder of bus.path)", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bus_may_be_named_by_its_path_or_its_folder()
    {
        foreach (var bus in new[] { Path.Combine(collector.Folder, "var", "bus.ipc"), Path.Combine(collector.Folder, "var") })
        {
            var run = await ZfReplProgram.RunAsync("/", "call", EdgeCollector.Id, "test", "--bus", bus);
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
        }
    }

    [Fact]
    public async Task A_second_process_of_the_same_service_is_told_to_try_later()
    {
        var run = await collector.RunAsync("run", "collector.yml");
        Assert.Equal(75, run.ExitCode);
        Assert.Contains("already runs here", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_collector_in_the_same_spool_is_told_to_take_another_one()
    {
        await File.WriteAllTextAsync(Path.Combine(collector.Folder, "other.yml"), $$"""
            id: other.collector
            system_name: edge1
            config:
              collector:
                path: {{Path.GetDirectoryName(collector.Mailbox)}}
                mailboxes: { third: {} }
                sources: { beat: { kind: generator, oid: sensor:other } }
            """);
        var run = await collector.RunAsync("run", "other.yml");
        Assert.Equal(75, run.ExitCode);
        Assert.Contains("is in use by another collector", run.Error, StringComparison.Ordinal);
        Assert.Contains("give each collector a `path` of its own", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_shows_accounts_and_health()
    {
        await collector.CollectSomeAsync();
        var run = await collector.RunAsync("status");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches($@"(?m)^\s+{EdgeCollector.Id}\s+collector\s+ok", run.Output);
        Assert.Matches(@"(?m)^\s+centre\s+[\d,]+\s+[\d,]+\s+[\d,]+\s+[\d,]+\s+0\s+", run.Output);
        Assert.Matches(@"(?m)^\s+second \(disabled\)\s+", run.Output);
    }

    [Fact]
    public async Task Status_as_JSON_balances_exactly()
    {
        var run = await collector.RunAsync("status", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using var document = JsonDocument.Parse(run.Output);
        var service = Assert.Single(document.RootElement.EnumerateArray());
        Assert.Equal(EdgeCollector.Id, service.GetProperty("id").GetString());
        Assert.Equal("ok", service.GetProperty("health").GetProperty("state").GetString());
        Assert.All(service.GetProperty("status").GetProperty("mailboxes").EnumerateArray(), AssertBalanced);
    }

    [Fact]
    public async Task Status_where_nothing_runs_is_unreachable()
    {
        var run = await collector.RunAsync("status", "--bus", "elsewhere/bus.ipc");
        Assert.Equal((69, ""), (run.ExitCode, run.Output));
        Assert.Single(run.ErrorLines);
    }

    [Fact]
    public async Task Status_in_the_folder_above_names_the_one_that_was_meant()
    {
        var run = await collector.RunAsync("status", "--bus", collector.Folder);
        Assert.Equal((69, ""), (run.ExitCode, run.Output));
        Assert.EndsWith($"--bus {Path.Combine(collector.Folder, "var")})", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    private static void AssertBalanced(JsonElement mailbox)
    {
        ulong Of(string name) => mailbox.GetProperty(name).GetUInt64();
        Assert.Equal(Of("accepted_events"), Of("delivered_events") + Of("backlog_events") + Of("lost_events") + Of("quarantined_events"));
    }
}
