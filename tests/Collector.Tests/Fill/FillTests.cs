using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Collector.Fill;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Tests.Mailboxes;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Fill;

public sealed class FillTests
{
    private const long Second = UnixTime.NsPerSecond;
    private const long T0 = 1_700_000_000L * Second;

    private static readonly Oid[] Items = [Oid.Parse("sensor:a/t"), Oid.Parse("sensor:b/t"), Oid.Parse("unit:c")];

    [Fact]
    public async Task A_filled_event_is_the_collected_one_with_its_time_value_status_quality_identity_and_flags()
    {
        using var folder = new TempFolder();
        await using var rig = await FillRig.StartAsync(folder);
        TelemetryEvent[] collected =
        [
            new(Items[0], T0, 1, 0, TelemetryValue.From(20.5), new Ieid(7, 1), EventFlags.None),
            new(Items[1], T0 + 1, -1, 0x8001_0000, TelemetryValue.From("123"), new Ieid(7, 2), EventFlags.Refresh),
            new(Items[2], T0 + 2, 3, 0, TelemetryValue.Null, new Ieid(7, 3), EventFlags.None),
            new(Items[2], T0 + 2, 3, 0, TelemetryValue.From(-5), new Ieid(7, 4), EventFlags.None),
        ];
        await rig.CollectAsync(collected);
        Assert.Empty(await rig.EventsAsync());

        var task = rig.Ask(T0, T0 + 2);
        await rig.DoneAsync(task);

        Assert.Equal(collected.OrderBy(e => e.Ieid.Counter), (await rig.EventsAsync()).OrderBy(e => e.Ieid.Counter));
        var done = rig.Find(task.Id);
        Assert.Equal((4UL, 5UL), (done.Events, done.NextSequence));
    }

    [Fact]
    public async Task What_was_accepted_before_the_request_is_filled_though_the_local_history_does_not_have_it_yet()
    {
        using var folder = new TempFolder();
        await using var rig = await FillRig.StartAsync(folder);
        for (var round = 0; round < 20; round++)
        {
            await rig.CollectAsync(Events(round * 100, 100));
            var task = rig.Ask(T0 + (round * 100 * Second), T0 + (((round * 100) + 99) * Second));
            await rig.DoneAsync(task);
            Assert.Equal(100UL, rig.Find(task.Id).Events);
        }
    }

    [Fact]
    public async Task Only_the_range_and_only_what_the_mailbox_takes_is_filled_and_both_ends_belong_to_it()
    {
        using var folder = new TempFolder();
        await using var rig = await FillRig.StartAsync(folder, o => o with { Filter = new OidFilter([Mask("sensor:#")], [Mask("sensor:b/#")]) });
        await rig.CollectAsync(Enumerable.Range(0, Items.Length).SelectMany(item => Events(0, 100, item)));
        await rig.DoneAsync(rig.Ask(T0 + (10 * Second), T0 + (19 * Second)));
        var events = await rig.EventsAsync();
        Assert.Equal(Enumerable.Range(10, 10), events.Select(e => (int)e.Value.AsInt64));
        Assert.All(events, e => Assert.Equal(Items[0], e.Oid));
    }

    [Fact]
    public async Task Years_without_a_reading_cost_nothing()
    {
        using var folder = new TempFolder();
        await using var rig = await FillRig.StartAsync(folder);
        await rig.CollectAsync(Events(0, 10));
        await rig.CollectAsync(Events(1_000_000_000, 10));
        await rig.DoneAsync(rig.Ask(0, 9_000_000_000L * Second));
        Assert.Equal(20, (await rig.EventsAsync()).Count);
    }

