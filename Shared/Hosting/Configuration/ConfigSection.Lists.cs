namespace ZfRepl.Hosting.Configuration;

/// <content>Lists and maps of texts.</content>
public sealed partial class ConfigSection
{
    /// <summary>A text or a list of texts; null when absent or null. An empty list is a value.</summary>
    public IReadOnlyList<string>? Strings(string key) => Texts(key, "a text or a list of texts")?.ConvertAll(item => item.Text);

    /// <summary>A host with its port, or a list of them; <c>host:port</c> or <c>[ipv6]:port</c>. Null when absent or null.</summary>
    /// <param name="key">The key.</param>
    /// <param name="defaultPort">The port of an entry without one; null makes the port required.</param>
    public IReadOnlyList<HostPort>? Hosts(string key, int? defaultPort = null)
    {
        if (Texts(key, "a host with its port, or a list of them") is not { } items)
        {
            return null;
        }

        var hosts = new List<HostPort>(items.Count);
        foreach (var item in items)
        {
            if (HostPort.TryParse(item.Text, defaultPort, out var host, out var reason))
            {
                hosts.Add(host);
            }
            else
            {
                Report(
                    ConfigCodes.WrongType, item.Node.Place, item.Path, $"`{key}`: {item.Node.Shown} {reason}",
                    "write host:port, for instance 10.0.0.5:1883 or [::1]:1883");
            }
        }

        return hosts;
    }

    /// <summary>A map of name → text in the order of the file; null when absent or null.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? StringMap(string key)
    {
        var node = Find(key)?.Value;
        if (node is null or ScalarNode { IsNull: true })
        {
            return null;
        }

        if (node is not MappingNode mapping)
        {
            Refuse(key, node, "names with texts", "write `name: text` lines below it");
            return null;
        }

        var result = new List<KeyValuePair<string, string>>(mapping.Entries.Count);
        foreach (var entry in mapping.Entries)
        {
            if (Item(entry.Key, $"{Join(key)}.{entry.Key}", entry.Value, "a text") is { } value)
            {
                result.Add(new KeyValuePair<string, string>(entry.Key, value.Text));
            }
        }

        return result;
    }

    private List<Found>? Texts(string key, string expected)
    {
        switch (Find(key)?.Value)
        {
            case null or ScalarNode { IsNull: true }:
                return null;
            case SequenceNode sequence:
                return [.. sequence.Items.Select((item, index) => Item(key, $"{Join(key)}[{index}]", item, "a text")).OfType<Found>()];
            case var node:
                return Scalar(key, Join(key), node, expected, "write a text, or one per line with `- ` in front") is { } value ? [value] : null;
        }
    }

    private Found? Item(string key, string path, ConfigNode node, string expected)
    {
        if (node is ScalarNode { IsNull: true })
        {
            Report(
                ConfigCodes.WrongType, node.Place, path, $"`{key}` holds an entry without a value, expected {expected}",
                "write it out or remove the entry");
            return null;
        }

        return Scalar(key, path, node, expected, "write a text");
    }
}
