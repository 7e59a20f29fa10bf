using ZfRepl.Replicator.Fetch;

namespace ZfRepl.Replicator.Tests;

public sealed class FetchBudgetTests
{
    private const long Kib = 1024;

    [Fact]
    public async Task No_more_is_given_than_there_is_and_what_comes_back_is_given_again()
    {
        var budget = new FetchBudget(100 * Kib, 100 * Kib);
        var first = await TakeAsync(budget, "a", 60);
        var second = budget.TakeAsync("a", 60 * Kib, CancellationToken.None);
        Assert.False(second.IsCompleted);
        Assert.Equal(60 * Kib, budget.UsedBytes);
        first.Dispose();
        first.Dispose();
        (await second).Dispose();
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public async Task One_source_takes_no_more_than_its_part_and_does_not_keep_the_others_waiting()
    {
        var budget = new FetchBudget(100 * Kib, 40 * Kib);
        _ = await TakeAsync(budget, "a", 40);
        var more = budget.TakeAsync("a", 20 * Kib, CancellationToken.None);
        _ = await TakeAsync(budget, "b", 40);
        Assert.False(more.IsCompleted);
    }

    [Fact]
    public async Task The_turns_go_round_the_sources()
    {
        var budget = new FetchBudget(20 * Kib, 20 * Kib);
        var held = await TakeAsync(budget, "a", 20);
        var order = new List<string>();
        // A backlog of one source, and then one block of each of two others.
        var waiting = new[] { "a", "a", "a", "b", "c" }.Select(async source =>
        {
            var lease = await budget.TakeAsync(source, 20 * Kib, CancellationToken.None);
            order.Add(source);
            lease.Dispose();
        }).ToArray();
        held.Dispose();
        await Task.WhenAll(waiting);
        Assert.Equal(["a", "b", "c", "a", "a"], order);
    }

    [Fact]
    public async Task A_large_one_gets_its_turn_though_small_ones_keep_coming()
    {
        var budget = new FetchBudget(100 * Kib, 100 * Kib);
        var small = await TakeAsync(budget, "a", 20);
        var large = budget.TakeAsync("b", 95 * Kib, CancellationToken.None);
        var later = budget.TakeAsync("c", 20 * Kib, CancellationToken.None);
        Assert.False(large.IsCompleted || later.IsCompleted);
        small.Dispose();
        var lease = await large;
        Assert.False(later.IsCompleted);
        lease.Dispose();
        (await later).Dispose();
    }

    [Fact]
    public async Task What_is_larger_than_the_whole_goes_alone_and_what_turns_out_smaller_makes_room()
    {
        var budget = new FetchBudget(100 * Kib, 40 * Kib);
        var huge = await TakeAsync(budget, "a", 5000);
        Assert.Equal(100 * Kib, budget.UsedBytes);
        var next = budget.TakeAsync("b", 20 * Kib, CancellationToken.None);
        Assert.False(next.IsCompleted);
        huge.Shrink(30 * Kib);
        huge.Shrink(90 * Kib);
        _ = await next;
        Assert.Equal(50 * Kib, budget.UsedBytes);
        huge.Dispose();
        Assert.Equal(20 * Kib, budget.UsedBytes);
    }

    [Fact]
    public async Task Small_ones_count_as_something()
    {
        var budget = new FetchBudget(10 * FetchBudget.MinBytes, 10 * FetchBudget.MinBytes);
        for (var i = 0; i < 10; i++)
        {
            _ = await budget.TakeAsync("a", 1, CancellationToken.None);
        }

        Assert.False(budget.TakeAsync("a", 1, CancellationToken.None).IsCompleted);
    }

    [Fact]
    public async Task Who_gives_up_waiting_takes_nothing_and_holds_nobody_up()
    {
        var budget = new FetchBudget(100 * Kib, 100 * Kib);
        var held = await TakeAsync(budget, "a", 60);
        using var patience = new CancellationTokenSource();
        var tired = budget.TakeAsync("b", 90 * Kib, patience.Token);
        var behind = budget.TakeAsync("c", 20 * Kib, CancellationToken.None);
        Assert.False(behind.IsCompleted);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tired);
        (await behind).Dispose();
        held.Dispose();
        Assert.Equal(0, budget.UsedBytes);
    }

    private static Task<FetchBudget.Lease> TakeAsync(FetchBudget budget, string source, long kib)
    {
        var taken = budget.TakeAsync(source, kib * Kib, CancellationToken.None);
        Assert.True(taken.IsCompletedSuccessfully);
        return taken;
    }
}
