using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>
/// What is with the host: at most one notification that it has not taken yet, and those that it has taken but that are not durable. For one
/// caller; tasks of the host wake it by the signal.
/// </summary>
internal sealed class HostWindow(ISubscriptionHost host, BatchPool pool, AsyncSignal signal, int max)
{
    private readonly List<Held> _held = [];
    private Offered? _offered;
    private bool _isSettled;

    /// <summary>Notifications with the host.</summary>
    public int Count => _held.Count + (_offered is null ? 0 : 1);

    /// <summary>True when the host takes another one now.</summary>
    public bool IsOpen => _offered is null && _held.Count < max;

    /// <summary>True while the host has not answered: then nothing else may be asked of it.</summary>
    public bool IsBusy => _offered is not null;

    /// <summary>True when a number of a subscription is with the host.</summary>
    public bool Holds(ulong incarnation, uint number) =>
        (_offered is { } offered && offered.Incarnation == incarnation && offered.Number == number)
        || _held.Exists(h => h.Incarnation == incarnation && h.Number == number);

    /// <summary>True when anything of a subscription is with the host.</summary>
    public bool HoldsAny(ulong incarnation) => _offered?.Incarnation == incarnation || _held.Exists(h => h.Incarnation == incarnation);

    /// <summary>Offers a notification; the window must be open.</summary>
    public void Offer(Notification notification, CancellationToken cancellationToken)
    {
        var taking = host.TakeAsync(notification, cancellationToken).AsTask();
        _offered = new Offered(notification, taking);
        WakeAtEnd(taking);
    }

    /// <summary>Looks what the host has done by now.</summary>
    /// <param name="durable">Called with each notification that has become durable.</param>
    /// <returns>An error when the host said no.</returns>
    public async Task<UaError?> CollectAsync(Action<ulong, uint> durable)
    {
        if (_offered is { Taking.IsCompleted: true } offered)
        {
            _offered = null;
            var inner = await offered.Taking;
            _held.Add(new Held(offered.Notification, inner));
            WakeAtEnd(inner);
        }

        UaError? refusal = null;
        for (var i = 0; i < _held.Count;)
        {
            var held = _held[i];
            if (!held.Durable.IsCompleted)
            {
                i++;
                continue;
            }

            _held.RemoveAt(i);
            var isDurable = await held.Durable;
            pool.Return(held.Changes);
            if (isDurable)
            {
                durable(held.Incarnation, held.Number);
            }
            else
            {
                refusal ??= new UaError(
                    StatusCodes.BadOutOfService, $"notification {held.Number} could not be made durable; it stays at the server");
            }
        }

        return refusal;
    }

    /// <summary>
    /// At the end of all: waits once, not longer than that, until everything with the host has come to its end, whatever that is.
    /// </summary>
    public async Task SettleAsync(TimeSpan limit, TimeProvider time)
    {
        if (_isSettled)
        {
            return;
        }

        _isSettled = true;
        using var timeout = new CancellationTokenSource(limit, time);
        try
        {
            if (_offered is { } offered)
            {
                await Task.WhenAny(offered.Taking).WaitAsync(timeout.Token);
            }

            foreach (var held in _held.ToArray())
            {
                await Task.WhenAny(held.Durable).WaitAsync(timeout.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // What is not durable by now is not acknowledged, and so comes again.
        }

        DropFailed();
    }

    /// <summary>Only at the end: what was cancelled or has failed is not durable, and that is all there is to know about it.</summary>
    private void DropFailed()
    {
        if (_offered is { Taking: { IsCompleted: true, IsCompletedSuccessfully: false } })
        {
            _ = _offered.Taking.Exception;
            _offered = null;
        }

        foreach (var held in _held.Where(h => h.Durable is { IsCompleted: true, IsCompletedSuccessfully: false }).ToArray())
        {
            _ = held.Durable.Exception;
            _held.Remove(held);
        }
    }

    private void WakeAtEnd(Task task)
    {
        if (task.IsCompleted)
        {
            signal.Set();
        }
        else
        {
            task.GetAwaiter().OnCompleted(signal.Set);
        }
    }

    private sealed record Offered(Notification Notification, Task<Task<bool>> Taking)
    {
        public ulong Incarnation => Notification.Incarnation;

        public uint Number => Notification.SequenceNumber;
    }

    private sealed record Held(Notification Notification, Task<bool> Durable)
    {
        public ulong Incarnation => Notification.Incarnation;

        public uint Number => Notification.SequenceNumber;

        public Encoding.DataChangeBatch Changes => Notification.Changes;
    }
}