    [Fact]
    public async Task Tasks_that_overlap_are_worked_off_together()
    {
        using var folder = new TempFolder();
        FillTask[] tasks;
        // No room at all until the tasks are there.
        await using (var rig = await FillRig.StartAsync(folder, o => o with { FillBacklogBytes = -1 }))
        {
            await rig.CollectAsync(Events(0, 1000));
            tasks =
            [
                rig.Ask(T0 + (100 * Second), T0 + (500 * Second)),
                rig.Ask(T0, T0 + (300 * Second)),
                rig.Ask(T0 + (200 * Second), T0 + (250 * Second)),
                rig.Ask(T0 + (800 * Second), T0 + (900 * Second)),
            ];
            await Eventually.TrueAsync(() => rig.Fills.Doing(FillRig.Name).Contains("fill_max_backlog", StringComparison.Ordinal), "it waits for room");
        }

        await using var next = await FillRig.StartAsync(folder);
        await next.DoneAsync(tasks);
        var values = (await next.EventsAsync()).Select(e => (int)e.Value.AsInt64).ToList();
        Assert.Equal(Enumerable.Range(0, 501).Concat(Enumerable.Range(800, 101)), values.Order());
    }

    [Fact]
    public async Task A_task_goes_on_after_a_restart_and_misses_nothing()
    {
        using var folder = new TempFolder();
        FillTask task;
        await using (var rig = await HalfwayAsync(folder))
        {
            task = Assert.Single(rig.Fills.Tasks);
            Assert.Equal(FillState.Open, task.State);
        }

        await using var next = await FillRig.StartAsync(folder);
        await next.DoneAsync(task);
        Assert.Equal(Enumerable.Range(0, 60_000), (await next.EventsAsync()).Select(e => (int)e.Value.AsInt64).Distinct().Order());
    }

    [Fact]
    public async Task Negative_control_without_the_file_of_tasks_a_restart_misses_the_rest()
    {
        using var folder = new TempFolder();
        await using (var rig = await HalfwayAsync(folder))
        {
            Assert.True(File.Exists(rig.TaskFile));
        }

        File.Delete(Path.Combine(folder.Path, FillBook.FileName));
        await using var next = await FillRig.StartAsync(folder);
        Assert.Empty(next.Fills.Tasks);
        Assert.InRange((await next.EventsAsync()).Count, 1, 59_999);
    }

