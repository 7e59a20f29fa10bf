using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector;

/// <summary>Remembers the newest state of each item, in the order of arrival, for snapshots. Thread-safe.</summary>
/// <param name="oids">The numbering of the items.</param>
internal sealed class LastStates(OidTable oids)
{
    private readonly Lock _gate = new();
    private State[] _states = new State[64];

    /// <summary>The numbering of the items.</summary>
    public OidTable Oids => oids;

    /// <summary>Takes in what a source has brought.</summary>
    /// <param name="batch">The readings.</param>
    /// <param name="source">The source's name, or null for one that has no connection to lose.</param>
    public void Update(EventBatch batch, string? source)
    {
        lock (_gate)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var item = batch.Items[i];
                if (item >= _states.Length)
                {
                    Array.Resize(ref _states, Math.Max(item + 1, _states.Length * 2));
                }

                _states[item] = new State(
                    IsKnown: true, source, batch.Statuses[i], batch.Qualities[i], (ValueKind)batch.Kinds[i], batch.Bits[i], batch.References[i]);
            }
        }
    }

    /// <summary>Fills a batch with the states of items at one time.</summary>
    /// <param name="target">The batch; it is cleared first.</param>
    /// <param name="timeNs">The time that all of them get.</param>
    /// <param name="isTaken">Which items.</param>
    /// <param name="isConnected">Items of a source for which this is false are left out.</param>
    /// <param name="nextIeids">Gives identities.</param>
    public void Snapshot(EventBatch target, long timeNs, Func<int, bool> isTaken, Func<string, bool> isConnected, Func<int, Ieid> nextIeids)
    {
        target.Clear();
        var known = oids.Count;
        lock (_gate)
        {
            var first = nextIeids(Math.Max(1, Math.Min(known, _states.Length)));
            for (var item = 0; item < known && item < _states.Length; item++)
            {
                var state = _states[item];
                if (state.IsKnown && isTaken(item) && (state.Source is null || isConnected(state.Source)))
                {
                    var ieid = new Ieid(first.Boot, first.Counter + (ulong)target.Count);
                    target.Add(item, timeNs, state.Status, state.Quality, state.Kind, state.Bits, state.Reference, ieid, EventFlags.None);
                }
            }
        }
    }

    private readonly record struct State(
        bool IsKnown, string? Source, short Status, uint Quality, ValueKind Kind, ulong Bits, object? Reference);
}
