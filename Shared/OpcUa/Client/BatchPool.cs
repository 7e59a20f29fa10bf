using ZfRepl.OpcUa.Encoding;

namespace ZfRepl.OpcUa.Client;

/// <summary>A few batches for use again and again, so that steady traffic allocates none. Thread-safe.</summary>
internal sealed class BatchPool(int keepMax)
{
    private readonly Lock _gate = new();
    private readonly Stack<DataChangeBatch> _free = new();

    public DataChangeBatch Rent()
    {
        lock (_gate)
        {
            return _free.TryPop(out var batch) ? batch : new DataChangeBatch();
        }
    }

    public void Return(DataChangeBatch batch)
    {
        batch.Clear();
        lock (_gate)
        {
            if (_free.Count < keepMax)
            {
                _free.Push(batch);
                return;
            }
        }

        batch.Dispose();
    }
}
