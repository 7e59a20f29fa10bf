using ZfRepl.Core.Transfer;

namespace ZfRepl.Core.Tests.Transfer;

public sealed class ReplayWindowTests
{
    [Fact]
    public void Each_number_is_taken_once_in_any_order()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var window = new ReplayWindow();
            var seen = new HashSet<ulong>();
            ulong highest = 0;
            for (var i = 0; i < 5000; i++)
            {
                var number = (ulong)Math.Max(1, i + random.Next(-50, 50));
                highest = Math.Max(highest, number);
                Assert.Equal(seen.Add(number), window.TryTake(number));
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1023)]
    [InlineData(1024)]
    public void Jumps_of_any_size_are_taken_and_what_lies_far_behind_is_not(ulong number)
    {
        var window = new ReplayWindow();
        Assert.True(window.TryTake(number));
        Assert.False(window.TryTake(number));
        if (number >= 1024)
        {
            Assert.False(window.TryTake(number - 1024));
            Assert.True(window.TryTake(number - 1023));
        }
    }
}
