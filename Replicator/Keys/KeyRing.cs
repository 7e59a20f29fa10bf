using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Replicator.Keys;

/// <summary>
/// The keys that a configuration names below <c>keys</c>. A key that is not there is looked for in the store, and then in the file
/// <c>etc/zfrepl/ID.key</c>, so that a service file of the original, which leaves keys to another service, works as it is. Access lists
/// are in the store. Mistakes are reported to the file.
/// </summary>
internal sealed class KeyRing
{
    /// <summary>The key of a mailbox that names none.</summary>
    public const string DefaultId = "default";

    private const string Folder = "etc/zfrepl";
    private const string Remedy = "make one with: zfrepl key new";

    private readonly Dictionary<string, ApiKey?> _keys = new(StringComparer.Ordinal);

    private readonly Dictionary<string, LiveKey> _live = new(StringComparer.Ordinal);
    private readonly KeyStore _store;
    private readonly string _storePath;

    private KeyRing(KeyStore store, LiveKeys live)
    {
        _store = store;
        _storePath = live.Path;
        Live = live;
    }

    /// <summary>The store, as it is while the service runs.</summary>
    public LiveKeys Live { get; }

    /// <summary>Reads the keys of a replicator's section.</summary>
    public static KeyRing Bind(ConfigSection section)
    {
        var path = section.FilePath("key_store") ?? section.ResolvePath(KeyStore.DefaultPath);
        var stamp = FileStamp.Of(path);
        var store = ReadStore(section, path);
        var ring = new KeyRing(store, new LiveKeys(path, store, stamp));
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

        if (_store.Keys.TryGetValue(id, out var stored) && (stored.Secret is not null || stored.Retired is not null))
        {
            return FromStore(mailbox, stored);
        }

        var path = mailbox.ResolvePath(Path.Combine(Folder, $"{id}.key"));
        if (!File.Exists(path))
        {
            mailbox.Error(
                "key_id",
                $"there is no key '{id}', neither below `keys` nor in {_storePath} nor in {path}",
                $"{Advice()}make one with: umask 077; zfrepl key new > {path}");
            return null;
        }

        var key = mailbox.SecretFromFile("key_id", path) is { } text ? Create(mailbox, "key_id", id, text) : null;
        _keys.Add(id, key);
        if (key is not null)
        {
            _live.Add(id, new LiveKey(Live, id, key));
        }

        return key;
    }

    /// <summary>The key of a mailbox as it is while the service runs; null where it stands in the service file and so can't change.</summary>
    public LiveKey? LiveOf(ConfigSection mailbox) => _live.GetValueOrDefault(mailbox.String("key_id") ?? DefaultId);

    /// <summary>What the key of a mailbox may write; an error is reported when that is nothing.</summary>
    public AccessRights RightsOf(ConfigSection mailbox)
    {
        var id = mailbox.String("key_id") ?? DefaultId;
        var rights = _store.RightsOf(id);
        if (!rights.IsAdmin && rights.Write.Count == 0)
        {
            mailbox.Error(
                "trusted",
                $"the source is not trusted, and key '{id}' may write nothing: all of its events would be refused",
                $"name the items in an access list of the key in {_storePath}, for instance with: zfrepl key new {id} --write 'sensor:{mailbox.Name}/#'");
        }

        return rights;
    }

    private static KeyStore ReadStore(ConfigSection section, string path)
    {
        if (!File.Exists(path))
        {
            if (section.Has("key_store") && !section.IsNull("key_store"))
            {
                section.Error("key_store", $"the store of keys {path} is not there", "make a key in it with: zfrepl key new ID --store PATH");
            }

            return KeyStore.Empty;
        }

        var store = KeyStore.Load(path, out var problems);
        foreach (var problem in problems)
        {
            section.Error("key_store", problem, "correct the store of keys");
        }

        return store ?? KeyStore.Empty;
    }

    private ApiKey? FromStore(ConfigSection mailbox, StoredKey stored)
    {
        if (stored.Retired is { } retired)
        {
            mailbox.Error("key_id", $"key '{stored.Id}' was retired on {retired}", "use another key, on both sides");
            _keys.Add(stored.Id, null);
            return null;
        }

        var live = new LiveKey(Live, stored.Id, outside: null);
        _live.Add(stored.Id, live);
        _keys.Add(stored.Id, live.Current);
        return live.Current;
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
