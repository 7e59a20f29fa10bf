using System.Globalization;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;
using ZfRepl.Simulation.Plant;

namespace ZfRepl.Simulation.Checks;

/// <summary>
/// What really happened, beside the system under test: which readings the plant made, which of them the collector has answered for, and which are
/// in which database. It checks at every step that nothing is invented, twice, or forgotten.
/// </summary>
/// <param name="loop">Where violations go.</param>
/// <param name="plan">What may be lost.</param>
/// <param name="centres">The databases.</param>
internal sealed class Truth(SimLoop loop, Plan plan, IReadOnlyList<HistoryStore> centres)
{
    private readonly List<Reading> _readings = [];
    private readonly Dictionary<int, int> _made = [];
    private readonly List<HashSet<int>> _inDatabase = [.. centres.Select(_ => new HashSet<int>())];
    private readonly Dictionary<(int Edge, int Centre), HashSet<int>> _owed = [];
    private readonly Dictionary<(int Edge, int Centre, int Number), Place> _givenUp = [];
    private readonly Dictionary<(int Edge, int Centre), RotBook> _rot = [];
    private readonly Dictionary<(int Edge, int Centre), ulong> _streams = [];

    /// <summary>Readings made by each edge's plant.</summary>
    public int Made(int edge) => _made.GetValueOrDefault(edge);

    /// <summary>The edges' machines.</summary>
    public IReadOnlyList<SimMachine> Machines { get; set; } = [];

    /// <summary>All readings.</summary>
    public int Total => _readings.Count;

    /// <summary>Readings that were given up, each with an entry in the ledger.</summary>
    public int GivenUp => _givenUp.Count;

