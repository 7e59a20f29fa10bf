using ZfRepl.Core.Telemetry;

namespace ZfRepl.Simulation.Plant;

/// <summary>A reading as the plant made it. Its number is in its value, so that it can be told from every other one wherever it turns up.</summary>
internal sealed record Reading(int Number, int Edge, Oid Oid, long TimeNs, short Status, uint Quality, TelemetryValue Value);

/// <summary>A numbered notification with its readings.</summary>
internal sealed record PlantNotification(ulong Incarnation, ulong Sequence, IReadOnlyList<Reading> Readings);

/// <summary>
/// The server of a plant that a collector subscribes to: it keeps every notification until it is acknowledged, and gives out again what was not, to
/// the next process or to the same one when it asks. It never fails and never forgets: what is lost is lost by the system under test.
/// </summary>
internal sealed class PlantServer(int edge)
{
    private readonly List<PlantNotification> _kept = [];
    private ulong _incarnation = 1;
    private ulong _next = 1;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Edge { get; } = edge;

    /// <summary>How many notifications are not acknowledged.</summary>
    public int Kept => _kept.Count;

    /// <summary>Makes a notification.</summary>
    public PlantNotification Publish(IReadOnlyList<Reading> readings)
    {
        var notification = new PlantNotification(_incarnation, _next++, readings);
        _kept.Add(notification);
        Changed();
        return notification;
    }

    /// <summary>Numbers from 1 again, under another name, where nothing is kept.</summary>
    public bool TryRenumber()
    {
        if (_kept.Count > 0 || _next == 1)
        {
            return false;
        }

        (_incarnation, _next) = (_incarnation + 1, 1);
        return true;
    }

    /// <summary>The next notification that is kept behind a place, as soon as there is one.</summary>
    public async Task<PlantNotification> NextAsync((ulong Incarnation, ulong Sequence) behind, CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = _kept.Find(n => n.Incarnation > behind.Incarnation || (n.Incarnation == behind.Incarnation && n.Sequence > behind.Sequence));
            if (next is not null)
            {
                return next;
            }

            await _changed.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Forgets a notification.</summary>
    public void Acknowledge(PlantNotification notification) => _kept.Remove(notification);

    private void Changed()
    {
        var changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }
}
