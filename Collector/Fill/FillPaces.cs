using ZfRepl.Hosting.Progress;

namespace ZfRepl.Collector.Fill;

/// <summary>How fast the open fill tasks of one mailbox go on, as far as this process works on them. Thread-safe.</summary>
internal sealed class FillPaces(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, WorkPace> _paces = new(StringComparer.Ordinal);

    /// <summary>From 0 to 1, by the range of time that is done.</summary>
    public static double ShareOf(FillTask task) => task.State == FillState.Done
        ? 1
        : (double)((task.NextNs - (decimal)task.StartNs) / Math.Max(1m, (decimal)task.EndNs - task.StartNs));

    /// <summary>The open tasks as they are now; what is not among them has ended.</summary>
    public void Note(IReadOnlyList<FillTask> open)
    {
        lock (_gate)
        {
            foreach (var ended in _paces.Keys.Where(id => open.All(t => t.Id != id)).ToList())
            {
                _paces.Remove(ended);
            }

            foreach (var task in open)
            {
                var done = new WorkDone((long)task.Events, (long)task.Bytes, ShareOf(task));
                if (_paces.TryGetValue(task.Id, out var pace))
                {
                    pace.Note(done);
                }
                else
                {
                    _paces.Add(task.Id, new WorkPace(time, done));
                }
            }
        }
    }

    /// <summary>The rate of a task, or null when nothing has been done for it by this process.</summary>
    public WorkRate? Of(string id)
    {
        lock (_gate)
        {
            return _paces.TryGetValue(id, out var pace) ? pace.Now() : null;
        }
    }
}
