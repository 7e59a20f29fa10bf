using ZfRepl.Core.History.Influx;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.History;

/// <summary>The keys of <c>kind: influxdb</c> → options. No message holds the URL, since somebody may have put a password into it.</summary>
internal static class InfluxBinder
{
    private static readonly Uri Fallback = new("http://localhost:8086");

    /// <summary>Binds the section.</summary>
    /// <param name="section">The section.</param>
    /// <param name="historyPath">The file that would hold the history if it were SQLite: the ledger is named after it.</param>
    /// <param name="folders">Where the ledger's folder is added.</param>
    public static InfluxHistoryOptions Bind(ConfigSection section, string historyPath, FolderNeeds folders)
    {
        section.Require("url");
        var caFile = section.FilePath("ca_certs");
        if (caFile is not null && !File.Exists(caFile))
        {
            section.Error("ca_certs", $"the file {caFile} is not there", "give the PEM file with the authority's certificate");
        }

        var ledger = section.FilePath("ledger")
            ?? Path.Combine(Path.GetDirectoryName(historyPath)!, $"{Path.GetFileNameWithoutExtension(historyPath)}-ledger.db");
        folders.Add(Path.GetDirectoryName(ledger)!, section, "ledger");
        var fallback = new InfluxHistoryOptions { Url = Url(section), LedgerPath = ledger };
        var options = fallback with
        {
            Database = Name(section, "database") ?? fallback.Database,
            RetentionPolicy = Name(section, "retention_policy"),
            Measurement = Name(section, "measurement") ?? fallback.Measurement,
            Username = section.String("username"),
            Password = Password(section),
            CaFile = caFile,
            AllowsUnsafeServer = section.Bool("allow_unsafe_server") ?? false,
            CreatesDatabase = section.Bool("create_database") ?? fallback.CreatesDatabase,
            RequestTimeout = section.Duration("timeout", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)) ?? fallback.RequestTimeout,
        };
        CheckLogin(section, options);
        return options;
    }

    private static Uri Url(ConfigSection section)
    {
        if (section.String("url") is not { } text)
        {
            return Fallback;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            section.Error("url", "`url` is no URL of InfluxDB", "write http://host:8086 or https://host:8086");
            return Fallback;
        }

        if (url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            section.Error(
                "url", "`url` holds more than the server", "write user, password and database below `username`, `password_file` and `database`");
            return Fallback;
        }

        return url;
    }

    private static string? Name(ConfigSection section, string key)
    {
        var name = section.String(key);
        if (name is not null && InfluxHistoryOptions.WhyNotName(name) is { } reason)
        {
            section.Error(key, $"`{key}` is no name in InfluxDB: {reason}", "write letters, digits and underscores");
            return null;
        }

        return name;
    }

    private static string? Password(ConfigSection section)
    {
        var file = section.FilePath("password_file");
        var password = section.Secret("password");
        if (file is not null && password is not null)
        {
            section.Error("password_file", "there is more than one password", "leave one of `password_file` and `password`");
        }

        return file is null ? password : section.SecretFromFile("password_file", file);
    }

    private static void CheckLogin(ConfigSection section, InfluxHistoryOptions options)
    {
        if (options.AllowsUnsafeServer)
        {
            section.Warning(
                "allow_unsafe_server", "LOSS: a server with a wal-fsync-delay can lose readings that the source has removed",
                "remove it, and set wal-fsync-delay = \"0s\" at the server");
        }

        if (options.Username?.Contains(':', StringComparison.Ordinal) is true)
        {
            section.Error("username", "a user name with a colon can't log in", "choose another user");
        }

        if (options.Username is null && options.Password is not null)
        {
            section.Error(null, "there is a password and no `username`", "write the user's name below `username`");
        }
        else if (options.Username is not null && options.Password is null && !section.Has("password_file") && !section.Has("password"))
        {
            section.Error("username", "there is a user and no password", "write the password into a file, and the file below `password_file`");
        }
        else if (options.Password is not null && options.Url.Scheme == "http" && !options.Url.IsLoopback)
        {
            section.Warning("url", "the password travels in clear to another machine", "use https");
        }
    }
}