    [Fact]
    public async Task A_damaged_file_of_tasks_is_kept_aside_and_said_and_keeps_nothing_from_starting()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, FillBook.FileName), "[]\nffffffff\n");
        await using var rig = await FillRig.StartAsync(folder);
        Assert.Contains("checksum", rig.Book.Finding, StringComparison.Ordinal);
        Assert.Empty(rig.Fills.Tasks);
        Assert.Contains(Directory.GetFiles(Path.Combine(folder.Path, "quarantine")), f => f.Contains(FillBook.FileName, StringComparison.Ordinal));
        await rig.CollectAsync(Events(0, 10));
        await rig.DoneAsync(rig.Ask(T0, T0 + (9 * Second)));
    }

    [Fact]
    public async Task Asking_again_with_an_id_gives_the_task_that_is_there_and_a_cancelled_one_stays_cancelled()
    {
        using var folder = new TempFolder();
        await using var rig = await FillRig.StartAsync(folder, o => o with { FillBacklogBytes = -1 });
        await rig.CollectAsync(Events(0, 10));
        rig.Ask(T0, T0 + Second, "a1");
        Assert.Equal(T0 + Second, rig.Ask(T0, T0 + (2 * Second), "a1").EndNs);
        Assert.Single(rig.Fills.Tasks);
        Assert.Null(rig.Fills.Cancel("b2").Value);
        Assert.Equal(FillState.Cancelled, rig.Fills.Cancel("a1").Value!.State);
        Assert.Equal(FillState.Cancelled, rig.Ask(T0, T0 + Second, "a1").State);
    }

    [Fact]
    public async Task A_database_that_cannot_be_read_pauses_the_filling_which_says_so_and_goes_on_by_itself()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "history.db"));
        await using var rig = await FillRig.StartAsync(folder);
        await rig.CollectAsync(Events(0, 10));
        var task = rig.Ask(T0, T0 + (9 * Second));
        await Eventually.TrueAsync(
            () => rig.Fills.Doing(FillRig.Name).StartsWith("paused: the local history can't be read", StringComparison.Ordinal), "it pauses and says why");
        Assert.Equal(FillState.Open, rig.Find(task.Id).State);
        Directory.Delete(rig.DatabaseFile);
        await rig.DoneAsync(task);
        Assert.Equal(10, (await rig.EventsAsync()).Count);
    }

    [Fact]
    public async Task Without_a_local_history_an_old_task_pauses_and_can_be_ended()
    {
        using var folder = new TempFolder();
        await using var rig = await FillRig.StartAsync(folder, withHistory: false);
        var task = rig.Ask(T0, T0 + Second);
        await Eventually.TrueAsync(() => rig.Fills.Doing(FillRig.Name).Contains("no local history", StringComparison.Ordinal), "it says what is missing");
        Assert.Equal(FillState.Cancelled, rig.Fills.Cancel(task.Id).Value!.State);
        await Eventually.TrueAsync(() => rig.Fills.Doing(FillRig.Name) == "", "nothing is to be done");
    }

    [Fact]
    public async Task What_sources_bring_is_taken_while_a_large_range_is_filled()
    {
        using var folder = new TempFolder();
        await using var rig = await FillRig.StartAsync(folder, o => o with { AutoEnabled = true });
        await rig.CollectAsync(Events(0, 30_000));
        var task = rig.Ask(T0, T0 + (30_000 * Second));
        for (var i = 0; i < 50; i++)
        {
            await rig.CollectAsync(Events(100_000 + i, 1));
        }

        await rig.DoneAsync(task);
        var values = (await rig.EventsAsync()).Select(e => (int)e.Value.AsInt64).ToList();
        Assert.Equal(60_050, values.Count);
        Assert.Equal(Enumerable.Range(100_000, 50), values.Where(v => v >= 100_000));
    }

    [Fact]
    public async Task Readings_that_never_pause_do_not_keep_the_local_history_from_catching_up()
    {
        using var folder = new TempFolder();
        using var end = new CancellationTokenSource();
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());

        // Whenever a block is imported, something new is durable.
        var next = 1;
        var storage = new HoldingStorage(rig.Storage) { Opening = () => rig.AppendAsync(next++, 1).GetAwaiter().GetResult() };
        var context = new ServiceContext("test", NullLoggerFactory.Instance, TimeProvider.System);
        await using var history = new LocalHistory(
            rig.Mailbox, storage, new SqliteHistoryOptions { Path = Path.Combine(folder.Path, "history.db") }, new HistoryBegin(DiskStorage.Instance, folder.Path), context);
        await rig.AppendAsync(0, 1);
        var run = history.RunAsync(end.Token);
        var database = await history.CaughtUpAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Null(history.Trouble);
        Assert.NotNull(database);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public void A_list_of_tasks_that_no_start_could_read_back_is_not_written()
    {
        var storage = new SimulatedStorage();
        var book = Open();
        Assert.NotNull(book.Add(TaskOf("a", 250)).Value);
        var refused = book.Add(TaskOf("b", 20));
        Assert.False(refused.IsOk);
        Assert.False(refused.Error.IsNoSpace);
        Assert.Contains("fill.cancel", refused.Error.Detail, StringComparison.Ordinal);
        Assert.NotNull(book.Add(TaskOf("c", 0)).Value);
        Assert.Equal(["a", "c"], book.All.Select(t => t.Id));
        var after = Open();
        Assert.Null(after.Finding);
        Assert.Equal(["a", "c"], after.All.Select(t => t.Id));

        FillBook Open() => FillBook.Open(storage, new MailboxRig.KeepAside(storage), TimeProvider.System, "/spool").Value;

        FillTask TaskOf(string id, int items) => new()
        {
            Id = id,
            Mailbox = FillRig.Name,
            Items = [.. Enumerable.Repeat(new string('a', 65_000), items)],
            StartNs = 0,
            EndNs = 100,
            NextNs = 0,
            RequestedNs = 0,
        };
    }

    [Fact]
    public void Of_two_tasks_with_one_id_the_open_one_is_cancelled()
    {
        var storage = new SimulatedStorage();
        var book = FillBook.Open(storage, new MailboxRig.KeepAside(storage), TimeProvider.System, "/spool").Value;
        foreach (var mailbox in new[] { "north", "south" })
        {
            Assert.NotNull(book.Add(new FillTask { Id = "a1", Mailbox = mailbox, StartNs = 0, EndNs = 1, NextNs = 0, RequestedNs = 0 }).Value);
        }

        Assert.Equal("north", book.Cancel("a1", 5).Value!.Mailbox);
        var second = book.Cancel("a1", 6).Value!;
        Assert.Equal(("south", FillState.Cancelled), (second.Mailbox, second.State));
        Assert.All(book.All, t => Assert.Equal(FillState.Cancelled, t.State));
        Assert.NotNull(book.Cancel("a1", 7).Value);
    }

    [Fact]
    public async Task The_end_of_a_stretch_is_where_the_stream_stands_and_not_where_it_stood_before_the_disk_hung()
    {
        var time = new ManualTime();
        using var hangs = new ManualResetEventSlim();
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), time);
        await rig.AppendAsync(0, 1);
        Assert.Equal(1UL, (await rig.Mailbox.StatusAsync(CancellationToken.None)).AcceptedEvents);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Storage.Fault = (_, operation, _) =>
        {
            if (operation == StorageOperation.Sync)
            {
                reached.TrySetResult();
                hangs.Wait(TimeSpan.FromSeconds(30));
            }

            return null;
        };
        var append = rig.AppendAsync(1, 2);
        await reached.Task;
        var end = rig.Mailbox.DurableEndAsync(CancellationToken.None);
        var status = rig.Mailbox.StatusAsync(CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(1UL, (await status).AcceptedEvents);
        Assert.False(end.IsCompleted);
        hangs.Set();
        await append;
        Assert.Equal((rig.Mailbox.Stream, 4UL), await end);
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_a_full_disk_to_take_what_is_filled()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        await rig.AppendAsync(0, 1);
        rig.Storage.Fault = (_, operation, _) => operation == StorageOperation.Write ? Errno.NoSpace : null;
        using var end = new CancellationTokenSource();
        var fill = rig.Mailbox.FillAsync(rig.Batch(1, 1), end.Token);
        var append = rig.AppendAsync(2, 1);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fill.WaitAsync(TimeSpan.FromSeconds(10)));
        rig.Storage.Fault = null;
        await Eventually.TrueAsync(
            () =>
            {
                rig.Time.Advance(TimeSpan.FromSeconds(1));
                return append.IsCompleted;
            },
            "the disk takes it");
        Assert.Equal(AppendResult.Accepted, await append);
    }

    /// <summary>60,000 events of 60 s each, a part of which is filled, then room ends.</summary>
    private static async Task<FillRig> HalfwayAsync(TempFolder folder)
    {
        var rig = await FillRig.StartAsync(folder, o => o with { FillBacklogBytes = 100_000 });
        for (var i = 0; i < 60_000; i += 10_000)
        {
            await rig.CollectAsync(Events(i, 10_000));
        }

        rig.Ask(T0, T0 + (60_000 * Second));
        await Eventually.TrueAsync(() => rig.Fills.Doing(FillRig.Name).Contains("fill_max_backlog", StringComparison.Ordinal), "there is no more room");
        return rig;
    }

    private static OidMask Mask(string text)
    {
        Assert.True(OidMask.TryParse(text, out var mask, out var error), error);
        return mask;
    }

    private static IEnumerable<TelemetryEvent> Events(int first, int count, int item = 0) =>
        Enumerable.Range(first, count).Select(i => new TelemetryEvent(
            Items[item], T0 + (i * Second), 1, 0, TelemetryValue.From(i), new Ieid((ulong)item + 1, (ulong)i + 1)));
}
