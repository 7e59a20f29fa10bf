namespace ZfRepl.OpcUa.Server;

/// <summary>The room that the queues of all monitored items share, in values. Thread-safe.</summary>
internal sealed class QueueBudget(int valuesMax)
{
    private long _taken;

    /// <summary>Takes room; false when there is not enough left.</summary>
    public bool TryTake(int values)
    {
        if (Interlocked.Add(ref _taken, values) <= valuesMax)
        {
            return true;
        }

        Interlocked.Add(ref _taken, -values);
        return false;
    }

    public void Return(int values) => Interlocked.Add(ref _taken, -values);
}
