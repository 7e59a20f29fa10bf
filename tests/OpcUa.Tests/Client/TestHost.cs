using System.Collections.Concurrent;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Tests.Interop;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>A host whose disk is a <see cref="Books"/>: durable in order, at once or when the test lets it.</summary>
internal sealed class TestHost(Books books, IReadOnlyList<WatchedItem> items) : ISubscriptionHost
{
    private readonly ConcurrentQueue<string> _faults = new();
    private readonly Dictionary<ulong, uint> _lastTaken = [];
    private Task _last = Task.CompletedTask;
    private Task _gate = Task.CompletedTask;
    private TaskCompletionSource? _opener;
    private int _open;

    public IReadOnlyList<WatchedItem> Items { get; set; } = items;

    /// <summary>When set, selecting fails with it.</summary>
    public UaError? SelectError { get; set; }

    /// <summary>The negative control: says that it is durable and keeps it in memory, where a killed process loses it.</summary>
    public bool Lies { get; set; }

    /// <summary>True after the process was "killed": nothing becomes durable any more.</summary>
    public bool IsDead { get; set; }

    public bool SaysNo { get; set; }

    public int OpenMax { get; private set; }

    public int Open => Volatile.Read(ref _open);

    public int Selected { get; private set; }

    public int Saved { get; private set; }

    public int TakenAgain { get; private set; }

    public IReadOnlyCollection<string> Faults => _faults;

    public void CloseGate()
    {
        _opener = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gate = _opener.Task;
    }

    public void OpenGate() => _opener!.SetResult();

    public ValueTask<UaResult<IReadOnlyList<WatchedItem>>> SelectItemsAsync(Session session, CancellationToken cancellationToken)
    {
        Selected++;
        return ValueTask.FromResult(SelectError is { } error ? error : ToResult(Items));
    }

    public ValueTask<ReadOnlyMemory<byte>?> LoadStateAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(books.State is { } state ? new ReadOnlyMemory<byte>(state) : (ReadOnlyMemory<byte>?)null);

    public ValueTask<bool> SaveStateAsync(ReadOnlyMemory<byte> state, CancellationToken cancellationToken)
    {
        Saved++;
        books.State = IsDead ? books.State : state.ToArray();
        return ValueTask.FromResult(true);
    }

    public (uint Everywhere, uint Anywhere)? LastDurable(ulong incarnation) => books.Durable(incarnation) is { } last ? (last, last) : null;

    public ValueTask<Task<bool>> TakeAsync(Notification notification, CancellationToken cancellationToken)
    {
        if (Saved == 0)
        {
            _faults.Enqueue("taken before the state was saved");
        }

        if (books.Durable(notification.Incarnation) >= notification.SequenceNumber)
        {
            TakenAgain++;
        }

        if (_lastTaken.TryGetValue(notification.Incarnation, out var last) && notification.SequenceNumber <= last)
        {
            _faults.Enqueue($"number {notification.SequenceNumber} after {last}");
        }

        _lastTaken[notification.Incarnation] = notification.SequenceNumber;
        var changes = notification.Changes;
        var lines = new string[changes.Count];
        for (var i = 0; i < lines.Length; i++)
        {
            lines[i] = PlantLog.Line(notification.Keys[(int)changes.ClientHandles[i]], changes.GetDataValue(i));
        }

        OpenMax = Math.Max(OpenMax, Interlocked.Increment(ref _open));
        var commit = CommitAsync(_last, notification.Incarnation, notification.SequenceNumber, lines);
        _last = commit;
        return ValueTask.FromResult(Lies ? Task.FromResult(true) : commit);
    }

    public Task<bool> RecordLossAsync(NotificationLoss loss, CancellationToken cancellationToken)
    {
        books.Enter(loss);
        return Task.FromResult(true);
    }

    private static UaResult<IReadOnlyList<WatchedItem>> ToResult(IReadOnlyList<WatchedItem> items) => items.ToArray();

    private async Task<bool> CommitAsync(Task before, ulong incarnation, uint number, string[] lines)
    {
        await before;
        await _gate;
        if (IsDead)
        {
            // Nobody hears of it any more.
            await Task.Delay(Timeout.Infinite);
        }

        books.Enter(incarnation, number, lines);
        Interlocked.Decrement(ref _open);
        return !SaysNo;
    }
}
