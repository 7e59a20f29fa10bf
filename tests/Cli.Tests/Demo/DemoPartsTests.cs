using ZfRepl.Cli.Demo;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Demo;

/// <summary>The parts of the demo that decide what it shows.</summary>
public sealed class DemoPartsTests
{
    [Fact]
    public void The_demos_service_files_are_valid()
    {
        using var folder = new TempFolder();
        new DemoFiles(folder.Path).Write(plantPort: 4840, brokerPort: 1883, linkPort: 1884);
        var loaded = ServiceFiles.LoadAll(Directory.GetFiles(folder.Path, "*.yml"), baseFolder: null);
        Assert.Equal(4, loaded.Count);
        Assert.All(loaded, l =>
        {
            Assert.Empty(l.Document.Errors.Concat(l.Document.Warnings));
            Assert.NotNull(l.Service);
        });
    }

    [Theory]
    [InlineData(15)]
    [InlineData(3600)]
    public void The_plan_cuts_the_link_twice_mends_it_and_kills_every_process(int seconds)
    {
        var plan = DemoPlan.For(TimeSpan.FromSeconds(seconds));
        Assert.Equal(plan.OrderBy(p => p.At), plan);
        Assert.All(plan, p => Assert.InRange(p.At, TimeSpan.Zero, TimeSpan.FromSeconds(seconds)));
        Assert.Equal(2, plan.Count(p => p.Blow == DemoBlow.CutLink));
        Assert.Equal(DemoBlow.MendLink, plan.Last(p => p.Blow is DemoBlow.CutLink or DemoBlow.MendLink).Blow);
        Assert.All(Enum.GetValues<DemoBlow>(), b => Assert.Contains(plan, p => p.Blow == b));
    }

    [Fact]
    public void A_variable_of_the_plant_never_changes_twice_at_one_time_and_says_the_same_to_server_and_log()
    {
        foreach (var kind in Enum.GetValues<PlantKind>())
        {
            var variable = new PlantVariable(kind, 7);
            var changes = Enumerable.Range(0, 600).Select(_ => variable.Next(nowTicks: 133_000_000_000_000_000)).ToList();
            Assert.Equal(600, changes.Select(c => c.Event.TimeNs).Distinct().Count());
            Assert.Equal(2, changes.Count(c => c.Event.Status < 0));
            Assert.All(changes, c =>
            {
                Assert.True(UnixTime.TryFromFileTime(c.Value.SourceTimestamp.Ticks, 0, out var timeNs));
                Assert.Equal(timeNs, c.Event.TimeNs);
                Assert.Equal(c.Value.Status.Value, c.Event.Quality);
                Assert.Equal((byte)c.Value.Value.Type, (byte)c.Event.Value.Kind);
                Assert.Equal(c.Value.Value.ScalarBits, c.Event.Value.Bits);
            });
        }
    }
}
