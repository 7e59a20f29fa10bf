using ZfRepl.Core.History;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>Some of the events of a batch, one behind the other, with their sequence numbers. Reused; not thread-safe.</summary>
internal sealed class EventPart(OidTable oids)
{
    private readonly List<SequenceRun> _runs = [];

    /// <summary>The events.</summary>
    public EventBatch Events { get; } = new(oids);

    /// <summary>Their sequence numbers.</summary>
    public IReadOnlyList<SequenceRun> Runs => _runs;

    /// <summary>Forgets them.</summary>
    public void Clear()
    {
        Events.Clear();
        _runs.Clear();
    }

    /// <summary>Adds an event.</summary>
    public void Add(EventBatch from, int index, ulong sequence)
    {
        var at = Events.Count;
        Events.AddFrom(from, index);
        if (_runs.Count > 0 && _runs[^1] is var last && last.FirstSequence + (ulong)last.Count == sequence)
        {
            _runs[^1] = last with { Count = last.Count + 1 };
            return;
        }

        _runs.Add(new SequenceRun(at, 1, sequence));
    }

    /// <summary>Those events of a batch that a database takes.</summary>
    /// <param name="from">Holds them.</param>
    /// <param name="runs">Which ones, and their sequence numbers.</param>
    /// <param name="ruledOut">Those that it does not take.</param>
    /// <param name="left">Is told the index and the sequence number of each of these; null when nobody wants to know.</param>
    public static EventPart Without(EventBatch from, IReadOnlyList<SequenceRun> runs, IReadOnlyList<RuledOut> ruledOut, Action<int, ulong>? left)
    {
        var part = new EventPart(from.Oids);
        var ruled = ruledOut.Select(r => r.Index).ToHashSet();
        foreach (var run in runs)
        {
            for (var i = 0; i < run.Count; i++)
            {
                var (index, sequence) = (run.Start + i, run.FirstSequence + (ulong)i);
                if (ruled.Contains(index))
                {
                    left?.Invoke(index, sequence);
                }
                else
                {
                    part.Add(from, index, sequence);
                }
            }
        }

        return part;
    }
}
