using System.Globalization;
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
    private readonly Dictionary<(int Edge, int Centre, int Number), (StreamId Stream, ulong Sequence)> _givenUp = [];

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

        var owed = Owed(edge, centre);
        var content = BlockContent.Read(bytes);
        var left = content.Readings.Where(r => owed.Contains(r.Number)).ToDictionary(r => r.Number, r => (r.Stream, r.Sequence));
        if (left.Count == 0)
        {
            return;
        }

        // Most likely they are in another file of the same block.
        var others = BlockFiles(machine, path).Where(p => p != path).OrderByDescending(p => IsOfSameBlock(p, path)).ToList();
        var losses = new List<(StreamId, LossRecord)>();
        for (var i = 0; i < others.Count && left.Count > 0; i++)
        {
            if (machine.Storage.Durable(others[i]) is { } durable)
            {
                var there = BlockContent.Read(durable);
                losses.AddRange(there.Losses);
                there.Readings.ForEach(r => left.Remove(r.Number));
            }
        }

        if (left.Count > 0)
        {
            losses.AddRange(LossesInDatabase(centre));
        }

        foreach (var (number, (stream, sequence)) in left)
        {
            if (!plan.MayExpire || !BlockContent.IsCovered(losses, stream, sequence))
            {
                loop.Violate(
                    $"{path} is deleted while reading {number} (sequence {sequence}) is neither in {centres[centre].Name} nor in another file nor in the loss ledger");
                return;
            }

            _givenUp[(edge, centre, number)] = (stream, sequence);
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

        var contents = BlockFiles(machine, Path.Combine(folder, "x")).Select(p => BlockContent.Read(machine.Storage.Content(p)!)).ToList();
        var there = contents.SelectMany(c => c.Readings).Select(r => r.Number).ToHashSet();
        var losses = contents.SelectMany(c => c.Losses).Concat(LossesInDatabase(centre)).ToList();
        var aside = Aside(machine);
        foreach (var number in owed.Where(n => !there.Contains(n) && !aside.ContainsKey(n)))
        {
            if (!_givenUp.TryGetValue((edge, centre, number), out var place) || !BlockContent.IsCovered(losses, place.Stream, place.Sequence))
            {
                loop.Violate($"reading {number} was acknowledged to the plant and is nowhere after the crash of {machine.Name} (for {centres[centre].Name})");
                return;
            }
        }
    }

    /// <summary>What is neither in the database nor in its loss ledger.</summary>
    public IReadOnlyList<int> Missing(int edge, int centre)
    {
        var aside = Aside(Machines[edge]);
        var named = LossesInDatabase(centre).Where(l => l.Record.Reason == LossReason.Damaged).Select(l => l.Record.Source).ToHashSet(StringComparer.Ordinal);
        var lost = centres[centre].Streams.ToDictionary(s => s.Key, s => s.Value.DeclaredLost());
        return
        [
            .. _readings.Where(r => r.Edge == edge && !_inDatabase[centre].Contains(r.Number))
                .Select(r => r.Number)
                .Where(n => !_givenUp.TryGetValue((edge, centre, n), out var place) || lost.GetValueOrDefault(place.Stream)?.Contains(place.Sequence) != true)
                .Where(n => !aside.TryGetValue(n, out var file)
                    || (!named.Contains(file.Block) && lost.GetValueOrDefault(file.Stream)?.Contains(file.Sequence) != true)),
        ];
    }

    /// <summary>How many readings of an edge are in its quarantine and not in a database: their file could not be read.</summary>
    public int AsideOnly(int edge, int centre) => Aside(Machines[edge]).Keys.Count(n => !_inDatabase[centre].Contains(n));

    private static bool IsOfSameBlock(string a, string b) =>
        Path.GetFileName(a).Split('.')[0].Equals(Path.GetFileName(b).Split('.')[0], StringComparison.Ordinal);

    private IEnumerable<(StreamId Stream, LossRecord Record)> LossesInDatabase(int centre) =>
        centres[centre].Streams.SelectMany(s => s.Value.Losses.Select(l => (s.Key, l.Record)));

    /// <summary>Readings in files of the quarantine, with the block's name and where they were in the stream.</summary>
    private static Dictionary<int, (string Block, StreamId Stream, ulong Sequence)> Aside(SimMachine machine)
    {
        var aside = new Dictionary<int, (string, StreamId, ulong)>();
        foreach (var path in machine.Storage.Paths())
        {
            if (Path.GetDirectoryName(path) == EdgeCollector.QuarantineFolder && !path.EndsWith(".json", StringComparison.Ordinal))
            {
                BlockContent.Read(machine.Storage.Content(path)!).Readings
                    .ForEach(r => aside[r.Number] = (Path.GetFileName(path).Split('.')[0], r.Stream, r.Sequence));
            }
        }

        return aside;
    }

    private static IEnumerable<string> BlockFiles(SimMachine machine, string pathInFolder)
    {
        var folder = Path.GetDirectoryName(pathInFolder);
        return machine.Storage.Paths().Where(p => Path.GetDirectoryName(p) == folder && Path.GetFileName(p).StartsWith("mbb_", StringComparison.Ordinal));
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
