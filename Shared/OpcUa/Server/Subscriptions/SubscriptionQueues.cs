using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>
/// The queues of all items of one subscription, and which of them have something to report. It has a lock of its own, the innermost one,
/// so that variables can be set without waiting for services.
/// </summary>
internal sealed class SubscriptionQueues(QueueBudget budget)
{
    /// <summary>Mask, status, two time stamps with picoseconds, client handle, and the byte that names the type.</summary>
    private const int ScalarBytesMax = 38;

    /// <summary>So many items may stand in the list without anything to report before somebody looks.</summary>
    private const int StaleKept = 100;

    private int _stale;

    public Lock Gate { get; } = new();

    public QueueBudget Budget { get; } = budget;

    /// <summary>Items that may have something to report, in the order in which they got it. Guarded by <see cref="Gate"/>.</summary>
    public Queue<MonitoredItem> Ready { get; } = new();

    /// <summary>True when there is something to report.</summary>
    public bool HasReports
    {
        get
        {
            lock (Gate)
            {
                while (Ready.TryPeek(out var item))
                {
                    if (item.HasReport)
                    {
                        return true;
                    }

                    Ready.Dequeue();
                    item.LeftReady();
                }

                return false;
            }
        }
    }

    /// <summary>
    /// An item in the list has nothing to report any more. Without publishing nobody takes such items out, so the list is tidied when they
    /// are many. Called under the gate.
    /// </summary>
    public void NoteStale()
    {
        _stale++;
        if (_stale <= StaleKept || _stale <= Ready.Count / 2)
        {
            return;
        }

        _stale = 0;
        for (var left = Ready.Count; left > 0; left--)
        {
            var item = Ready.Dequeue();
            if (item.HasReport)
            {
                Ready.Enqueue(item);
            }
            else
            {
                item.LeftReady();
            }
        }
    }

    /// <summary>Moves values to the batch, at most as many as given and roughly as many bytes; one value at least if there is one.</summary>
    /// <returns>True when there is more to report.</returns>
    public bool Drain(DataChangeBatch batch, int valuesMax, int bytesMax)
    {
        lock (Gate)
        {
            var bytes = 0L;
            while (Ready.TryPeek(out var item))
            {
                while (item.HasReport)
                {
                    if (batch.Count >= valuesMax || bytes >= bytesMax)
                    {
                        return true;
                    }

                    var value = item.TakeReport();
                    bytes += BytesOf(value.Value);
                    batch.Add(item.Settings.ClientHandle, value);
                }

                Ready.Dequeue();
                item.LeftReady();
            }

            return false;
        }
    }

    /// <summary>About as many bytes as the value will take on the wire, and rather more.</summary>
    private static long BytesOf(in Variant value) => ScalarBytesMax + BytesOf(value.Reference);

    private static long BytesOf(object? reference) => reference switch
    {
        null => 8,
        string text => 4 + (3L * text.Length),
        byte[] bytes => 4 + bytes.Length,
        ExtensionObject extension => 32 + (extension.Body?.Length ?? 0),
        XmlElement xml => BytesOf(xml.Text),
        LocalizedText text => 16 + BytesOf(text.Text),
        VariantMatrix matrix => (4L * matrix.Dimensions.Length) + BytesOf(matrix.Elements),
        string?[] texts => texts.Sum(t => BytesOf(t)),
        byte[]?[] items => items.Sum(i => BytesOf(i)),
        ExtensionObject?[] items => items.Sum(i => BytesOf(i)),
        Variant[] items => items.Sum(i => BytesOf(i)),
        Array items => 64L * items.Length,
        _ => 64,
    };
}
