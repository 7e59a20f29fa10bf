using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Replicator.Keys;

/// <summary>
/// Keys and access lists in one YAML file of mode 0600: what the original keeps in a key service. People may edit it; the program writes
/// it as a whole, without comments. Immutable.
/// </summary>
public sealed class KeyStore
{
    /// <summary>Where it is unless somebody says otherwise, below the base folder.</summary>
    public const string DefaultPath = "etc/zfrepl/keys.yml";

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private KeyStore(IReadOnlyDictionary<string, StoredKey> keys, IReadOnlyDictionary<string, StoredAcl> acls)
    {
        Keys = keys;
        Acls = acls;
    }

    /// <summary>A store with nothing in it.</summary>
    public static KeyStore Empty { get; } = new(new Dictionary<string, StoredKey>(), new Dictionary<string, StoredAcl>());

    /// <summary>The keys by id.</summary>
    public IReadOnlyDictionary<string, StoredKey> Keys { get; }

    /// <summary>The access lists by name.</summary>
    public IReadOnlyDictionary<string, StoredAcl> Acls { get; }

    /// <summary>Reads a store.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problems">What is wrong with it, one sentence each with its place; none when a store is returned.</param>
    /// <returns>The store; null when the file is not there or wrong.</returns>
    public static KeyStore? Load(string path, out IReadOnlyList<string> problems)
    {
        if (!OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & ~(Owner | UnixFileMode.UserExecute)) != UnixFileMode.None)
        {
            problems = [$"{path}: the store of keys is open to other accounts (chmod 600 {path})"];
            return null;
        }

