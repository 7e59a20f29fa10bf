using System.Buffers.Binary;
using System.Globalization;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>
/// Keeps aside the events of a block that a rule of the history database keeps out, so that the others go in. Nothing of them is given up: where
/// the quarantine has no room, the import waits. Made for one block; not thread-safe.
/// </summary>
internal sealed class RuledOutEvents(Quarantine quarantine, SinkBlock block, string origin)
{
    private readonly KeptEvents _kept = new();
    private readonly byte[] _numbers = new byte[sizeof(uint) + sizeof(ulong)];
    private HistoryError? _error;
    private ulong _last;
    private uint _sum;

    /// <summary>How many so far.</summary>
    public long Count { get; private set; }

    /// <summary>The first item.</summary>
    public Oid? First { get; private set; }

    /// <summary>Takes the events that a write was refused for.</summary>
    /// <param name="events">What was to be written.</param>
    /// <param name="runs">Which events, and their sequence numbers.</param>
    /// <param name="error">The refusal.</param>
    /// <param name="nowNs">The wall clock.</param>
    /// <returns>The others; or why these can't be kept.</returns>
    public (EventPart? Others, ImportOutcome.TryLater? Trouble) Take(EventBatch events, IReadOnlyList<SequenceRun> runs, HistoryError error, long nowNs)
    {
        _error = error;
        ImportOutcome.TryLater? trouble = null;
        var others = EventPart.Without(events, runs, error.Refused, (index, sequence) => trouble ??= Add(events, index, sequence, nowNs));
        return trouble is null ? (others, null) : (null, trouble);
    }

    /// <summary>Keeps the collected ones aside, durably.</summary>
    public ImportOutcome.TryLater? Flush(long nowNs)
    {
        if (_kept.Count == 0)
        {
            return null;
        }

        // The name tells which events they are: after a crash the same ones are not kept twice, and others are under another rule.
        var name = string.Create(
            CultureInfo.InvariantCulture, $"refused-{block.Key.Stream}-{block.Key.Index}-{block.Key.Hash.ToString()[..16]}-rule-{_sum:x8}");
        var reason = string.Create(CultureInfo.InvariantCulture, $"{_kept.Count} events of {Node} are refused: {Rule}");
        var kept = quarantine.KeepEvents(name, QuarantineKind.RefusedEvents, _kept.Take(block, nowNs), origin, reason);
        _sum = 0;
        return !kept.IsOk ? ImportTrouble.With(kept.Error)
            : kept.Value is null ? new ImportOutcome.TryLater(
                ImportObstacle.History, $"{_error!.Detail} The quarantine has no room for them.", $"{_error.Remedy}; or make room in the quarantine", NeedsOperator: true)
            : null;
    }

    /// <summary>
    /// The entry in the books. It has no sequence numbers: the events arrived, and stay out for now. It is another one than that of events that their
    /// source may not write, which may be as many in the same block.
    /// </summary>
    public LossEntry Entry(ulong atSequence, long nowNs) => new(
        LossOrigin.Import,
        atSequence,
        Occurrence: 1,
        new LossRecord(
            LossReason.Refused, 0, 0, (ulong)Count, IsExact: true, 0, 0, nowNs, $"block {block.Key.Index} of {Node}", $"{Rule}; they are in the quarantine"));

    private string Node => block.Node.Length == 0 ? "an unknown node" : block.Node;

    private string Rule => $"a rule of the history database: {_error!.Refused[0].Reason}";

    private ImportOutcome.TryLater? Add(EventBatch events, int index, ulong sequence, long nowNs)
    {
        // In a file they ascend.
        if ((_kept.IsFull || (_kept.Count > 0 && sequence <= _last)) && Flush(nowNs) is { } trouble)
        {
            return trouble;
        }

        Count++;
        First ??= events.Oids[events.Items[index]];
        _kept.Add(block.Key.Stream, events, index, sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(_numbers, _sum);
        BinaryPrimitives.WriteUInt64LittleEndian(_numbers.AsSpan(sizeof(uint)), sequence);
        _sum = Crc32C.Compute(_numbers);
        _last = sequence;
        return null;
    }
}
