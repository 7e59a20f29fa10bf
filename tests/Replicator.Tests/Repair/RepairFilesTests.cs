using System.Text;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
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
        Assert.Null(marks.Save());
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
    public async Task Marks_that_cannot_be_read_keep_from_starting_and_stay_and_a_damaged_file_is_as_good_as_lost()
    {
        Directory.CreateDirectory(_folder["repair", "marks"]);
        var opened = SequenceMarks.Open(DiskStorage.Instance, _folder["repair"], TimeProvider.System);
        Assert.False(opened.IsOk);
        Assert.True(Directory.Exists(_folder["repair", "marks"]));
        Directory.Delete(_folder["repair", "marks"]);
        foreach (var content in new[] { """{"a":null}""", """{"a":[null]}""", "[" })
        {
            Assert.True(CheckedFile.Write(DiskStorage.Instance, _folder["repair", "marks"], Encoding.UTF8.GetBytes(content)).IsOk);
            Assert.Null(Marks().RangeOf(new StreamId(0, 0), new SequenceRange(1, 2)));
        }

        // What can't be written is said, until it can be.
        var marks = Marks();
        Directory.Move(_folder["repair"], _folder["away"]);
        await ServeAsync(marks, index: 1, first: 1, times: [100]);
        Assert.Contains("can't be noted", marks.Trouble, StringComparison.Ordinal);
        Directory.Move(_folder["away"], _folder["repair"]);
        Assert.Null(marks.Save());
        Assert.Null(marks.Trouble);
    }

    [Fact]
    public async Task Every_hole_in_the_sequence_numbers_is_found_up_to_ten_thousand_and_more_of_them_are_said()
    {
        await using var history = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = _folder["history.db"] })).Value;
        var book = OpenBook();
        var finder = new GapFinder(history, book, Marks());
        await ReceiveAsync(first: 1, holes: 150);
        Assert.Empty((await FindAsync()).Added);
        var found = await FindAsync();
        Assert.Equal((150, false), (found.Added.Count, found.HasMore));
        Assert.True(book.Change(found.Added, found.Removed).IsOk);
        Assert.Empty((await FindAsync()).Added);

        await ReceiveAsync(first: 302, holes: GapFinder.MaxMissing);
        Assert.True((await FindAsync()).HasMore);
        Assert.Equal(GapFinder.MaxMissing - 150, (await FindAsync()).Added.Count);

        async Task<GapsFound> FindAsync() =>
            (await finder.FindAsync(new GapSearchPlan("edge1", "centre", [], new TimeRange(0, 1000), 5, Force: false), 1000, CancellationToken.None)).Value;

        // Every second number.
        async Task ReceiveAsync(int first, int holes)
        {
            SequenceRange[] received = [.. Enumerable.Range(0, holes + 1).Select(i => new SequenceRange((ulong)(first + (2 * i)), (ulong)(first + (2 * i))))];
            var written = await history.WriteAsync(
                new HistoryWrite
                {
                    Events = new EventBatch(new OidTable(), 1),
                    Count = 0,
                    Stream = new StreamFacts(Stream, "edge1", "centre", received[^1].Last),
                    Received = received,
                },
                CancellationToken.None);
            Assert.True(written.IsOk, written.Error?.ToString());
        }
    }

    [Fact]
    public void More_gaps_than_could_be_read_back_are_refused_and_what_is_there_stays()
    {
        var book = OpenBook();
        Assert.True(book.Change([NewGap("a", 10, 20, GapState.Asked)], new HashSet<string>()).IsOk);
        var huge = NewGap("b", 30, 40, GapState.Asked) with { Detail = new string('x', 16 * 1024 * 1024) };
        var refused = book.Change([huge], new HashSet<string>());
        Assert.Contains("more than the list can hold", refused.Error?.Detail, StringComparison.Ordinal);
        Assert.Equal("a", Assert.Single(book.All).Id);
        Assert.Equal("a", Assert.Single(OpenBook().All).Id);
    }

    [Fact]
    public void Of_what_nobody_could_fill_and_no_search_reaches_only_the_latest_is_remembered()
    {
        var gaps = Enumerable.Range(0, 300).Select(i => NewGap($"u{i}", 100 * i, (100 * i) + 10, GapState.Unfillable)).ToList();
        Assert.Equal(
            Enumerable.Range(0, 44).Select(i => $"u{i}").Order(StringComparer.Ordinal), GapBook.Outdated(gaps, 30_000).Order(StringComparer.Ordinal));
        Assert.Empty(GapBook.Outdated(gaps, 20_000));
        Assert.Empty(GapBook.Outdated(gaps.Select(g => g with { State = GapState.Asked }), 30_000));
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

    private SequenceMarks Marks() => SequenceMarks.Open(DiskStorage.Instance, _folder["repair"], TimeProvider.System).Value;

    private GapBook OpenBook() => GapBook.Open(
        DiskStorage.Instance, Quarantine.Open(DiskStorage.Instance, _folder["aside"], TimeProvider.System).Value, _folder["repair"]).Value;
}
