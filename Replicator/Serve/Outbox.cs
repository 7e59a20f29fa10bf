using System.Runtime.ExceptionServices;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>
/// Messages of one mailbox to its target, in order. A message is on its way when the bus has taken it over: that the broker has it is not waited
/// for, as it takes a round trip, but so many bytes at most are on their way at once. Used by its mailbox's worker alone.
/// </summary>
internal sealed class Outbox(IMessageBus bus, string topic, ServerAudit audit)
{
    private const long MaxBytes = 4 * 1024 * 1024;
    private const int MaxMessages = 512;

    private readonly Lock _gate = new();
    private TaskCompletionSource? _room;
    private Exception? _fault;
    private long _bytes;
    private int _messages;

    /// <summary>Hands a message over.</summary>
    /// <returns>False when it is known already that it will not get there.</returns>
    public async ValueTask<bool> SendAsync(byte[] message, CancellationToken cancellationToken)
    {
        await RoomAsync(cancellationToken);
        Count(message.Length, 1);
        var sending = SendNowAsync(message, cancellationToken);
        return !sending.IsCompleted || await sending;
    }

    private async Task RoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_gate)
            {
                if (_fault is { } fault)
                {
                    // A bus that throws is a defect.
                    ExceptionDispatchInfo.Throw(fault);
                }

                if (_bytes < MaxBytes && _messages < MaxMessages)
                {
                    return;
                }

                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
            }

            await room.WaitAsync(cancellationToken);
        }
    }

    private async Task<bool> SendNowAsync(byte[] message, CancellationToken cancellationToken)
    {
        try
        {
            var result = await bus.SendAsync(topic, message, cancellationToken);
            if (result is BusResult.Sent or BusResult.Unknown)
            {
                audit.Sent(message.Length);
            }
            else if (result is BusResult.Refused or BusResult.Unacceptable or BusResult.Forbidden)
            {
                audit.Refuse(
                    "broker", $"the broker refused a message of {message.Length} bytes", "raise the broker's message size limit, or lower server.chunk_size");
            }

            return result == BusResult.Sent;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
#pragma warning disable CA1031 // It is thrown by the next send.
        catch (Exception e)
#pragma warning restore CA1031
        {
            lock (_gate)
            {
                _fault = e;
            }

            return false;
        }
        finally
        {
            Count(-message.Length, -1);
        }
    }

    private void Count(int bytes, int messages)
    {
        lock (_gate)
        {
            _bytes += bytes;
            _messages += messages;
            if (messages < 0)
            {
                _room?.TrySetResult();
                _room = null;
            }
        }
    }
}
