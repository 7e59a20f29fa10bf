using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace ZfRepl.Hosting.Configuration;

/// <summary>YAML text → tree of nodes. Reads one document; stops at the first thing it cannot make sense of.</summary>
/// <remarks>
/// Duplicate keys do not stop it, since the rest still reads well. Aliases are allowed and share their node, but count in full
/// against the limits, so that nobody who walks the tree later can be made to walk further than the limits say.
/// </remarks>
internal sealed class ConfigTreeReader
{
    private const string MergeKey = "<<";

    private readonly Dictionary<string, ConfigNode> _anchors = [];
    private readonly List<string> _path = [];
    private readonly string _text;
    private readonly ConfigReport _report;
    private readonly Scanner _scanner;
    private readonly Parser _parser;
    private long _nodes;

    public ConfigTreeReader(string text, ConfigReport report)
    {
        _text = text;
        _report = report;
        _scanner = new Scanner(new StringReader(text), skipComments: true);
        _parser = new Parser(_scanner);
    }

    /// <summary>The document's value, or null after an error was reported. A file without any value is an empty mapping.</summary>
    public ConfigNode? Read()
    {
        try
        {
            return ReadDocument();
        }
        catch (YamlException e)
        {
            var reason = OutsideText.Show(e.Message.TrimEnd('.'), 200);
            return Refuse(ConfigCodes.Syntax, PlaceOf(e.Start), $"not valid YAML: {reason}", RemedyAt((int)e.Start.Line));
        }
    }

    /// <summary>A tab looks like spaces in an editor, and the parser complains about the line before or after it.</summary>
    private string RemedyAt(int line)
    {
        var lines = _text.Split('\n');
        for (var number = Math.Min(line + 1, lines.Length); number >= Math.Max(1, line - 1); number--)
        {
            var content = lines[number - 1];
            if (content[..^content.TrimStart().Length].Contains('\t', StringComparison.Ordinal))
            {
                return $"indent line {number} with spaces, it has a tab";
            }
        }

        return "correct the text at this place or just above it";
    }

    private ConfigNode? ReadDocument()
    {
        Advance();
        Advance();
        if (_parser.Current is StreamEnd)
        {
            return new MappingNode(ConfigPlace.Start);
        }

        Advance();
        if (ReadNode(depth: 0) is not { } root)
        {
            return null;
        }

        Advance();
        return _parser.Current is StreamEnd
            ? root
            : Refuse(ConfigCodes.Syntax, Here, "a second YAML document begins", "keep one service in one file");
    }

    private ConfigNode? ReadNode(int depth)
    {
        if (depth > ConfigLimits.DepthMax)
        {
            return Refuse(ConfigCodes.Limit, Here, $"nested deeper than {ConfigLimits.DepthMax} levels", "flatten the file");
        }

        if (_parser.Current is AnchorAlias alias)
        {
            return ReadAlias(alias, depth);
        }

        if (_parser.Current is not NodeEvent current)
        {
            return Refuse(ConfigCodes.Syntax, Here, "not valid YAML: a value is missing here", "write one, or null");
        }

        if (!IsKnownTag(current) || !Count(1))
        {
            return null;
        }

        ConfigNode? node = current switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart sequence => ReadSequence(sequence, depth),
            MappingStart mapping => ReadMapping(mapping, depth),
            _ => throw new InvalidOperationException($"The YAML parser has a new kind of value, {current.GetType().Name}."),
        };
        if (node is not null && !current.Anchor.IsEmpty)
        {
            _anchors[current.Anchor.Value] = node;
        }

