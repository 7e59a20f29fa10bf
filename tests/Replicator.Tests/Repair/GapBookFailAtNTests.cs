using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Replicator.Repair;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests.Repair;

/// <summary>Every storage operation of the list of gaps fails (<see cref="FailAtN"/>): a gap that was entered is there after a power cut.</summary>
public sealed class GapBookFailAtNTests
{
    private const string Folder = "/target/repair";

    [Fact]
    public Task Entering_changing_and_reading_gaps() => FailAtN.RunAsync("gap book", faults => WorkAsync(faults, s => s));

    /// <summary>The negative control: where errors of syncs are not looked at, a power cut takes gaps away.</summary>
    [Fact]
    public Task Without_looking_at_the_errors_of_syncs_it_would_be_noticed() =>
        Assert.ThrowsAsync<FailAtNException>(() => FailAtN.RunAsync("deaf", faults => WorkAsync(faults, s => new DeafStorage(s))));

    private static async Task WorkAsync(DiskFaults faults, Func<SimulatedStorage, IStorage> through)
    {
        var storage = new SimulatedStorage();
        Assert.True(Open(storage).Value.Change([NewGap("old")], new HashSet<string>()).IsOk);
        faults.Break(storage);
        faults.Arm();
        var book = await faults.RepeatAsync(() => Open(through(storage)));
        faults.Say($"{book.Finding} (errno {faults.Errno}; {Folder}/{GapBook.FileName}");

        // What is in a bad place of the disk is as good as damaged; what was not given for a moment is read once more.
        string[] old = book.Finding is null ? ["old"] : [];
        Assert.Equal(old, book.All.Select(g => g.Id));
        Assert.True(book.Finding is null || (faults.Errno == Errno.InputOutput && !faults.IsOnce), book.Finding);

        await faults.RepeatAsync(() => book.Change([NewGap("a"), NewGap("b")], new HashSet<string>()));
        Assert.Equal([.. old, "a", "b"], book.All.Select(g => g.Id));
        await faults.RepeatAsync(() => book.Update(NewGap("a") with { State = GapState.Filled, FillNextSequence = 9 }, NewGap("c")));
        await faults.RepeatAsync(() => book.Change([], new HashSet<string>(["b"])));
        faults.Lift();
        storage.Crash(new Random(faults.FailAt));
        var after = Open(storage).Value;
        Assert.Null(after.Finding);
        Assert.Equal([.. old, "a", "c"], after.All.Select(g => g.Id));
        Assert.Equal((GapState.Filled, 9UL), after.All.Where(g => g.Id == "a").Select(g => (g.State, g.FillNextSequence)).Single());
    }

    private static StorageResult<GapBook> Open(IStorage storage)
    {
        var aside = Quarantine.Open(storage, "/target/quarantine", new ManualTime());
        return aside.IsOk ? GapBook.Open(storage, aside.Value, Folder) : aside.Error;
    }

    private static Gap NewGap(string id) => new()
    {
        Id = id,
        Node = "edge1",
        Kind = GapKind.Sequence,
        FromNs = 10,
        ToNs = 20,
        FoundNs = 30,
        State = GapState.Asked,
    };
}
