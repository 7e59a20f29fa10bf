using System.Globalization;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>
/// Tells the events of a block that its source may write from those that it may not, and keeps the latter aside. Made for one block; not
/// thread-safe.
/// </summary>
internal sealed class GuardedEvents(SourceGuard guard, Quarantine? quarantine, SinkBlock block, string origin, OidTable oids)
{
    private const int MaxNamed = 10;

    private readonly AccessRights _rights = guard.Now;
    private readonly EventPart _allowed = new(oids);
    private readonly KeptEvents _kept = new();
    private readonly SortedSet<string> _refusedOids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, bool> _answers = [];
    private int _files;
    private long _unkept;

    /// <summary>The allowed events of the part looked at last.</summary>
    public EventBatch Allowed => _allowed.Events;

    /// <summary>Their sequence numbers.</summary>
    public IReadOnlyList<SequenceRun> Runs => _allowed.Runs;

    /// <summary>How many events were refused so far.</summary>
    public long Refused { get; private set; }

    /// <summary>The first item that was refused.</summary>
    public Oid? FirstRefused { get; private set; }

    /// <summary>Parts events into allowed ones and refused ones.</summary>
    /// <param name="events">Holds them.</param>
    /// <param name="runs">Which ones, and their sequence numbers.</param>
    /// <param name="keep">True collects the refused ones, to be kept aside.</param>
    /// <param name="nowNs">The wall clock.</param>
    /// <returns>Ok; or why refused ones that have become too many for memory can't be kept.</returns>
    public StorageResult Part(EventBatch events, IReadOnlyList<SequenceRun> runs, bool keep, long nowNs)
    {
        _allowed.Clear();
        foreach (var run in runs)
        {
            for (var i = 0; i < run.Count; i++)
            {
                if (MayWrite(events.Items[run.Start + i]))
                {
                    _allowed.Add(events, run.Start + i, run.FirstSequence + (ulong)i);
                    continue;
                }

                Refused++;
                FirstRefused ??= events.Oids[events.Items[run.Start + i]];
                if (!keep)
                {
                    continue;
                }

                if (_refusedOids.Count < MaxNamed)
                {
                    _refusedOids.Add(events.Oids[events.Items[run.Start + i]].Text);
                }

                _kept.Add(block.Key.Stream, events, run.Start + i, run.FirstSequence + (ulong)i);
                if (_kept.IsFull && Flush(nowNs) is { IsOk: false } failed)
                {
                    return failed;
                }
            }
        }

        return StorageResult.Ok;
    }

    /// <summary>Keeps the collected ones aside, durably.</summary>
    public StorageResult Flush(long nowNs)
    {
        if (_kept.Count == 0)
        {
            return StorageResult.Ok;
        }

        var count = _kept.Count;
        if (quarantine is null)
        {
            _kept.Clear();
            _unkept += count;
            return StorageResult.Ok;
        }

        // The name tells the content: after a crash the same events are not kept twice.
        var name = string.Create(
            CultureInfo.InvariantCulture, $"refused-{block.Key.Stream}-{block.Key.Index}-{block.Key.Hash.ToString()[..16]}-{++_files}");
        var kept = quarantine.KeepEvents(
            name,
            QuarantineKind.RefusedEvents,
            _kept.Take(block, nowNs),
            origin,
            string.Create(CultureInfo.InvariantCulture, $"{count} events of {Node} are refused: {Why()}"));
        if (!kept.IsOk)
        {
            return kept.Error;
        }

        _unkept += kept.Value is null ? count : 0;
        return StorageResult.Ok;
    }

    /// <summary>The entry in the books. It has no sequence numbers: the events arrived, and stay out on purpose.</summary>
    public LossEntry Entry(ulong atSequence, long nowNs) => new(
        LossOrigin.Import,
        atSequence,
        0,
        new LossRecord(
            LossReason.Refused, 0, 0, (ulong)Refused, IsExact: true, 0, 0, nowNs, $"block {block.Key.Index} of {Node}",
            Why() + (_unkept == 0 ? "; they are in the quarantine" : $"; {_unkept} of them are not kept: the quarantine is full")));

    private string Node => block.Node.Length == 0 ? "an unknown node" : block.Node;

    private string Why()
    {
        var more = _refusedOids.Count == MaxNamed ? " and others" : "";
        return $"key '{guard.KeyId}' may not write {string.Join(", ", _refusedOids)}{more}";
    }

    private bool MayWrite(int item)
    {
        if (!_answers.TryGetValue(item, out var answer))
        {
            _answers.Add(item, answer = _rights.MayWrite(oids[item]));
        }

        return answer;
    }
}
