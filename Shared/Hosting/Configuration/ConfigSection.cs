namespace ZfRepl.Hosting.Configuration;

/// <summary>The keys of one level of a configuration file, with typed access. Not thread-safe.</summary>
/// <remarks>
/// Every accessor marks its key as known and answers null when the key is absent, has no value, or has a wrong one; the last case
/// is reported with position and remedy, so a binder writes its defaults behind <c>??</c> and goes on, and all mistakes
/// of a file come out at once. <see cref="Finish"/> reports the keys that nobody asked for.
/// </remarks>
public sealed partial class ConfigSection
{
    private readonly ConfigContext _context;
    private readonly MappingNode _node;
    private readonly ConfigPlace _place;
    private readonly HashSet<string> _known = [];
    private readonly Dictionary<(string Key, Form Form), IReadOnlyList<ConfigSection>> _opened = [];

    internal ConfigSection(ConfigContext context, MappingNode node, string name = "", string path = "", ConfigPlace? place = null)
    {
        _context = context;
        _node = node;
        Name = name;
        Path = path;
        _place = place ?? ConfigPlace.Start;
    }

    /// <summary>The section's own key (a mailbox's name in a map of mailboxes); empty for the top level.</summary>
    public string Name { get; }

    /// <summary>The full path with dots, such as <c>config.collector</c>; empty for the top level.</summary>
    public string Path { get; }

    /// <summary>The keys in the order of the file.</summary>
    public IEnumerable<string> Keys => _node.Entries.Select(e => e.Key);

    /// <summary>Whether the key stands in the file, even without a value. Marks it as known.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>Whether the key stands in the file with the value null or none. Marks it as known.</summary>
    public bool IsNull(string key) => Find(key) is { Value: ScalarNode { IsNull: true } };

