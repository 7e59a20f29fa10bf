using ZfRepl.Core.Schedule;

namespace ZfRepl.Core.Tests.Schedule;

public sealed class RetryDelayTests
{
    [Fact]
    public void Without_jitter_delays_double_up_to_the_cap_and_stay_there()
    {
        var delay = new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), seed: 1, jitter: 0);
        Assert.Equal([1, 2, 4, 8, 10, 10, 10], Enumerable.Range(0, 7).Select(_ => delay.Next().TotalSeconds));
        Assert.Equal(7, delay.Attempts);
    }

    [Fact]
    public void Jitter_only_shortens_and_never_by_more_than_its_share()
    {
        var plain = new RetryDelay(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30), seed: 5, jitter: 0);
        var jittered = new RetryDelay(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30), seed: 5, jitter: 0.4);
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var full = plain.Next();
            Assert.InRange(jittered.Next(), full * 0.6, full);
        }
    }

    [Fact]
    public void Two_nodes_with_different_seeds_do_not_come_back_together()
    {
        var first = new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), seed: 1);
        var second = new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), seed: 2);
        Assert.True(Enumerable.Range(0, 20).Count(_ => first.Next() != second.Next()) >= 19);
    }

    [Fact]
    public void The_same_seed_gives_the_same_delays()
    {
        var first = new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), seed: 9);
        var second = new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), seed: 9);
        Assert.Equal(Enumerable.Range(0, 50).Select(_ => first.Next()), Enumerable.Range(0, 50).Select(_ => second.Next()));
    }

    [Fact]
    public void After_a_success_the_first_delay_comes_again()
    {
        var delay = new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), seed: 1, factor: 3, jitter: 0);
        Assert.Equal([1, 3, 9], Enumerable.Range(0, 3).Select(_ => delay.Next().TotalSeconds));
        delay.Reset();
        Assert.Equal(0, delay.Attempts);
        Assert.Equal(TimeSpan.FromSeconds(1), delay.Next());
    }

    [Fact]
    public void A_year_of_failures_does_not_overflow()
    {
        var delay = new RetryDelay(TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(365), seed: 3, factor: 10, jitter: 0.5);
        for (var attempt = 0; attempt < 100_000; attempt++)
        {
            Assert.True(delay.Next() > TimeSpan.Zero);
        }
    }

    [Theory]
    [InlineData(0, 10, 2.0, 0.1)]
    [InlineData(-1, 10, 2.0, 0.1)]
    [InlineData(10, 9, 2.0, 0.1)]
    [InlineData(1, 365 * 86400 + 1, 2.0, 0.1)]
    [InlineData(1, 10, 0.9, 0.1)]
    [InlineData(1, 10, double.NaN, 0.1)]
    [InlineData(1, 10, 2.0, -0.1)]
    [InlineData(1, 10, 2.0, 1.1)]
    public void Senseless_settings_are_refused_at_once(int first, int cap, double factor, double jitter) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetryDelay(TimeSpan.FromSeconds(first), TimeSpan.FromSeconds(cap), 1, factor, jitter));
}
