using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Sources;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector;

/// <summary>Gives each reading its identity and hands it to all mailboxes. Thread-safe.</summary>
/// <param name="mailboxes">The mailboxes.</param>
/// <param name="boot">The number of this start.</param>
/// <param name="oids">The table that sources number their items in.</param>
internal sealed class Intake(IReadOnlyList<Mailbox> mailboxes, ulong boot, OidTable oids) : IIntake
{
    private ulong _counter;
    private long _events;
    private long _batches;

    public OidTable Oids => oids;

    /// <summary>Readings handed in since the start, each counted once however many mailboxes take it.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>Batches handed in since the start.</summary>
    public long Batches => Interlocked.Read(ref _batches);

    public Ieid NextIeids(int count) => new(boot, Interlocked.Add(ref _counter, (ulong)count) - (ulong)count + 1);

    public ulong? LastTaken(string source, ulong incarnation) => mailboxes.Max(m => m.LastTaken(source, incarnation));

    public ulong LastTakenByAll(string source, ulong incarnation) =>
        mailboxes.Where(m => m.Enabled).Select(m => m.LastTaken(source, incarnation) ?? 0).DefaultIfEmpty(0UL).Min();

    public bool HasTaken(string source) => mailboxes.Any(m => m.HasTaken(source));

    public async ValueTask<Task<bool>> TakeAsync(EventBatch batch, SourcePosition? position, CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _events, batch.Count);
        Interlocked.Increment(ref _batches);
        batch.SortEqualTimes();
        var outcomes = new Task<AppendResult>[mailboxes.Count];
        for (var i = 0; i < mailboxes.Count; i++)
        {
            outcomes[i] = await mailboxes[i].EnqueueAsync(batch, position, cancellationToken);
        }

        return AllAcceptedAsync(outcomes);
    }

    public Task<bool> RecordLossAsync(LossRecord record) =>
        AllAcceptedAsync([.. mailboxes.Where(m => m.Enabled).Select(m => m.AppendLossAsync(record))]);

    /// <summary>A mailbox that does not collect is no reason to have a reading sent again; one that was closed is.</summary>
    private static async Task<bool> AllAcceptedAsync(Task<AppendResult>[] outcomes)
    {
        var accepted = true;
        foreach (var outcome in outcomes)
        {
            accepted &= await outcome != AppendResult.Closed;
        }

        return accepted;
    }
}
