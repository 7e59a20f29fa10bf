using ZfRepl.Core.Frames;

namespace ZfRepl.Simulation.Checks;

/// <summary>What can be read in the files that an edge keeps aside, as far as they are of one mailbox.</summary>
internal sealed class AsideFiles
{
    /// <summary>The readings.</summary>
    public Dictionary<int, Place> Readings { get; } = [];

    /// <summary>The entries of the ledger.</summary>
    public List<(StreamId Stream, LossRecord Record)> Losses { get; } = [];

    /// <summary>The blocks, by name.</summary>
    public HashSet<string> Blocks { get; } = new(StringComparer.Ordinal);

    public static AsideFiles Read(SimMachine machine, ulong streamTag)
    {
        var aside = new AsideFiles();
        foreach (var path in machine.Storage.Paths())
        {
            if (Path.GetDirectoryName(path) != EdgeCollector.QuarantineFolder || path.EndsWith(".json", StringComparison.Ordinal))
            {
                continue;
            }

            var block = Place.BlockOf(path);
            aside.Blocks.Add(block);
            var content = BlockContent.Read(machine.Storage.Content(path)!);
            aside.Losses.AddRange(content.Losses.Where(l => l.Stream.High == streamTag));
            foreach (var (stream, sequence, number) in content.Readings.Where(r => r.Stream.High == streamTag))
            {
                aside.Readings[number] = new Place(stream, sequence, block);
            }
        }

        return aside;
    }
}
