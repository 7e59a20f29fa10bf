using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Replicator.Repair;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests.Repair;

/// <summary>What self-repair keeps on disk.</summary>
public sealed class RepairFilesTests : IDisposable
{
    private static readonly StreamId Stream = new(7, 8);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Gaps_are_there_again_after_a_restart_and_neighbours_that_nobody_can_fill_are_one()
    {
        var book = OpenBook();
        Gap[] gaps =
        [
            NewGap("a", 10, 20, GapState.Asked),
            NewGap("b", 100, 200, GapState.Unfillable),
            NewGap("c", 201, 300, GapState.Unfillable),
            NewGap("d", 300, 400, GapState.Found),
            NewGap("e", 401, 500, GapState.Found),
            NewGap("f", 600, 700, GapState.Found) with { Node = "edge2" },
        ];
        Assert.True(book.Change(gaps, new HashSet<string>()).IsOk);
        var again = OpenBook();
        Assert.Null(again.Finding);
        Assert.Equal(
            [("a", 10, 20), ("c", 100, 300), ("e", 300, 500), ("f", 600, 700)],
            again.All.Select(g => (g.Id, g.FromNs, g.ToNs)));
        Assert.True(again.Update(again.All[0] with { State = GapState.Filled, FillStream = Stream.ToString(), FillNextSequence = 9 }).IsOk);
        Assert.Equal(9UL, OpenBook().Of("edge1")[0].FillNextSequence);
    }

    [Theory]
    [InlineData("not a list\n00000000\n")]
    [InlineData("")]
    [InlineData("[]")]
    public void A_damaged_list_of_gaps_is_kept_aside_and_said_and_keeps_nothing_from_starting(string content)
    {
        Directory.CreateDirectory(_folder["repair"]);
        File.WriteAllText(_folder["repair", GapBook.FileName], content);
        var book = OpenBook();
        Assert.Contains("damaged", book.Finding, StringComparison.Ordinal);
        Assert.Empty(book.All);
        Assert.NotEmpty(Directory.GetFiles(_folder["aside"], $"*{GapBook.FileName}*"));
    }

    [Fact]
    public async Task A_hole_in_the_sequence_numbers_gets_the_times_of_its_neighbours_also_after_a_restart()
    {
        Directory.CreateDirectory(_folder["repair"]);
        var marks = Marks();
        await ServeAsync(marks, index: 1, first: 1, times: [100, 110, 90]);
        await ServeAsync(marks, index: 3, first: 20, times: [200, 210]);
        marks.Save();
        foreach (var m in new[] { marks, Marks() })
        {
            Assert.Equal(new TimeRange(90, 210), m.RangeOf(Stream, new SequenceRange(4, 19)));
            Assert.Null(m.RangeOf(Stream, new SequenceRange(22, 30)));
            Assert.Null(m.RangeOf(new StreamId(1, 2), new SequenceRange(4, 19)));
        }

        await File.WriteAllTextAsync(_folder["repair", "marks"], "{}");
        Assert.Null(Marks().RangeOf(Stream, new SequenceRange(4, 19)));
    }

    [Fact]
    public async Task A_block_that_broke_off_and_is_served_again_counts_once()
    {
        Directory.CreateDirectory(_folder["repair"]);
        var marks = Marks();
        await ServeAsync(marks, index: 1, first: 1, times: [100]);
        await ServeAsync(marks, index: 2, first: 500, times: [1], complete: false);
        await ServeAsync(marks, index: 3, first: 20, times: [200]);
        Assert.Equal(new TimeRange(100, 200), marks.RangeOf(Stream, new SequenceRange(2, 19)));
    }

    private static Gap NewGap(string id, long fromNs, long toNs, GapState state) => new()
    {
        Id = id,
        Node = "edge1",
        Kind = GapKind.Heartbeat,
        FromNs = fromNs,
        ToNs = toNs,
        FoundNs = 1,
        State = state,
        Heartbeats = ["sensor:edge1/heartbeat"],
        AllowedNs = 5,
    };

    private static async Task ServeAsync(SequenceMarks marks, ulong index, ulong first, long[] times, bool complete = true)
    {
        var block = new SinkBlock(new BlockKey(Stream, index, new BlockHash(new byte[32])), "edge1", "centre");
        var batch = new EventBatch(new OidTable());
        foreach (var timeNs in times)
        {
            batch.Add(new TelemetryEvent(Oid.Parse("sensor:a"), timeNs, 1, 0, TelemetryValue.From(1), new Ieid(1, 1)));
        }

        Assert.Null(await marks.DeliverAsync(new SinkBatch(block, batch, [new SequenceRun(0, times.Length, first)]), CancellationToken.None));
        if (complete)
        {
            Assert.Null(await marks.CompleteAsync(block, CancellationToken.None));
        }
    }

    private SequenceMarks Marks() => new(DiskStorage.Instance, _folder["repair"], TimeProvider.System);

    private GapBook OpenBook() => GapBook.Open(
        DiskStorage.Instance, Quarantine.Open(DiskStorage.Instance, _folder["aside"], TimeProvider.System).Value, _folder["repair"]).Value;
}
