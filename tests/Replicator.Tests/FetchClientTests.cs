using ZfRepl.Replicator.Fetch;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

public sealed class FetchClientTests
{
    [Fact]
    public async Task Everything_that_is_ready_comes_into_the_database_and_leaves_the_source()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        for (var i = 0; i < 5; i++)
        {
            transfer.AddBlock(100, i);
        }

        await using var rig = await FetchRig.StartAsync(transfer);
        await rig.DrainedAsync();
        await Eventually.TrueAsync(() => rig.Client.State.Blocks == 5, "the client has counted them");
        // The blocks bear the same times and identities: once in effect.
        Assert.Equal(100, await rig.CountAsync());
        Assert.Equal(500, rig.Client.State.Events);
        Assert.Empty(rig.Inbox.List().Value);
    }

    [Fact]
    public async Task While_a_session_runs_it_says_how_far_it_is()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        for (var i = 0; i < 4; i++)
        {
            transfer.AddBlock(100, i);
        }

        using var folder = new TempFolder();
        await using var slow = new StubbornHistory(folder["x.db"]);
        await slow.OpenAsync();
        var isOpen = new TaskCompletionSource();
        slow.BeforeFind = block => block.Index == 3 ? isOpen.Task : Task.CompletedTask;
        await using var rig = await FetchRig.StartAsync(transfer, database: slow);
        await Eventually.TrueAsync(() => rig.Client.State.Session is { Blocks: 2 }, "half of it is here");
        var state = rig.Client.State;
        var session = state.Session!;
        Assert.True(session.IsInTouch);
        Assert.Equal((1, 200, 2UL, 200UL), (state.Sessions, session.Events, state.BacklogBlocks, state.BacklogEvents));
        Assert.InRange(session.ReceivedBytes, 1000, 1_000_000);
        Assert.True(session.Rate is { EventsPerSecond: > 0, BytesPerSecond: > 0, Remaining: { } left } && left > TimeSpan.Zero);
        Assert.InRange(session.EndsIn, TimeSpan.FromMinutes(55), TimeSpan.FromHours(1));
        isOpen.SetResult();
        await Eventually.TrueAsync(() => rig.Client.State.Session is { Blocks: 4, Rate.Remaining.Ticks: 0 }, "all of it is here");
        rig.Client.Disable();
        await Eventually.TrueAsync(() => rig.Client.State is { IsActive: false, Session: null }, "the session is over");
    }

    [Fact]
    public async Task A_source_that_says_nothing_is_named_long_before_the_answer_is_given_up()
    {
        await using var transfer = new TransferRig(
            new LoopbackBus { Tap = (_, _) => null },
            tune: o => o with { RepeatAfter = TimeSpan.FromMilliseconds(50), Timeout = TimeSpan.FromHours(1) });
        await using var rig = await FetchRig.StartAsync(transfer);
        await Eventually.TrueAsync(
            () => rig.Client.State.Trouble?.Contains("has not answered yet", StringComparison.Ordinal) is true, "its silence is a trouble");
        transfer.Bus.Tap = null;
        await Eventually.TrueAsync(() => rig.Client.State is { Trouble: null, LastContact: not null }, "it answers, and the trouble is over");
    }

    [Fact]
    public async Task While_the_database_does_not_take_it_nothing_is_confirmed()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        transfer.AddBlock(100);
        using var folder = new TempFolder();
        await using var stubborn = new StubbornHistory(folder["x.db"]);
        await stubborn.OpenAsync();
        stubborn.IsDown = true;
        await using var rig = await FetchRig.StartAsync(transfer, database: stubborn);
        await Eventually.TrueAsync(
            () => rig.Client.State.Trouble is { } t && t.Contains("away for a test", StringComparison.Ordinal), "the client says what is in the way");
        Assert.Single(transfer.Blocks.All);
        Assert.Equal(0, transfer.Server.Counters.ConfirmedBlocks);
        stubborn.IsDown = false;
        await rig.DrainedAsync();
        await Eventually.TrueAsync(() => rig.Client.State.Trouble is null, "the trouble is over");
    }

    [Fact]
    public async Task A_later_block_that_is_found_sooner_does_not_take_the_room_of_an_earlier_one_for_ever()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        transfer.AddBlock(100, 1);
        transfer.AddBlock(100, 2);
        using var folder = new TempFolder();
        await using var slow = new StubbornHistory(folder["x.db"]);
        await slow.OpenAsync();
        // Room for one block of a source at a time.
        var memory = new FetchMemory(wireBytes: 4 * FetchBudget.MinBytes, sourceBytes: FetchBudget.MinBytes);
        var isFirst = true;
        slow.BeforeFind = block =>
        {
            var waits = block.Index == 1 && isFirst;
            isFirst &= !waits;
            return waits ? Eventually.TrueAsync(() => memory.Wire.UsedBytes > 0, "a block has the room") : Task.CompletedTask;
        };
        await using var rig = await FetchRig.StartAsync(transfer, database: slow, memory: memory);
        await rig.DrainedAsync();
        await rig.StopAsync();
        Assert.Equal(0, memory.Wire.UsedBytes);
    }

    [Fact]
    public async Task A_block_that_was_downloaded_before_a_crash_is_not_downloaded_again()
    {
        using var folder = new TempFolder();
        await using var transfer = new TransferRig(new LoopbackBus());
        var block = transfer.AddBlock(100);
        var content = await File.ReadAllBytesAsync(block.Path);
        var inbox = Core.Import.Inbox.Open(Core.Storage.DiskStorage.Instance, folder["inbox"]).Value;
        Assert.True(inbox.Put(block.Identity, content).IsOk);
        await using var rig = await FetchRig.StartAsync(transfer, folder);
        await rig.DrainedAsync();
        Assert.Equal(100, await rig.CountAsync());
        Assert.Equal(0, transfer.Server.Counters.Chunks);
    }

    [Fact]
    public async Task A_block_that_was_imported_before_is_confirmed_without_being_downloaded_again()
    {
        using var folder = new TempFolder();
        await using var transfer = new TransferRig(new LoopbackBus());
        var block = transfer.AddBlock(100);
        await using (var first = await FetchRig.StartAsync(transfer, folder))
        {
            await first.DrainedAsync();
            await first.StopAsync();
        }

        // As if the confirmation had never reached the source.
        transfer.Blocks.All.Add(block);
        var chunks = transfer.Server.Counters.Chunks;
        await using var second = await FetchRig.StartAsync(transfer, folder);
        await second.DrainedAsync();
        Assert.Equal(chunks, transfer.Server.Counters.Chunks);
        Assert.Equal(100, await second.CountAsync());
    }

    [Fact]
    public async Task A_block_that_can_never_be_imported_does_not_hold_up_the_others()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        var foreign = transfer.AddBlock(10);
        transfer.AddBlock(20, 2);
        // Offered as block 7 of the stream; its header says 1.
        transfer.Blocks.All[0] = foreign with { Identity = foreign.Identity with { Index = 7 } };
        await using var rig = await FetchRig.StartAsync(transfer);
        await Eventually.TrueAsync(() => transfer.Blocks.All.Count == 1, "the good block is confirmed");
        Assert.Equal(7UL, transfer.Blocks.All[0].Identity.Index);
        await Eventually.TrueAsync(
            () => rig.Client.State.Trouble is { } t && t.Contains("refused", StringComparison.Ordinal), "the client says what was refused");
    }

    [Fact]
    public async Task More_refused_blocks_than_are_offered_at_once_do_not_hide_what_is_behind_them()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        const int Foreign = 7;
        for (var i = 0; i < Foreign; i++)
        {
            transfer.AddBlock(10, i, node: "edge1-before-it-was-renamed");
        }

        transfer.AddBlock(20, 20);
        transfer.AddBlock(20, 21);
        await using var rig = await FetchRig.StartAsync(transfer, tune: o => o with { OffersLimit = 3 });
        await Eventually.TrueAsync(() => transfer.Blocks.All.Count == Foreign, "the good blocks are confirmed");
        Assert.Equal(20, await rig.CountAsync());
        await Eventually.TrueAsync(
            () => rig.Client.State is { BacklogBlocks: Foreign, Trouble: { } t } && t.Contains("refused", StringComparison.Ordinal),
            "the client says what was refused, and that it still waits");
        Assert.Equal(2, rig.Client.State.Blocks);

        // What comes later finds the way as well, though nobody fetched what is before it.
        transfer.AddBlock(20, 22);
        await Eventually.TrueAsync(() => rig.Client.State.Blocks == 3, "a later block is confirmed");
    }

    [Fact]
    public async Task Refused_blocks_do_not_keep_the_open_block_from_being_closed()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        var foreign = transfer.AddBlock(10, node: "edge1-before-it-was-renamed");
        transfer.Blocks.Open = transfer.AddBlock(20, 2);
        transfer.Blocks.All.Remove(transfer.Blocks.Open);
        await using var rig = await FetchRig.StartAsync(transfer);
        await Eventually.TrueAsync(() => rig.Client.State.Blocks == 1, "the open block was closed and is confirmed");
        Assert.Equal([foreign], transfer.Blocks.All);
        Assert.Equal(20, await rig.CountAsync());
    }

    [Fact]
    public async Task A_refused_block_beside_one_that_cannot_be_given_does_not_make_the_client_ask_without_a_pause()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        transfer.AddBlock(10, node: "edge1-before-it-was-renamed");
        var damaged = transfer.AddBlock(20, 2);
        await File.WriteAllBytesAsync(damaged.Path, new byte[damaged.LengthBytes]);
        transfer.Blocks.KeepsWhatItRepairs = true;
        await using var rig = await FetchRig.StartAsync(transfer);
        await Eventually.TrueAsync(
            () => rig.Client.State.Trouble is { } t && t.Contains("can't give it", StringComparison.Ordinal), "the client waits before it asks again");
    }

    [Fact]
    public async Task A_disabled_client_stops_and_an_enabled_one_goes_on()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        await using var rig = await FetchRig.StartAsync(transfer);
        await Eventually.TrueAsync(() => rig.Client.State.IsActive, "the schedule starts a session");
        rig.Client.Disable();
        await Eventually.TrueAsync(() => !rig.Client.State.IsActive, "the session ends");
        Assert.False(rig.Client.Start());
        transfer.AddBlock(10);
        rig.Client.Enable();
        Assert.True(rig.Client.Start());
        await rig.DrainedAsync();
    }

    [Fact]
    public async Task A_session_ends_after_its_time_and_without_a_schedule_only_a_call_starts_the_next()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        await using var rig = await FetchRig.StartAsync(transfer, tune: o => o with { Schedule = null, Duration = TimeSpan.FromSeconds(1) });
        Assert.False(rig.Client.State.IsActive);
        transfer.AddBlock(10);
        Assert.True(rig.Client.Start());
        await rig.DrainedAsync();
        await Eventually.TrueAsync(() => !rig.Client.State.IsActive, "the session is over");
    }

    [Fact]
    public async Task After_the_connection_was_gone_fetching_goes_on_at_once()
    {
        var bus = new LoopbackBus();
        await using var transfer = new TransferRig(bus);
        await using var rig = await FetchRig.StartAsync(transfer, tune: o => o with { Interval = TimeSpan.FromMinutes(10) });
        await Eventually.TrueAsync(() => rig.Client.State.LastContact is not null, "the session stands");
        bus.SetConnected(false);
        transfer.AddBlock(10);
        transfer.Server.Announce(TransferRig.Target);
        bus.SetConnected(true);
        await rig.DrainedAsync();
    }
}
