using ZfRepl.Collector.Fill;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Fill;

/// <summary>Every storage operation of the list of fill tasks fails (<see cref="FailAtN"/>): a task that was taken is there after a power cut.</summary>
public sealed class FillBookFailAtNTests
{
    private const string Folder = "/spool";

    [Fact]
    public Task Taking_ending_and_reading_tasks() => FailAtN.RunAsync("fill book", async faults =>
    {
        var storage = new SimulatedStorage();
        Assert.True(Open(storage).Value.Add(TaskOf("old")).Value is { Id: "old" });
        faults.Break(storage);
        faults.Arm();
        var book = await faults.RepeatAsync(() => Open(storage));
        faults.Say($"{book.Finding} (errno {faults.Errno}; {Folder}/fill.tasks");
        Assert.Equal(book.Finding is null ? ["old"] : [], book.All.Select(t => t.Id));
        Assert.True(book.Finding is null || faults.Errno == Errno.InputOutput, book.Finding);

        await faults.RepeatAsync(() => book.Add(TaskOf("a")));
        await faults.RepeatAsync(() => book.Add(TaskOf("b")));
        await faults.RepeatAsync(() => book.Cancel("b", 7));
        await faults.RepeatAsync(() => book.Advance(
            new HashSet<string>(["a"]), "centre", 0, 100, new FilledEvents(5, 50), new StreamEnd("stream", 6, 8)));
        await faults.RepeatAsync(book.Save);
        faults.Lift();
        storage.Crash(new Random(faults.FailAt));
        var after = Open(storage).Value;
        Assert.Null(after.Finding);
        Assert.Equal([.. book.Finding is null ? ["old"] : Array.Empty<string>(), "a", "b"], after.All.Select(t => t.Id));
        Assert.Equal((FillState.Done, 5UL), after.All.Where(t => t.Id == "a").Select(t => (t.State, t.Events)).Single());
        Assert.Equal(FillState.Cancelled, after.All.Single(t => t.Id == "b").State);
    });

    private static StorageResult<FillBook> Open(SimulatedStorage storage)
    {
        var time = new ManualTime();
        var aside = Quarantine.Open(storage, "/spool/quarantine", time);
        return aside.IsOk ? FillBook.Open(storage, aside.Value, time, Folder) : aside.Error;
    }

    private static FillTask TaskOf(string id) => new() { Id = id, Mailbox = "centre", StartNs = 0, EndNs = 100, RequestedNs = 1, NextNs = 0 };
}
