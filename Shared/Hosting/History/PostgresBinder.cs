using ZfRepl.Core.History.Postgres;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.History;

/// <summary>The keys of <c>kind: postgresql</c> → options. No message holds the URL, since a password may stand in it.</summary>
internal static class PostgresBinder
{
    private const string UrlRemedy = "write postgresql://user@host:5432/database, and the password below `password_file`";

    // What is longer is cut by the server without a word.
    private const int NameBytesMax = 63;

    public static PostgresHistoryOptions Bind(ConfigSection section)
    {
        section.Require("url");
        var fallback = new PostgresHistoryOptions { Host = "localhost" };
        var url = section.String("url") is { } text ? PostgresUrl.TryParse(text, out var problem) ?? Refuse(section, problem) : null;
        var caFile = section.FilePath("ca_certs");
        if (caFile is not null && !File.Exists(caFile))
        {
            section.Error("ca_certs", $"the file {caFile} is not there", "give the PEM file with the authority's certificate");
        }

        var tls = section.Enum<PostgresTls>("tls") ?? url?.Tls ?? (caFile is null ? PostgresTls.Prefer : PostgresTls.Verify);
        if (caFile is not null && tls != PostgresTls.Verify)
        {
            section.Error("tls", "with `ca_certs` the server's certificate is checked", "write `tls: verify`, or remove `ca_certs`");
        }

        if (section.Bool("allow_unsafe_server") is true)
        {
            section.Warning(
                "allow_unsafe_server", "LOSS: a server with fsync or full_page_writes off can lose readings that the source has removed",
                "remove it, and set both to on at the server");
        }

        return new PostgresHistoryOptions
        {
            Host = url?.Host ?? fallback.Host,
            Port = url?.Port ?? fallback.Port,
            Database = Name(section, "database", url?.Database) ?? fallback.Database,
            Schema = Name(section, "schema", null) ?? fallback.Schema,
            UserName = Name(section, "username", url?.UserName) ?? fallback.UserName,
            Password = Password(section, url),
            Tls = tls,
            CaFile = caFile,
            AllowUnsafeServer = section.Bool("allow_unsafe_server") ?? false,
            Timeout = section.Duration("timeout", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)) ?? fallback.Timeout,
        };
    }

    private static PostgresUrl? Refuse(ConfigSection section, string problem)
    {
        section.Error("url", $"`url` {problem}", UrlRemedy);
        return null;
    }

    private static string? Name(ConfigSection section, string key, string? inUrl)
    {
        var name = section.String(key);
        if (name is not null && inUrl is not null)
        {
            section.Error(key, $"`{key}` stands in `url` already", "remove one of the two");
        }

        name ??= inUrl;
        if (name is not null && (name.Length == 0 || name.Any(char.IsControl) || System.Text.Encoding.UTF8.GetByteCount(name) > NameBytesMax))
        {
            section.Error(key, $"`{key}` is no name in PostgreSQL", $"write 1 to {NameBytesMax} letters, digits and underscores");
        }

        return name;
    }

    private static string? Password(ConfigSection section, PostgresUrl? url)
    {
        var file = section.FilePath("password_file");
        var password = section.Secret("password");
        if (url?.Password is not null)
        {
            // Reports a URL with a password in a file that others can read.
            _ = section.Secret("url");
        }

        if (new[] { file, password, url?.Password }.Count(p => p is not null) > 1)
        {
            section.Error(file is null ? "password" : "password_file", "there is more than one password", "leave one of `password_file`, `password` and `url`");
        }

        return file is null ? password ?? url?.Password : section.SecretFromFile("password_file", file);
    }
}
