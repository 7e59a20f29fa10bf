using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Replicator;

/// <summary>
/// The keys that a configuration names below <c>keys</c>. A key that is not there is looked for in the file <c>etc/zfrepl/ID.key</c>, so
/// that a service file of the original, which leaves keys to another service, works as it is. Mistakes are reported to the file.
/// </summary>
internal sealed class KeyRing
{
    private const string DefaultId = "default";
    private const string Folder = "etc/zfrepl";
    private const string Remedy = "make one with: zfrepl key new";

    private readonly Dictionary<string, ApiKey?> _keys = new(StringComparer.Ordinal);

    private KeyRing()
    {
    }

    /// <summary>Reads the keys of a replicator's section.</summary>
    public static KeyRing Bind(ConfigSection section)
    {
        var ring = new KeyRing();
        if (section.Section("keys") is { } list)
        {
            foreach (var id in list.Keys)
            {
                ring._keys.Add(id, list.Secret(id) is { } text ? Create(list, id, id, text) : null);
            }
        }

        return ring;
    }

    /// <summary>The key that a mailbox is opened with; null after an error was reported, here or where the key stands.</summary>
    public ApiKey? Find(ConfigSection mailbox)
    {
        var id = mailbox.String("key_id") ?? DefaultId;
        if (_keys.TryGetValue(id, out var known))
        {
            return known;
        }

        if (TransferTopics.CheckNodeName(id) is not null)
        {
            mailbox.Error("key_id", $"'{id}' can't be a key's id", "use a short plain name");
            return null;
        }

        var path = mailbox.ResolvePath(Path.Combine(Folder, $"{id}.key"));
        if (!File.Exists(path))
        {
            mailbox.Error(
                "key_id",
                $"there is no key '{id}', neither below `keys` nor in {path}",
                $"{Advice()}make one with: umask 077; zfrepl key new > {path}");
            return null;
        }

        var key = mailbox.SecretFromFile("key_id", path) is { } text ? Create(mailbox, "key_id", id, text) : null;
        _keys.Add(id, key);
        return key;
    }

    private string Advice() => _keys.Count == 0 ? "" : $"use one of {string.Join(", ", _keys.Keys)}, or ";

    private static ApiKey? Create(ConfigSection section, string place, string id, string text)
    {
        if (ApiKey.TryCreate(id, text, out var key, out var error))
        {
            return key;
        }

        section.Error(place, error, Remedy);
        return null;
    }
}