        var document = ConfigDocument.Load(path, new ConfigOptions { Environment = _ => null });
        var keys = document.Root.SectionMap("keys")?.Select(ReadKey).ToDictionary(k => k.Id, StringComparer.Ordinal) ?? [];
        var acls = document.Root.SectionMap("acls")?.Select(ReadAcl).ToDictionary(a => a.Name, StringComparer.Ordinal) ?? [];
        document.Finish();
        problems =
        [
            .. document.Errors.Select(e => e.ToString()),
            .. keys.Values.SelectMany(k => k.Acls.Where(a => !acls.ContainsKey(a)).Select(a => $"{path}: key '{k.Id}' names an access list '{a}' that is not there")),
        ];
        return problems.Count == 0 ? new KeyStore(keys, acls) : null;
    }

    /// <summary>The rights of a key: the union of its lists; nothing for a key that is not here.</summary>
    public AccessRights RightsOf(string keyId) =>
        Keys.TryGetValue(keyId, out var key) ? AccessRights.Union(key.Acls.Select(a => Acls[a].Rights)) : AccessRights.None;

    /// <summary>The same store with another key, or a key changed.</summary>
    public KeyStore With(StoredKey key) => new(new Dictionary<string, StoredKey>(Keys, StringComparer.Ordinal) { [key.Id] = key }, Acls);

    /// <summary>The same store with another access list, or one changed.</summary>
    public KeyStore With(StoredAcl acl) => new(Keys, new Dictionary<string, StoredAcl>(Acls, StringComparer.Ordinal) { [acl.Name] = acl });

    /// <summary>Writes the store in place of an older one, durably, for its owner's eyes alone. After an error there is the older one or this one.</summary>
    public StorageResult Save(IStorage storage, string path)
    {
        var full = Path.GetFullPath(path);
        var folder = storage.CreateFolder(Path.GetDirectoryName(full)!);
        if (!folder.IsOk)
        {
            return folder;
        }

        var aside = $"{full}.{Guid.NewGuid():N}";
        var written = WriteAside(storage, aside);
        written = written.IsOk ? storage.Rename(aside, full) : written;
        if (written.IsOk)
        {
            return storage.SyncFolder(Path.GetDirectoryName(full)!);
        }

        // A secret must not lie around; where even that fails, the first error says more.
        _ = storage.Delete(aside);
        return written;
    }

    /// <summary>The file's text.</summary>
    internal string ToYaml()
    {
        var text = new StringBuilder();
        text.AppendLine("# Keys and access lists. Keep it at mode 0600. `zfrepl key` writes it anew, without comments.");
        text.AppendLine(Keys.Count == 0 ? "keys: {}" : "keys:");
        foreach (var key in Keys.Values.OrderBy(k => k.Id, StringComparer.Ordinal))
        {
            text.AppendLine($"  {Quote(key.Id)}:");
            AppendText(text, "key", key.Secret);
            text.AppendLine($"    acls: [{string.Join(", ", key.Acls.Select(Quote))}]");
            AppendText(text, "created", key.Created);
            AppendText(text, "retired", key.Retired);
        }

        text.AppendLine(Acls.Count == 0 ? "acls: {}" : "acls:");
        foreach (var acl in Acls.Values.OrderBy(a => a.Name, StringComparer.Ordinal))
        {
            text.AppendLine($"  {Quote(acl.Name)}:");
            text.AppendLine(acl.IsAdmin ? "    admin: true" : "    admin: false");
            AppendMasks(text, "read", acl.Read);
            AppendMasks(text, "write", acl.Write);
            AppendMasks(text, "deny_read", acl.DenyRead);
            AppendMasks(text, "deny_write", acl.DenyWrite);
        }

        return text.ToString();
    }

    private StorageResult WriteAside(IStorage storage, string path)
    {
        var created = storage.CreateNewPrivate(path);
        if (!created.IsOk)
        {
            return created.Error;
        }

        using var file = created.Value;
        var written = file.WriteAt(0, Encoding.UTF8.GetBytes(ToYaml()));
        return written.IsOk ? file.SyncData() : written;
    }

    private static void AppendText(StringBuilder text, string name, string? value)
    {
        if (value is not null)
        {
            text.AppendLine($"    {name}: {Quote(value)}");
        }
    }

    private static void AppendMasks(StringBuilder text, string name, IReadOnlyList<OidMask> masks) =>
        text.AppendLine($"    {name}: {{items: [{string.Join(", ", masks.Select(m => Quote(m.Text)))}]}}");

    /// <summary>A text of JSON is one of YAML; a dollar sign before a brace would be taken for a variable.</summary>
    private static string Quote(string text) => JsonSerializer.Serialize(text.Replace("${", "$${", StringComparison.Ordinal), Json);

    private static StoredKey ReadKey(ConfigSection section)
    {
        if (TransferTopics.CheckNodeName(section.Name) is { } bad)
        {
            section.Error(null, $"'{section.Name}' can't be a key's id: {bad}", "use a short plain name");
        }

        var secret = section.Secret("key");
        if (secret is not null && !ApiKey.TryCreate(section.Name, secret, out _, out var error))
        {
            section.Error("key", error, "make one with: zfrepl key new");
        }

        return new StoredKey(section.Name, secret, section.Strings("acls") ?? [], section.String("created"), section.String("retired"));
    }

    private static StoredAcl ReadAcl(ConfigSection section)
    {
        // Of the original's lists: about files and operations that there are none of here.
        section.Ignore("ops", "meta", "from", "id");
        if (section.Has("deny") && section.Has("deny_write"))
        {
            section.Error("deny", "`deny` is another word for `deny_write`, and both are given", "keep one of them");
        }

        return new StoredAcl(
            section.Name,
            section.Bool("admin") ?? false,
            ReadMasks(section, "read"),
            ReadMasks(section, "write"),
            ReadMasks(section, "deny_read"),
            ReadMasks(section, section.Has("deny") ? "deny" : "deny_write"));
    }

    private static List<OidMask> ReadMasks(ConfigSection acl, string key)
    {
        var masks = new List<OidMask>();
        if (acl.Section(key) is not { } section)
        {
            return masks;
        }

        section.Ignore("pvt", "rpvt");
        foreach (var text in section.Strings("items") ?? [])
        {
            if (OidMask.TryParse(text, out var mask, out var error))
            {
                masks.Add(mask);
            }
            else
            {
                section.Error("items", error, "see the masks in docs/configuration.md");
            }
        }

        return masks;
    }
}