    /// <summary>The number in a reading's value, -1 where there is none.</summary>
    public static int NumberIn(in TelemetryValue value) => value.Kind switch
    {
        ValueKind.Int64 => (int)value.AsInt64,
        ValueKind.Double => (int)value.AsDouble,
        ValueKind.String when int.TryParse(value.AsText.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        _ => -1,
    };

    /// <summary>The plant makes a reading.</summary>
    public Reading Make(int edge, Oid oid, long timeNs)
    {
        var number = _readings.Count;
        var value = (number % 3) switch
        {
            0 => TelemetryValue.From((long)number),
            1 => TelemetryValue.From(number + 0.5),
            _ => TelemetryValue.From(string.Create(CultureInfo.InvariantCulture, $"v{number}")),
        };
        var reading = new Reading(number, edge, oid, timeNs, (short)(number % 7 == 0 ? -1 : 1), number % 5 == 0 ? 0x40000000U : 0U, value);
        _readings.Add(reading);
        _made[edge] = Made(edge) + 1;
        return reading;
    }

    /// <summary>The collector answers for these readings from now on.</summary>
    public void Acknowledged(PlantNotification notification)
    {
        foreach (var reading in notification.Readings)
        {
            for (var centre = 0; centre < centres.Count; centre++)
            {
                if (!_inDatabase[centre].Contains(reading.Number))
                {
                    Owed(reading.Edge, centre).Add(reading.Number);
                }
            }
        }
    }

    /// <summary>A database has a new row.</summary>
    public void Inserted(int centre, in TelemetryEvent e)
    {
        var number = NumberIn(e.Value);
        if (number < 0 || number >= _readings.Count)
        {
            loop.Violate($"{centres[centre].Name} has an event that nobody made: {e}");
            return;
        }

        var made = _readings[number];
        if (made.Oid.Text != e.Oid.Text || made.TimeNs != e.TimeNs || made.Status != e.Status || made.Quality != e.Quality || made.Value != e.Value)
        {
            loop.Violate($"{centres[centre].Name} has another event than was made: {e} instead of {made}");
        }

        if (!_inDatabase[centre].Add(number))
        {
            loop.Violate($"{centres[centre].Name} has reading {number} twice: {e}");
        }

        Owed(made.Edge, centre).Remove(number);
    }

    /// <summary>A file of a mailbox is about to be deleted: what the collector answers for must be somewhere else, and certain to stay there.</summary>
    public void Deleting(SimMachine machine, int edge, int centre, string path)
    {
        if (machine.Storage.Content(path) is not { } bytes)
        {
            return;
        }

        var (owed, rot, block) = (Owed(edge, centre), Rot(edge, centre), Place.BlockOf(path));
        var left = BlockContent.Read(bytes).Readings.Where(r => owed.Contains(r.Number) && !rot.IsUndecidable(r.Number))
            .ToDictionary(r => r.Number, r => new Place(r.Stream, r.Sequence, block));
        var bad = rot.In(block).Where(n => owed.Contains(n) && !rot.IsUndecidable(n) && !left.ContainsKey(n)).ToHashSet();
        if (left.Count + bad.Count == 0)
        {
            return;
        }

        // Most likely they are in another file of the same block.
        var others = BlockFiles(machine, path).Where(p => p != path).OrderByDescending(p => Place.BlockOf(p) == block).ToList();
        var losses = new DeclaredLosses();
        for (var i = 0; i < others.Count && left.Count + bad.Count > 0; i++)
        {
            if (machine.Storage.Durable(others[i]) is { } durable)
            {
                var there = BlockContent.Read(durable);
                losses.Add(there.Losses);
                there.Readings.ForEach(r =>
                {
                    left.Remove(r.Number);
                    bad.Remove(r.Number);
                });
            }
        }

        if (left.Count + bad.Count == 0)
        {
            return;
        }

        var aside = AsideFiles.Read(machine, _streams[(edge, centre)]);
        losses.Add(LossesInDatabase(centre).Concat(aside.Losses).Concat(rot.Losses));
        foreach (var (number, place) in left)
        {
            if (!plan.MayExpire || !losses.Has(place))
            {
                loop.Violate(
                    $"{path} is deleted while reading {number} (sequence {place.Sequence}) is neither in {centres[centre].Name} nor in another file nor in the loss ledger");
                return;
            }

            _givenUp[(edge, centre, number)] = place;
        }

        // What went bad is where the rest of its block is, until the ledger has it.
        if (!others.Exists(p => Place.BlockOf(p) == block) && !aside.Blocks.Contains(block) && bad.Any(n => !rot.Readings[n].Exists(p => losses.Has(p))))
        {
            loop.Violate($"{path} is deleted while reading {bad.First(n => !rot.Readings[n].Exists(p => losses.Has(p)))}, which went bad in it, is in no ledger and kept nowhere");
        }
    }

    /// <summary>After a crash: everything that the collector answers for must be in a file, in the database, or in the loss ledger.</summary>
    public void Survey(SimMachine machine, int edge, int centre, string folder)
    {
        var owed = Owed(edge, centre);
        if (owed.Count == 0)
        {
            return;
        }

        var contents = BlockFiles(machine, Path.Combine(folder, "x")).Select(p => (Block: Place.BlockOf(p), Content: BlockContent.Read(machine.Storage.Content(p)!))).ToList();
        var there = contents.SelectMany(c => c.Content.Readings).Select(r => r.Number).ToHashSet();
        var (rot, aside) = (Rot(edge, centre), AsideFiles.Read(machine, _streams[(edge, centre)]));
        var losses = new DeclaredLosses();
        losses.Add(contents.SelectMany(c => c.Content.Losses).Concat(LossesInDatabase(centre)).Concat(aside.Losses).Concat(rot.Losses));
        var blocks = contents.Select(c => c.Block).Concat(aside.Blocks).ToHashSet(StringComparer.Ordinal);
        foreach (var number in owed.Where(n => !there.Contains(n) && !aside.Readings.ContainsKey(n) && !rot.IsUndecidable(n)))
        {
            if (!(_givenUp.TryGetValue((edge, centre, number), out var place) && losses.Has(place))
                && !(rot.Readings.TryGetValue(number, out var bad) && bad.Exists(p => blocks.Contains(p.Block) || losses.Has(p))))
            {
                loop.Violate($"reading {number} was acknowledged to the plant and is nowhere after the crash of {machine.Name} (for {centres[centre].Name})");
                return;
            }
        }
    }

    /// <summary>Bytes of a block file went bad after they were synced.</summary>
    public void Struck(int edge, int centre, string path, byte[] before, byte[] after) =>
        Rot(edge, centre).Struck(path, BlockName.TryParseOpen(Path.GetFileName(path), out _), BlockContent.Read(before), BlockContent.Read(after));

    /// <summary>
    /// What is neither in the database nor in its loss ledger. An entry of the ledger in a file that could not be read itself counts: whoever looks into
    /// the quarantine finds it.
    /// </summary>
    public IReadOnlyList<int> Missing(int edge, int centre)
    {
        var (rot, aside) = (Rot(edge, centre), AsideFiles.Read(Machines[edge], _streams[(edge, centre)]));
        var losses = new DeclaredLosses();
        losses.Add(LossesInDatabase(centre).Concat(aside.Losses).Concat(rot.Losses));
        return
        [
            .. _readings.Where(r => r.Edge == edge && !_inDatabase[centre].Contains(r.Number))
                .Select(r => r.Number)
                .Where(n => !rot.IsUndecidable(n)
                    && !(_givenUp.TryGetValue((edge, centre, n), out var place) && losses.Has(place))
                    && !(aside.Readings.TryGetValue(n, out var kept) && (losses.Has(kept) || rot.IsHeadless(kept.Block)))
                    && !(rot.Readings.TryGetValue(n, out var bad) && bad.Exists(p => losses.Has(p)))),
        ];
    }

    /// <summary>How many readings of an edge the collector need not know of any more: their file could not be read, or went bad.</summary>
    public int Unknowable(int edge, int centre)
    {
        var aside = AsideFiles.Read(Machines[edge], _streams[(edge, centre)]).Readings.Keys;
        return plan.MayForget ? aside.Concat(Rot(edge, centre).Readings.Keys).Distinct().Count() + Rot(edge, centre).Undecidable : aside.Count(n => !_inDatabase[centre].Contains(n));
    }

    /// <summary>The stream of an edge's mailbox.</summary>
    public void Has(int edge, int centre, StreamId stream) => _streams[(edge, centre)] = stream.High;

    private IEnumerable<(StreamId Stream, LossRecord Record)> LossesInDatabase(int centre) =>
        centres[centre].Streams.SelectMany(s => s.Value.Losses.Select(l => (s.Key, l.Record)));

    private static IEnumerable<string> BlockFiles(SimMachine machine, string pathInFolder)
    {
        var folder = Path.GetDirectoryName(pathInFolder);
        return machine.Storage.Paths().Where(p => Path.GetDirectoryName(p) == folder && Path.GetFileName(p).StartsWith("mbb_", StringComparison.Ordinal));
    }

    private RotBook Rot(int edge, int centre)
    {
        if (!_rot.TryGetValue((edge, centre), out var rot))
        {
            _rot.Add((edge, centre), rot = new RotBook());
        }

        return rot;
    }

    private HashSet<int> Owed(int edge, int centre)
    {
        if (!_owed.TryGetValue((edge, centre), out var owed))
        {
            _owed.Add((edge, centre), owed = []);
        }

        return owed;
    }
}