    /// <summary>Reports each of these keys that is absent or has no value; the accessors themselves take both as "use the default".</summary>
    public void Require(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (Find(key) is not { } entry)
            {
                Report(ConfigCodes.Missing, _place, Join(key), $"`{key}` is missing{Where}", $"add `{key}: ...`");
            }
            else if (entry.Value is ScalarNode { IsNull: true })
            {
                Report(ConfigCodes.Missing, entry.KeyPlace, Join(key), $"`{key}` has no value", "write one behind the colon");
            }
        }
    }

    /// <summary>The full paths of the keys that were asked for and are not in the file, here and in all sections opened from here.</summary>
    /// <remarks>With it a test can tell whether a template shows everything that a role understands.</remarks>
    internal IEnumerable<string> AbsentKeys() => _known.Where(k => _node.Find(k) is null).Select(Join)
        .Concat(_opened.Values.SelectMany(s => s).SelectMany(s => s.AbsentKeys()));

    /// <summary>Accepts keys that belong to the file's format but mean nothing here.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            _known.Add(key);
        }
    }

    /// <summary>A nested section, or null when the key is absent. A key without a value is an empty section.</summary>
    public ConfigSection? Section(string key)
    {
        if (!_opened.TryGetValue((key, Form.Single), out var sections))
        {
            var section = Find(key) is { } entry ? Open(entry.Key, Join(entry.Key), entry.KeyPlace, entry.Value) : null;
            _opened[(key, Form.Single)] = sections = section is null ? [] : [section];
        }

        return sections.Count == 0 ? null : sections[0];
    }

    /// <summary>A map of name → section in the order of the file; each name is the section's <see cref="Name"/>. Null when absent.</summary>
    public IReadOnlyList<ConfigSection>? SectionMap(string key) => OpenMany(key, Form.Map, node => node is MappingNode mapping
        ? mapping.Entries.Select(e => Open(e.Key, $"{Join(key)}.{e.Key}", e.KeyPlace, e.Value))
        : Refuse(key, node, "names with sections", "write `name:` and its keys indented below it"));

    /// <summary>A list of sections; the name of each is its index from 0. Null when absent or null.</summary>
    public IReadOnlyList<ConfigSection>? SectionList(string key) => OpenMany(key, Form.List, node => node is SequenceNode sequence
        ? sequence.Items.Select((item, index) => Open($"{index}", $"{Join(key)}[{index}]", item.Place, item))
        : Refuse(key, node, "a list of sections", "write each one as `- key: value`"));

    /// <summary>Reports an error of the role's own at a key's value; at the section itself when the key is null.</summary>
    /// <param name="key">The key, present or not; null for the section.</param>
    /// <param name="message">What was found and what is expected, without a full stop. Must not hold secrets.</param>
    /// <param name="remedy">What to do, without a full stop.</param>
    /// <param name="code">A stable code; <see cref="ConfigCodes.Invalid"/> by default.</param>
    public void Error(string? key, string message, string remedy, string code = ConfigCodes.Invalid) =>
        _context.Report.Error(code, PlaceOf(key), key is null ? Path : Join(key), message, remedy);

    /// <summary>As <see cref="Error"/>, but the service may start.</summary>
    public void Warning(string? key, string message, string remedy, string code = ConfigCodes.Invalid) =>
        _context.Report.Warning(code, PlaceOf(key), key is null ? Path : Join(key), message, remedy);

    /// <summary>Reports every key that nobody asked for, here and in all sections opened from here. May be called again.</summary>
    public void Finish()
    {
        foreach (var entry in _node.Entries.Where(e => !_known.Contains(e.Key)))
        {
            var remedy = NearestName.Find(entry.Key, _known.Where(k => _node.Find(k) is null)) ?? NearestName.Find(entry.Key, _known);
            Report(
                ConfigCodes.UnknownKey, entry.KeyPlace, Join(entry.Key), $"unknown key `{OutsideText.Show(entry.Key)}`{Where}",
                remedy is null ? KnownKeys() : $"did you mean `{remedy}`?");
        }

        foreach (var section in _opened.Values.SelectMany(s => s))
        {
            section.Finish();
        }
    }

    private IReadOnlyList<ConfigSection>? OpenMany(string key, Form form, Func<ConfigNode, IEnumerable<ConfigSection?>> open)
    {
        if (!_opened.TryGetValue((key, form), out var sections))
        {
            var node = Find(key)?.Value;
            if (node is null or ScalarNode { IsNull: true })
            {
                return null;
            }

            sections = [.. open(node).OfType<ConfigSection>()];
            _opened[(key, form)] = sections;
        }

        return sections;
    }

    private ConfigSection? Open(string name, string path, ConfigPlace place, ConfigNode node)
    {
        switch (node)
        {
            case MappingNode mapping:
                return new ConfigSection(_context, mapping, name, path, place);
            case ScalarNode { IsNull: true }:
                return new ConfigSection(_context, new MappingNode(place), name, path, place);
            default:
                Report(
                    ConfigCodes.WrongType, node.Place, path, $"`{OutsideText.Show(name)}` is {node.Shown}, expected a section",
                    "write its keys indented below it");
                return null;
        }
    }

    private ConfigSection[] Refuse(string key, ConfigNode node, string expected, string remedy)
    {
        Report(ConfigCodes.WrongType, node.Place, Join(key), $"`{key}` is {node.Shown}, expected {expected}", remedy);
        return [];
    }

    private MappingEntry? Find(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        _known.Add(key);
        return _node.Find(key);
    }

    private string KnownKeys() => _known.Count switch
    {
        0 => "remove it",
        <= 24 => $"known here: {string.Join(", ", _known.Order(StringComparer.Ordinal))}",
        _ => $"known here are {_known.Count} other keys, see the template",
    };

    private string Where => Path.Length == 0 ? "" : $" in `{Path}`";

    /// <summary>A word stands for itself; of a section or a list its name is what people look for.</summary>
    private ConfigPlace PlaceOf(string? key) => (key is null ? null : _node.Find(key)) switch
    {
        null => _place,
        { Value: ScalarNode { IsNull: false } scalar } => scalar.Place,
        var entry => entry.KeyPlace,
    };

    private string Join(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    private void Report(string code, ConfigPlace place, string path, string message, string remedy) =>
        _context.Report.Error(code, place, path, message, remedy);

    private enum Form
    {
        Single,
        Map,
        List,
    }
}
