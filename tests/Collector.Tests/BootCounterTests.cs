using System.Text;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests;

/// <summary>The number of a start grows from start to start, whatever the file holds.</summary>
public sealed class BootCounterTests
{
    private readonly SimulatedStorage _storage = new();
    private readonly ManualTime _time = new();

    [Fact]
    public void Each_start_has_a_greater_number_also_when_the_clock_steps_back()
    {
        var first = Next();
        var second = Next();
        Assert.Equal((ulong)_time.GetUtcNow().ToUnixTimeSeconds(), first);
        Assert.True(second > first);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("-1")]
    [InlineData("18446744073709551615")]
    [InlineData("99999999999999999999999999999999999999999999999999999999999999999999999999999999")]
    public void No_content_of_the_file_keeps_the_service_from_starting(string content)
    {
        _storage.Overwrite("/spool/boot", Encoding.ASCII.GetBytes(content));
        var first = Next();
        Assert.True(first >= (ulong)_time.GetUtcNow().ToUnixTimeSeconds());
        Assert.True(Next() > first);
    }

    [Fact]
    public void A_file_in_a_bad_place_of_the_disk_is_replaced()
    {
        _ = Next();
        _storage.Fault = (_, operation, path) => operation == StorageOperation.Read && path == "/spool/boot" ? Errno.InputOutput : null;
        Assert.True(Next() > 0);
    }

    private ulong Next() => BootCounter.Next(_storage, "/spool", _time).Value;
}
