using System.Diagnostics.CodeAnalysis;
using ZfRepl.OpcUa.Services;

namespace ZfRepl.OpcUa.Server;

/// <summary>
/// What a subscription has sent and the client has not acknowledged (OPC 10000-4, 5.14.1.1), bounded in number and bytes: the oldest goes
/// first. Guarded by the server's gate.
/// </summary>
internal sealed class RetransmissionQueue(int messagesMax, long bytesMax)
{
    private readonly LinkedList<(NotificationMessage Message, int Bytes)> _order = new();
    private readonly Dictionary<uint, LinkedListNode<(NotificationMessage Message, int Bytes)>> _bySequence = [];
    private long _bytes;

    /// <summary>The numbers of all messages that are kept, in the order in which they were sent.</summary>
    public uint[] Available => [.. _order.Select(m => m.Message.SequenceNumber)];

    /// <summary>Keeps a message.</summary>
    /// <returns>How many old ones were dropped for it.</returns>
    public int Add(NotificationMessage message)
    {
        var bytes = message.NotificationData.Sum(d => d?.Body?.Length ?? 0);
        _bySequence[message.SequenceNumber] = _order.AddLast((message, bytes));
        _bytes += bytes;
        var dropped = 0;
        while (_order.Count > messagesMax || (_bytes > bytesMax && _order.Count > 1))
        {
            Remove(_order.First!);
            dropped++;
        }

        return dropped;
    }

    /// <summary>Forgets a message; false when it is not here.</summary>
    public bool Acknowledge(uint sequenceNumber)
    {
        if (!_bySequence.TryGetValue(sequenceNumber, out var node))
        {
            return false;
        }

        Remove(node);
        return true;
    }

    public bool TryFind(uint sequenceNumber, [NotNullWhen(true)] out NotificationMessage? message)
    {
        message = _bySequence.TryGetValue(sequenceNumber, out var node) ? node.Value.Message : null;
        return message is not null;
    }

    private void Remove(LinkedListNode<(NotificationMessage Message, int Bytes)> node)
    {
        _bySequence.Remove(node.Value.Message.SequenceNumber);
        _bytes -= node.Value.Bytes;
        _order.Remove(node);
    }
}
