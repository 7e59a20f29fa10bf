using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.Standalone.Tests;

/// <summary><c>process_dir</c> of a running standalone service, called as an operator does.</summary>
public sealed class ProcessDirTests : IAsyncLifetime, IAsyncDisposable
{
    private const string Id = "test.standalone";

    private readonly TempFolder _folder = new();
    private ExternalProcess? _process;

    private string Stick => _folder["stick"];

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder["standalone.yml"], $$"""
            id: {{Id}}
            system_name: centre
            config:
              standalone:
                path: target
                json_lines: lines/events.jsonl
            """);
        await StartAsync();
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task A_folder_is_imported_whole_and_left_as_it_is()
    {
        var blocks = new CarriedBlocks(Stick);
        string[] files = [blocks.Write(), blocks.Write(frames: 1), blocks.Write()];
        var report = await ImportAsync("node=edge1");
        Assert.Equal((3, 0, 0, 0), Counts(report));
        Assert.Equal((45, 45), (report.GetProperty("events").GetInt32(), report.GetProperty("new_events").GetInt32()));
        Assert.All(files, f => Assert.True(File.Exists(f)));
        await AssertAccountAsync(received: 45, missing: 0);
        AssertLines(45);
    }

    [Fact]
    public async Task A_second_import_adds_nothing_also_after_a_restart()
    {
        var blocks = new CarriedBlocks(Stick);
        blocks.Write();
        blocks.Write();
        await ImportAsync("node=edge1");
        var again = await ImportAsync("node=edge1");
        Assert.Equal((2, 2, 0, 0), Counts(again));
        Assert.Equal(0, again.GetProperty("new_events").GetInt32());
        Assert.Equal(0, await _process!.TerminateAsync());
        await StartAsync();
        Assert.Equal((2, 2, 0, 0), Counts(await ImportAsync("node=edge1")));
        await AssertAccountAsync(received: 40, missing: 0);
        AssertLines(40);
    }

    [Fact]
    public async Task While_it_runs_others_can_see_how_far_it_is_and_nobody_imports_the_folder_a_second_time()
    {
        var blocks = new CarriedBlocks(Stick);
        string[] files = [blocks.Write(), blocks.Write()];
        var bytes = files.Sum(f => new FileInfo(f).Length);
        using var service = new RpcClient(_folder["var", $"{Id}.sock"]);
        _ = SqliteHistory.LibraryVersion;
        await using var other = new SqliteConnection($"Data Source={_folder["target", "history.db"]};Pooling=False");
        await other.OpenAsync();
        await using var transaction = other.BeginTransaction(System.Data.IsolationLevel.Serializable);
        await using var running = ZfReplProgram.Begin(_folder.Path, "call", Id, "process_dir", $"path={Stick}", "node=edge1", "--progress", "0.1");
        await Eventually.TrueAsync(async () => (await ListAsync()).GetArrayLength() == 1, "it runs");
        var run = (await ListAsync())[0];
        Assert.Equal(("running", Stick), (run.GetProperty("state").GetString(), run.GetProperty("path").GetString()));
        await Eventually.TrueAsync(async () => (await ListAsync())[0].TryGetProperty("total_files", out _), "the folder is listed");
        run = (await ListAsync())[0];
        Assert.Equal((0, 2), (run.GetProperty("done_files").GetInt64(), run.GetProperty("total_files").GetInt64()));
        Assert.Equal((0, bytes, 0), (run.GetProperty("done_bytes").GetInt64(), run.GetProperty("total_bytes").GetInt64(), run.GetProperty("percent").GetInt64()));
        var second = await service.CallAsync("process_dir", new JsonObject { ["path"] = Stick + "/", ["node"] = "any" }, TimeSpan.FromSeconds(20));
        var refused = Assert.IsType<RpcReply.RemoteError>(second);
        Assert.Equal(RpcErrorCode.Busy, refused.Code);
        Assert.Equal($"path: {Stick}/ is being imported at this moment; process.list shows how far it is", refused.Message);
        await running.WaitForLineAsync($"importing {Stick} 0 % | 0 of 2 files");
        await transaction.RollbackAsync();
        var ended = await running.WaitForRunAsync();
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains(ended.ErrorLines, l => l.StartsWith($"zfrepl: importing {Stick} 0 % | 0 of 2 files | 0 events, ", StringComparison.Ordinal));
        using var report = JsonDocument.Parse(ended.Output);
        Assert.Equal((2, 0, 0, 0), Counts(report.RootElement));
        var done = Assert.Single((await ListAsync()).EnumerateArray());
        Assert.Equal(("done", 2, bytes, 40), (done.GetProperty("state").GetString(), done.GetProperty("done_files").GetInt64(), done.GetProperty("done_bytes").GetInt64(), done.GetProperty("events").GetInt64()));

        async Task<JsonElement> ListAsync() =>
            Assert.IsType<RpcReply.Value>(await service.CallAsync("process.list", null, TimeSpan.FromSeconds(20))).Result;
    }

    [Fact]
    public async Task Delete_removes_what_is_imported_and_nothing_else()
    {
        var blocks = new CarriedBlocks(Stick);
        string[] files = [blocks.Write(), blocks.Write()];
        var open = blocks.Write(seal: false);
        await File.WriteAllTextAsync(Path.Combine(Stick, "notes.txt"), "of somebody");
        Directory.CreateDirectory(Path.Combine(Stick, "folder"));
        var report = await ImportAsync("node=edge1", "delete=true");
        Assert.Equal((2, 0, 1, 0), Counts(report));
        Assert.All(files, f => Assert.False(File.Exists(f)));
        Assert.Equal(
            ["folder", Path.GetFileName(open), "notes.txt"], Directory.EnumerateFileSystemEntries(Stick).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("foreign", FileOf(report, "notes.txt").GetProperty("outcome").GetString());
        await AssertAccountAsync(received: blocks.Events, missing: 0);
    }

    [Fact]
    public async Task A_damaged_block_goes_to_quarantine_and_the_rest_is_imported()
    {
        var blocks = new CarriedBlocks(Stick);
        blocks.Write();
        var damaged = blocks.Write();
        blocks.Write();
        CarriedBlocks.Damage(damaged);
        var report = await ImportAsync("node=edge1", "delete=true");
        Assert.Equal((2, 0, 1, 0), Counts(report));
        var file = FileOf(report, Path.GetFileName(damaged));
        Assert.Equal(("partial", "quarantined"), (file.GetProperty("outcome").GetString(), file.GetProperty("fate").GetString()));
        Assert.Matches(@"events applied, \d+ missing; damage at offset \d+: .+; it is now .+", file.GetProperty("detail").GetString()!);
        Assert.Empty(Directory.EnumerateFiles(Stick));
        var kept = Assert.Single(Directory.EnumerateFiles(_folder["target", "quarantine"], "*"), f => !f.EndsWith(".json", StringComparison.Ordinal));
        Assert.Equal(4, (await ZfReplProgram.RunAsync("/", "block", "verify", kept)).ExitCode);
        await AssertAccountAsync(received: 55, missing: 5);
        AssertLines(55);
    }

    [Fact]
    public async Task A_damaged_block_stays_when_nothing_is_to_be_deleted()
    {
        var blocks = new CarriedBlocks(Stick);
        var damaged = blocks.Write();
        CarriedBlocks.Damage(damaged);
        var report = await ImportAsync("node=edge1");
        Assert.Equal((0, 0, 1, 0), Counts(report));
        Assert.True(File.Exists(damaged));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["target", "quarantine"]));
    }

    [Fact]
    public async Task What_was_missing_arrives_with_the_intact_copy()
    {
        var blocks = new CarriedBlocks(Stick);
        var path = blocks.Write();
        var intact = await File.ReadAllBytesAsync(path);
        CarriedBlocks.Damage(path);
        await ImportAsync("node=edge1", "delete=true");
        await AssertAccountAsync(received: 15, missing: 5);
        await File.WriteAllBytesAsync(path, intact);
        Assert.Equal((1, 0, 0, 0), Counts(await ImportAsync("node=edge1", "delete=true")));
        await AssertAccountAsync(received: 20, missing: 0);
        AssertLines(20);
    }

    [Fact]
    public async Task Blocks_of_another_node_are_refused_and_stay_unless_the_node_is_any()
    {
        var path = new CarriedBlocks(Stick, node: "edge2").Write();
        var refused = await ImportAsync("node=edge1", "delete=true");
        Assert.Equal((0, 0, 0, 1), Counts(refused));
        Assert.True(File.Exists(path));
        Assert.Equal((1, 0, 0, 0), Counts(await ImportAsync("node=any")));
    }

    [Theory]
    [InlineData(3, "none", "node=edge1", "path=/none/at/all")]
    [InlineData(2, "'stick' is not absolute", "node=edge1", "path=stick")]
    [InlineData(2, "the parameter `node` is missing", "path=/tmp")]
    [InlineData(2, "the parameter `path` is missing", "node=edge1")]
    [InlineData(2, "the parameter `delete` is 1, expected true or false", "path=/tmp", "node=edge1", "delete=1")]
    public async Task A_wrong_call_says_what_is_wrong(int exitCode, string message, params string[] parameters)
    {
        var run = await CallAsync(["process_dir", .. parameters]);
        Assert.Equal((exitCode, ""), (run.ExitCode, run.Output));
        Assert.Contains(message, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    private async Task StartAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _process = await ZfReplProgram.StartAsync(_folder.Path, "standalone.yml");
    }

    private Task<ProgramRun> CallAsync(params string[] arguments) => ZfReplProgram.RunAsync(_folder.Path, ["call", Id, .. arguments]);

    private async Task<JsonElement> AskAsync(params string[] arguments)
    {
        var run = await CallAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using var document = JsonDocument.Parse(run.Output);
        return document.RootElement.Clone();
    }

    private static string Blocks(long count) => count == 1 ? "1 block" : $"{count} blocks";

    /// <summary>Imports the stick; the exit code has to tell whether all of it was taken.</summary>
    private async Task<JsonElement> ImportAsync(params string[] parameters)
    {
        var run = await CallAsync(["process_dir", $"path={Stick}", .. parameters]);
        using var document = JsonDocument.Parse(run.Output);
        var (_, _, partial, refused) = Counts(document.RootElement);
        Assert.Equal(partial + refused == 0 ? 0 : 4, run.ExitCode);
        Assert.Equal(partial + refused == 0 ? "" : $"zfrepl: not all is imported: in part {Blocks(partial)}, damaged or still being written; not at all {Blocks(refused)}; `files` says why\n", run.Error);
        return document.RootElement.Clone();
    }

    private static (int Applied, int AlreadyApplied, int Partial, int Refused) Counts(JsonElement report)
    {
        int Of(string name) => report.GetProperty(name).GetInt32();
        return (Of("applied"), Of("already_applied"), Of("partial"), Of("refused"));
    }

    private static JsonElement FileOf(JsonElement report, string name) =>
        report.GetProperty("files").EnumerateArray().Single(f => f.GetProperty("name").GetString() == name);

    private async Task AssertAccountAsync(ulong received, ulong missing)
    {
        var stream = (await AskAsync("status")).GetProperty("streams").EnumerateArray().Single();
        Assert.Equal(("edge1", "centre"), (stream.GetProperty("node").GetString(), stream.GetProperty("mailbox").GetString()));
        Assert.Equal((received, missing), (stream.GetProperty("received").GetUInt64(), stream.GetProperty("missing").GetUInt64()));
    }

    /// <summary>Every event is there once: none is missing, none twice.</summary>
    private void AssertLines(int count)
    {
        var lines = File.ReadAllLines(_folder["lines", "events.jsonl"]);
        Assert.Equal(count, lines.Length);
        Assert.Equal(count, lines.Distinct(StringComparer.Ordinal).Count());
    }
}