        return node;
    }

    private ScalarNode ReadScalar(Scalar scalar)
    {
        Advance();
        var isText = scalar.Tag.IsEmpty ? scalar.Style != ScalarStyle.Plain : scalar.Tag.IsNonSpecific || scalar.Tag.Value == CoreTag("str");
        return new ScalarNode(PlaceOf(scalar.Start), scalar.Value, !isText);
    }

    private SequenceNode? ReadSequence(SequenceStart start, int depth)
    {
        Advance();
        var node = new SequenceNode(PlaceOf(start.Start));
        while (_parser.Current is not SequenceEnd)
        {
            if (ReadNode(depth + 1) is not { } item)
            {
                return null;
            }

            node.Add(item);
        }

        Advance();
        return node;
    }

    private MappingNode? ReadMapping(MappingStart start, int depth)
    {
        Advance();
        var node = new MappingNode(PlaceOf(start.Start));
        var merges = new List<ConfigNode>();
        while (_parser.Current is not MappingEnd)
        {
            if (!ReadEntry(node, merges, depth))
            {
                return null;
            }
        }

        Advance();
        return merges.TrueForAll(merged => Merge(node, merged)) ? node : null;
    }

    private bool ReadEntry(MappingNode node, List<ConfigNode> merges, int depth)
    {
        if (_parser.Current is not Scalar key)
        {
            Refuse(ConfigCodes.Syntax, Here, "a key is not a plain word", "write the key as text");
            return false;
        }

        if (!IsKnownTag(key))
        {
            return false;
        }

        var isMerge = key is { Style: ScalarStyle.Plain, Value: MergeKey };
        Advance();
        _path.Add(key.Value);
        var isRead = ReadNode(depth + 1) is { } value && Keep(value);
        _path.RemoveAt(_path.Count - 1);
        return isRead;

        bool Keep(ConfigNode value)
        {
            if (isMerge)
            {
                merges.Add(value);
            }
            else if (!node.TryAdd(new MappingEntry(key.Value, PlaceOf(key.Start), value)))
            {
                var first = node.Find(key.Value)!.KeyPlace.Line;
                Refuse(ConfigCodes.DuplicateKey, PlaceOf(key.Start),
                    $"the key `{OutsideText.Show(key.Value)}` stands twice in this section, first in line {first}", "keep one of them");
            }

            return true;
        }
    }

    /// <summary>YAML 1.1 merge: adds the entries of other mappings whose keys are not there yet; earlier ones win.</summary>
    /// <remarks>What it adds was counted when the alias or the mapping behind <c>&lt;&lt;</c> was read.</remarks>
    private bool Merge(MappingNode target, ConfigNode source)
    {
        switch (source)
        {
            case MappingNode mapping:
                foreach (var entry in mapping.Entries)
                {
                    target.TryAdd(entry);
                }

                return true;
            case SequenceNode sequence when sequence.Items.All(item => item is MappingNode):
                return sequence.Items.All(item => Merge(target, item));
            default:
                Refuse(ConfigCodes.Reference, source.Place, $"`<<` merges {source.Shown}", "merge a section or a list of sections");
                return false;
        }
    }

    private ConfigNode? ReadAlias(AnchorAlias alias, int depth)
    {
        var name = alias.Value.Value;
        var place = PlaceOf(alias.Start);
        if (!_anchors.TryGetValue(name, out var node))
        {
            return Refuse(
                ConfigCodes.Reference, place, $"the alias `*{OutsideText.Show(name)}` has no anchor above it",
                "define it with & before its first use");
        }

        if (depth + node.Height > ConfigLimits.DepthMax)
        {
            return Refuse(ConfigCodes.Limit, place, $"aliases nest deeper than {ConfigLimits.DepthMax} levels", "flatten the file");
        }

        if (!Count(node.Weight))
        {
            return null;
        }

        Advance();
        return node;
    }

    private bool Count(long nodes)
    {
        _nodes += nodes;
        if (_nodes > ConfigLimits.NodesMax)
        {
            Refuse(
                ConfigCodes.Limit, Here, $"more than {ConfigLimits.NodesMax} values, aliases included",
                "split the service or use fewer aliases");
            return false;
        }

        return true;
    }

    private bool IsKnownTag(NodeEvent node)
    {
        string[] known = node switch
        {
            Scalar => ["str", "int", "float", "bool", "null"],
            SequenceStart => ["seq"],
            _ => ["map"],
        };
        if (node.Tag.IsEmpty || node.Tag.IsNonSpecific || known.Any(name => node.Tag.Value == CoreTag(name)))
        {
            return true;
        }

        Refuse(ConfigCodes.Reference, PlaceOf(node.Start), $"unknown tag `{OutsideText.Show(node.Tag.Value)}`", "remove the tag");
        return false;
    }

    private static string CoreTag(string name) => "tag:yaml.org,2002:" + name;

    private ConfigNode? Refuse(string code, ConfigPlace place, string message, string remedy)
    {
        _report.Error(code, place, string.Join('.', _path), message, remedy);
        return null;
    }

    private ConfigPlace Here => PlaceOf(_parser.Current!.Start);

    private void Advance()
    {
        try
        {
            _parser.MoveNext();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // The scanner has places where bad text trips its own checks of arguments and state; that, too, is bad text.
            var here = _scanner.CurrentPosition;
            throw new YamlException(here, here, "unexpected text, or a bracket, brace or quote above it that is still open", e);
        }
    }

    private static ConfigPlace PlaceOf(in Mark mark) => new((int)Math.Max(mark.Line, 1), (int)Math.Max(mark.Column, 1));
}
