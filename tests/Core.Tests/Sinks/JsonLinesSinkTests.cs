using System.Text.Json;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.History;
using ZfRepl.Core.Tests.Import;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Sinks;

/// <summary>Lines in a file, each event once.</summary>
public sealed class JsonLinesSinkTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string LinesPath => _folder["events.jsonl"];

    [Fact]
    public async Task Events_become_lines_with_all_that_is_known_of_them()
    {
        using (var sink = Open())
        {
            Assert.Null(await ServeAsync(sink, 1, 2));
        }

        var lines = await File.ReadAllLinesAsync(LinesPath);
        Assert.Equal(
            """{"oid":"sensor:plant/s1","status":1,"value":0.5,"t":1700000000.001,"ieid":[3,1],"kind":"Double","quality":0,"flags":0}""", lines[0]);
        Assert.Equal(2, lines.Length);
    }

    [Fact]
    public async Task A_block_that_is_served_again_leaves_no_line_twice_also_after_a_restart()
    {
        for (var i = 0; i < 3; i++)
        {
            using var sink = Open();
            Assert.Null(await ServeAsync(sink, 1, 10));
            Assert.Null(await ServeAsync(sink, 6, 20));
            Assert.Null(await ServeAsync(sink, 1, 5, stream: new StreamId(9, 9)));
        }

        Assert.Equal(25, (await File.ReadAllLinesAsync(LinesPath)).Length);
    }

    [Fact]
    public async Task Lines_of_a_block_that_was_not_completed_are_cut_off_at_the_next_start()
    {
        using (var sink = Open())
        {
            Assert.Null(await ServeAsync(sink, 1, 10));
            Assert.Null(await sink.DeliverAsync(Batch(11, 20), CancellationToken.None));
        }

        Assert.Equal(20, (await File.ReadAllLinesAsync(LinesPath)).Length);
        await File.AppendAllTextAsync(LinesPath, "{\"oid\":\"half a li");
        using (var sink = Open())
        {
            Assert.Equal(10, (await File.ReadAllLinesAsync(LinesPath)).Length);
            Assert.Null(await ServeAsync(sink, 11, 20));
        }

        Assert.Equal(Expected(1, 20), await CountersAsync());
    }

    [Fact]
    public async Task A_block_that_was_given_up_leaves_nothing_when_another_stream_comes()
    {
        using var sink = Open();
        Assert.Null(await sink.DeliverAsync(Batch(1, 10), CancellationToken.None));
        Assert.Null(await ServeAsync(sink, 1, 3, stream: new StreamId(9, 9)));
        Assert.Equal(Expected(1, 3), await CountersAsync());
        Assert.Null(await ServeAsync(sink, 1, 10));
        Assert.Equal([.. Expected(1, 3), .. Expected(1, 10)], await CountersAsync());
    }

    [Fact]
    public async Task A_block_that_is_served_again_from_its_start_before_it_was_completed_stands_once()
    {
        using var sink = Open();
        Assert.Null(await sink.DeliverAsync(Batch(1, 10), CancellationToken.None));
        Assert.Null(await ServeAsync(sink, 1, 15));
        Assert.Equal(Expected(1, 15), await CountersAsync());
    }

    [Fact]
    public async Task A_file_that_was_there_is_kept_and_its_last_line_is_ended()
    {
        await File.WriteAllTextAsync(LinesPath, "somebody's line");
        using var sink = Open();
        Assert.Null(await ServeAsync(sink, 1, 1));
        var lines = await File.ReadAllLinesAsync(LinesPath);
        Assert.Equal("somebody's line", lines[0]);
        Assert.Equal(2, lines.Length);
    }

    [Fact]
    public async Task A_file_that_was_rotated_away_goes_on_empty_without_repeating_lines()
    {
        using (var sink = Open())
        {
            Assert.Null(await ServeAsync(sink, 1, 10));
        }

        File.Move(LinesPath, _folder["old"]);
        using (var sink = Open())
        {
            Assert.Null(await ServeAsync(sink, 1, 15));
        }

        Assert.Equal(Expected(11, 15), await CountersAsync());
    }

    [Fact]
    public void Two_sinks_on_one_file_are_refused()
    {
        using var first = Open();
        Assert.Equal(Errno.WouldBlock, JsonLinesSink.Open(DiskStorage.Instance, LinesPath).Error?.Errno);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("""{"length_bytes":-1,"streams":{}}""")]
    [InlineData("""{"length_bytes":1,"streams":{"zz":[]}}""")]
    [InlineData("""{"length_bytes":1,"streams":{"01":[[5,4]]}}""")]
    [InlineData("""{"length_bytes":1,"streams":{"01":[[1,99999999999999999999]]}}""")]
    public async Task A_position_that_cannot_be_read_is_an_error_and_the_lines_stay(string position)
    {
        using (var sink = Open())
        {
            Assert.Null(await ServeAsync(sink, 1, 10));
        }

        await File.WriteAllTextAsync(LinesPath + ".position", position);
        Assert.Contains("deleted", JsonLinesSink.Open(DiskStorage.Instance, LinesPath).Error?.Detail, StringComparison.Ordinal);
        Assert.Equal(10, (await File.ReadAllLinesAsync(LinesPath)).Length);
    }

    [Fact]
    public async Task Whichever_call_fails_the_block_is_served_again_and_stands_once()
    {
        for (var at = 0; ; at++)
        {
            using var folder = new TempFolder();
            var path = folder["events.jsonl"];
            int? countdown = null;
            var storage = new FaultyStorage((_, _) => countdown is { } left && (countdown = left - 1) == -1 ? Errno.NoSpace : null);
            using (var sink = JsonLinesSink.Open(storage, path).Value)
            {
                Assert.Null(await ServeAsync(sink, 1, 10));
                countdown = at;
                var error = await ServeAsync(sink, 11, 20);
                if (countdown >= 0)
                {
                    Assert.InRange(at, 6, 20);
                    return;
                }

                Assert.NotNull(error);
                Assert.Contains(path, error.Detail, StringComparison.Ordinal);
                Assert.Null(await ServeAsync(sink, 11, 20));
                Assert.Equal(20, (await File.ReadAllLinesAsync(path)).Length);
            }

            using var reopened = JsonLinesSink.Open(DiskStorage.Instance, path).Value;
            Assert.Null(await ServeAsync(reopened, 11, 21));
            Assert.Equal(21, (await File.ReadAllLinesAsync(path)).Distinct().Count());
        }
    }

    [Fact]
    public async Task A_shape_that_promises_billions_of_rows_is_written_flat()
    {
        var value = new TelemetryValue(ValueKind.Array, 0, new TelemetryArray(ValueKind.Int32, [TelemetryValue.From(7)], [int.MaxValue, 0]));
        using var sink = Open();
        Assert.Null(await ServeAsync(sink, HistoryVerbs.Batch(HistoryVerbs.Event(1, value, 1)), 1));
        Assert.Contains("\"value\":[7]", await File.ReadAllTextAsync(LinesPath), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static IEnumerable<ulong> Expected(ulong first, ulong last) => Enumerable.Range((int)first, (int)(last - first + 1)).Select(i => (ulong)i);

    private static SinkBatch Batch(ulong first, ulong last, StreamId? stream = null)
    {
        var events = HistoryVerbs.Batch(Expected(first, last).Select(BlockFiles.EventAt));
        return Batch(events, first, stream ?? BlockFiles.Stream);
    }

    private static SinkBatch Batch(EventBatch events, ulong first, StreamId stream) => new(
        new SinkBlock(new BlockKey(stream, 1, new BlockHash(new byte[32])), "edge1", "centre"), events, [new SequenceRun(0, events.Count, first)]);

    private static Task<SinkError?> ServeAsync(JsonLinesSink sink, ulong first, ulong last, StreamId? stream = null) => ServeAsync(sink, Batch(first, last, stream));

    private static Task<SinkError?> ServeAsync(JsonLinesSink sink, EventBatch events, ulong first) =>
        ServeAsync(sink, Batch(events, first, BlockFiles.Stream));

    private static async Task<SinkError?> ServeAsync(JsonLinesSink sink, SinkBatch batch) =>
        await sink.DeliverAsync(batch, CancellationToken.None) ?? await sink.CompleteAsync(batch.Block, CancellationToken.None);

    private JsonLinesSink Open() => JsonLinesSink.Open(DiskStorage.Instance, LinesPath).Value;

    private async Task<IEnumerable<ulong>> CountersAsync() => (await File.ReadAllLinesAsync(LinesPath))
        .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("ieid")[1].GetUInt64());
}
