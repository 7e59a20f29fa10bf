using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>Remembers for each item whether the filter takes it, so that masks are not evaluated for each event. Thread-safe.</summary>
internal sealed class ItemMatches
{
    private const byte Unknown = 0;
    private const byte No = 1;
    private const byte Yes = 2;

    private readonly OidFilter _filter;
    private readonly Lock _gate = new();
    private byte[] _answers = new byte[64];

    public ItemMatches(OidTable oids, OidFilter filter)
    {
        Oids = oids;
        _filter = filter;
        Check = Matches;
    }

    public OidTable Oids { get; }

    /// <summary><see cref="Matches"/>, made once.</summary>
    public Func<int, bool> Check { get; }

    public bool Matches(int item)
    {
        var answers = Volatile.Read(ref _answers);
        if (item < answers.Length && answers[item] != Unknown)
        {
            return answers[item] == Yes;
        }

        lock (_gate)
        {
            if (item >= _answers.Length)
            {
                var larger = new byte[Math.Max(item + 1, _answers.Length * 2)];
                _answers.CopyTo(larger, 0);
                Volatile.Write(ref _answers, larger);
            }

            var taken = _filter.Matches(Oids[item]);
            _answers[item] = taken ? Yes : No;
            return taken;
        }
    }
}
