using System.Buffers.Binary;
using ZfRepl.OpcUa.Services;

namespace ZfRepl.OpcUa.Server;

/// <summary>Where a Browse goes on.</summary>
/// <param name="Node">The node that is browsed.</param>
/// <param name="Request">What the client wants to see.</param>
/// <param name="NextIndex">The first reference that was not looked at yet.</param>
/// <param name="ReferencesMax">The most references in one answer.</param>
internal sealed record BrowseContinuation(ServerNode Node, BrowseDescription Request, int NextIndex, int ReferencesMax);

/// <summary>The continuation points of one session, bounded. Guarded by the server's gate.</summary>
internal sealed class BrowseContinuations(int countMax)
{
    private readonly Dictionary<ulong, BrowseContinuation> _points = [];
    private ulong _lastId;

    /// <summary>Keeps a place; null when there are too many already.</summary>
    public byte[]? TryAdd(BrowseContinuation continuation)
    {
        if (_points.Count >= countMax)
        {
            return null;
        }

        _points.Add(++_lastId, continuation);
        var point = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(point, _lastId);
        return point;
    }

    /// <summary>Takes a place out; null when there is none of that name.</summary>
    public BrowseContinuation? Take(byte[]? point) =>
        point?.Length == sizeof(ulong) && _points.Remove(BinaryPrimitives.ReadUInt64LittleEndian(point), out var continuation)
            ? continuation
            : null;
}
