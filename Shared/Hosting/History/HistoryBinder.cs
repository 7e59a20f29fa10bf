using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.History;

/// <summary>A section <c>history</c> of any role → options. Mistakes are reported to the section.</summary>
public static class HistoryBinder
{
    /// <summary>The section's name in every role.</summary>
    public const string Key = "history";

    private static readonly string[] FileKeys = ["path"];
    private static readonly string[] ServerKeys = ["url", "username", "password", "password_file", "database", "ca_certs", "timeout", "allow_unsafe_server"];
    private static readonly string[] PostgresKeys = ["schema", "tls"];
    private static readonly string[] InfluxKeys = ["retention_policy", "measurement", "ledger", "create_database"];

    /// <summary>Binds the section. The folder of a file is added to those that are tried out.</summary>
    /// <param name="owner">The section that may hold <c>history</c>.</param>
    /// <param name="defaultPath">The file of SQLite where none is named, absolute.</param>
    /// <param name="folders">Where a folder is added.</param>
    public static HistoryOptions Bind(ConfigSection owner, string defaultPath, FolderNeeds folders)
    {
        var section = owner.Section(Key);
        var kind = section?.Enum<HistoryKind>("kind") ?? HistoryKind.Sqlite;
        switch (kind)
        {
            case HistoryKind.Postgresql:
                Refuse(section!, "`kind: sqlite`", FileKeys);
                Refuse(section!, "`kind: influxdb`", InfluxKeys);
                return PostgresBinder.Bind(section!);
            case HistoryKind.Influxdb:
                Refuse(section!, "`kind: sqlite`", FileKeys);
                Refuse(section!, "`kind: postgresql`", PostgresKeys);
                return InfluxBinder.Bind(section!, defaultPath, folders);
            default:
                if (section is not null)
                {
                    Refuse(section, "a database server, and this is SQLite", [.. ServerKeys, .. PostgresKeys, .. InfluxKeys]);
                }

                var path = section?.FilePath("path") ?? defaultPath;
                folders.Add(Path.GetDirectoryName(path)!, section ?? owner, "path");
                return new SqliteHistoryOptions { Path = path };
        }
    }

    /// <summary>Keys of another kind of database are known, so that the message can say what they are for.</summary>
    private static void Refuse(ConfigSection section, string kind, ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (section.Has(key) && !section.IsNull(key))
            {
                section.Error(key, $"`{key}` belongs to {kind}", "remove it, or choose another `kind`");
            }
        }
    }

    private enum HistoryKind
    {
        Sqlite,
        Postgresql,
        Influxdb,
    }
}
