using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Sources;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector;

/// <summary>Gives each reading its identity and hands it to all mailboxes. Thread-safe.</summary>
internal sealed class Intake : IIntake
{
    private readonly IReadOnlyList<Mailbox> _mailboxes;
    private readonly ulong _boot;
    private readonly bool _keepsStates;
    private ulong _counter;
    private long _events;
    private long _batches;

    /// <param name="mailboxes">Those that take readings as they come.</param>
    /// <param name="boot">The number of this start.</param>
    /// <param name="oids">The table that sources number their items in.</param>
    /// <param name="keepsStates">True when somebody wants snapshots of the last states.</param>
    public Intake(IReadOnlyList<Mailbox> mailboxes, ulong boot, OidTable oids, bool keepsStates = false)
    {
        _mailboxes = mailboxes;
        _boot = boot;
        _keepsStates = keepsStates;
        Oids = oids;
        States = new LastStates(oids);
    }

    public OidTable Oids { get; }

    /// <summary>Readings handed in since the start, each counted once however many mailboxes take it.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>The last state of each item; empty unless states are kept.</summary>
    public LastStates States { get; }

    /// <summary>Batches handed in since the start.</summary>
    public long Batches => Interlocked.Read(ref _batches);

    public Ieid NextIeids(int count) => new(_boot, Interlocked.Add(ref _counter, (ulong)count) - (ulong)count + 1);

    public ulong? LastTaken(string source, ulong incarnation) => _mailboxes.Max(m => m.LastTaken(source, incarnation));

    public ulong LastTakenByAll(string source, ulong incarnation) =>
        _mailboxes.Where(m => m.Enabled).Select(m => m.LastTaken(source, incarnation) ?? 0).DefaultIfEmpty(0UL).Min();

    public bool HasTaken(string source) => _mailboxes.Any(m => m.HasTaken(source));

    public async ValueTask<Task<bool>> TakeAsync(EventBatch batch, SourcePosition? position, CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _events, batch.Count);
        Interlocked.Increment(ref _batches);
        batch.SortEqualTimes();
        if (_keepsStates)
        {
            States.Update(batch, position?.Source);
        }

        var outcomes = new Task<AppendResult>[_mailboxes.Count];
        for (var i = 0; i < _mailboxes.Count; i++)
        {
            outcomes[i] = await _mailboxes[i].EnqueueAsync(batch, position, cancellationToken);
        }

        return AllAcceptedAsync(outcomes);
    }

    public Task<bool> RecordLossAsync(LossRecord record) =>
        AllAcceptedAsync([.. _mailboxes.Where(m => m.Enabled).Select(m => m.AppendLossAsync(record))]);

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
