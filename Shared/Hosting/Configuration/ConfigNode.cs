namespace ZfRepl.Hosting.Configuration;

/// <summary>A position in a file, both parts counted from 1.</summary>
internal readonly record struct ConfigPlace(int Line, int Column)
{
    public static readonly ConfigPlace Start = new(1, 1);
}

/// <summary>A value of a file with its position. Nodes that an alias repeats are shared, so nobody changes one after reading.</summary>
internal abstract class ConfigNode(ConfigPlace place)
{
    public ConfigPlace Place => place;

    /// <summary>How many values this one holds, itself included and aliases counted in full.</summary>
    public long Weight { get; protected set; } = 1;

    /// <summary>Levels of nesting below this one.</summary>
    public int Height { get; protected set; }

    /// <summary>The value in a message: a word as the file has it, anything larger by its kind.</summary>
    public abstract string Shown { get; }

    protected void Hold(ConfigNode child)
    {
        Weight += child.Weight;
        Height = Math.Max(Height, child.Height + 1);
    }
}

internal sealed class ScalarNode(ConfigPlace place, string text, bool isPlain) : ConfigNode(place)
{
    public string Text => text;

    /// <summary>Whether the value stands without quotes, so that it may be read as a number, a switch or null.</summary>
    public bool IsPlain => isPlain;

    public bool IsNull => isPlain && (text is "" or "~" or "null" or "Null" or "NULL");

    public override string Shown => IsNull ? "nothing"
        : isPlain ? $"'{OutsideText.Show(text)}'" : $"the quoted text \"{OutsideText.Show(text)}\"";
}

internal sealed class SequenceNode(ConfigPlace place) : ConfigNode(place)
{
    private readonly List<ConfigNode> _items = [];

    public IReadOnlyList<ConfigNode> Items => _items;

    public override string Shown => "a list";

    public void Add(ConfigNode item)
    {
        _items.Add(item);
        Hold(item);
    }
}

internal sealed record MappingEntry(string Key, ConfigPlace KeyPlace, ConfigNode Value);

internal sealed class MappingNode(ConfigPlace place) : ConfigNode(place)
{
    private readonly List<MappingEntry> _entries = [];
    private readonly Dictionary<string, MappingEntry> _byKey = [];

    public IReadOnlyList<MappingEntry> Entries => _entries;

    public override string Shown => "a section";

    public MappingEntry? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>False when the key is there already; the first value stays.</summary>
    public bool TryAdd(MappingEntry entry)
    {
        if (!_byKey.TryAdd(entry.Key, entry))
        {
            return false;
        }

        _entries.Add(entry);
        Hold(entry.Value);
        return true;
    }
}
