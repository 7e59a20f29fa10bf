using System.Text.Json;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Blocks;

/// <summary><c>zfrepl block verify</c> across files. Each block alone is intact in all of these.</summary>
public sealed class BlocksTogetherTests : IDisposable
{
    private const int FrameEvents = 5;
    private static readonly StreamId Stream = new(0x1122_3344_5566_7788, 1);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Blocks_that_follow_each_other_are_nothing_to_speak_of()
    {
        Write("a", 1, 1, 4);
        Write("a", 2, 21, 4);
        Write("a", 1, 1, 2, stream: new StreamId(5, 5));
        Assert.Equal((0, 0), await FindAsync(_folder["a"]));
    }

    [Fact]
    public async Task Numbers_between_two_blocks_are_a_note_since_delivered_blocks_are_deleted()
    {
        Write("a", 1, 1, 2);
        Write("a", 4, 31, 2);
        var (code, findings) = await RunAsync(_folder["a"]);
        var hole = Assert.Single(findings);
        Assert.Equal((0, "hole", false), (code, Text(hole, "kind"), hole.GetProperty("is_damage").GetBoolean()));
        Assert.Contains("11 to 30 are in no block here, 20 events", Text(hole, "text"), StringComparison.Ordinal);
        Assert.Contains("deleted", Text(hole, "remedy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_that_is_there_twice_with_different_content_is_damage_and_a_copy_is_not()
    {
        var first = Write("a", 1, 1, 2);
        Directory.CreateDirectory(_folder["b"]);
        File.Copy(first, Path.Combine(_folder["b"], "mbb_7"));
        var (copied, notes) = await RunAsync(_folder["a"], _folder["b"]);
        Assert.Equal((0, "copy"), (copied, Text(Assert.Single(notes), "kind")));

        Write("c", 1, 1, 2, value: 500);
        var (code, findings) = await RunAsync(_folder["a"], _folder["c"]);
        var twice = Assert.Single(findings);
        Assert.Equal((4, "number_twice", first), (code, Text(twice, "kind"), Text(twice, "other")));
        Assert.NotEmpty(Text(twice, "remedy"));
    }

    [Theory]
    [InlineData(0, "repeated", 0)]
    [InlineData(500, "overlap", 4)]
    public async Task The_same_sequence_numbers_in_two_blocks_are_damage_where_the_events_differ(int value, string kind, int exitCode)
    {
        Write("a", 1, 1, 4);
        Write("a", 2, 11, 4, value: value);
        var (code, findings) = await RunAsync(_folder["a"]);
        var found = Assert.Single(findings);
        Assert.Equal((exitCode, kind), (code, Text(found, "kind")));
        Assert.Contains("11 to 20", Text(found, "text"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "left_over", 0)]
    [InlineData(500, "number_twice", 4)]
    public async Task An_open_file_beside_its_closed_one_is_a_note_unless_it_holds_something_else(int value, string kind, int exitCode)
    {
        Write("a", 1, 1, 4);
        Write("a", 1, 1, 2, value: value, seal: false, name: 3);
        var (code, findings) = await RunAsync(_folder["a"]);
        Assert.Equal((exitCode, kind), (code, Text(Assert.Single(findings), "kind")));
    }

    [Fact]
    public async Task A_block_of_another_stream_than_the_books_beside_it_is_damage_and_books_that_cannot_be_read_are_said()
    {
        var block = Write("a", 1, 1, 2);
        Assert.True(CheckedJsonFile.Write(DiskStorage.Instance, Path.Combine(_folder["a"], "mailbox.state"), new { Stream = Stream.ToString() }).IsOk);
        Assert.Equal((0, 0), await FindAsync(_folder["a"]));

        var other = Write("a", 1, 1, 2, stream: new StreamId(5, 5), name: 9);
        var run = await ZfReplProgram.RunAsync("/", "block", "verify", _folder["a"]);
        Assert.Equal(4, run.ExitCode);
        Assert.Equal([$"{block}: intact: 10 events readable", $"{other}: intact: 10 events readable"], run.Lines.Where(l => !l.StartsWith(' ')));
        Assert.Contains(run.Lines, l => l.StartsWith("  damaged: it is of stream", StringComparison.Ordinal) && l.EndsWith("mailbox.state", StringComparison.Ordinal));
        Assert.Contains(run.Lines, l => l.StartsWith("    remedy: ", StringComparison.Ordinal));

        File.WriteAllText(Path.Combine(_folder["a"], "mailbox.state"), "{}\n00000000\n");
        var damaged = await ZfReplProgram.RunAsync("/", "block", "verify", _folder["a"]);
        Assert.Equal(4, damaged.ExitCode);
        Assert.Contains("books are damaged", Assert.Single(damaged.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_spool_is_no_mailbox_and_is_not_called_verified()
    {
        Write("a", 1, 1, 2);
        var run = await ZfReplProgram.RunAsync("/", "block", "verify", Path.GetDirectoryName(_folder["a"])!);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"each mailbox has a folder of its own, such as {_folder["a"]}", run.Error, StringComparison.Ordinal);
    }

    private static string Text(JsonElement finding, string name) => finding.GetProperty(name).GetString()!;

    private static async Task<(int Code, List<JsonElement> Findings)> RunAsync(params string[] paths)
    {
        var run = await ZfReplProgram.RunAsync("/", ["block", "verify", "--json", .. paths]);
        var blocks = JsonDocument.Parse(run.Output).RootElement.EnumerateArray().ToList();
        Assert.All(blocks, b => Assert.Contains(b.GetProperty("state").GetString(), (string[])["intact", "open"]));
        return (run.ExitCode, [.. blocks.Where(b => b.TryGetProperty("findings", out _)).SelectMany(b => b.GetProperty("findings").EnumerateArray())]);
    }

    private static async Task<(int Code, int Findings)> FindAsync(params string[] paths)
    {
        var (code, findings) = await RunAsync(paths);
        return (code, findings.Count);
    }

    /// <summary>Writes a block of frames of five events.</summary>
    private string Write(string folder, ulong index, ulong sequence, int frames, int value = 0, StreamId? stream = null, bool seal = true, long? name = null)
    {
        Directory.CreateDirectory(_folder[folder]);
        var id = stream ?? Stream;
        var header = new BlockHeader(id, index, sequence, 1, "edge1", "centre");
        name ??= (long)(index + (id == Stream ? 0UL : 100UL));
        using var block = BlockAppender.Create(DiskStorage.Instance, _folder[folder], new BlockName(name.Value), header).Value;
        for (var frame = 0; frame < frames; frame++)
        {
            var first = sequence + (ulong)(frame * FrameEvents);
            var batch = new EventBatch(new OidTable(), FrameEvents);
            var builder = new EventFrameBuilder();
            for (var i = 0; i < FrameEvents; i++)
            {
                var number = first + (ulong)i;
                batch.Add(new TelemetryEvent(Oid.Parse("sensor:plant/a"), (long)number, 1, 0, TelemetryValue.From((long)number + value), new Ieid(7, number)));
                builder.Append(batch, i);
            }

            var output = new ByteWriter();
            builder.Finish(output, id.High, first, (ushort)frame);
            FrameHeader.MarkCommitEnd(output.Patch(0, FrameHeader.SizeBytes));
            var stats = new FrameStats(1, FrameEvents, first + FrameEvents, (long)first, (long)first + FrameEvents - 1);
            Assert.True(block.Append(output.Written, stats).IsOk);
        }

        Assert.True(block.Sync().IsOk);
        if (!seal)
        {
            return block.OpenPath;
        }

        Assert.True(block.Seal().IsOk);
        return block.SealedPath;
    }
}
