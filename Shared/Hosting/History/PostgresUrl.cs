using ZfRepl.Core.History.Postgres;

namespace ZfRepl.Hosting.History;

/// <summary>A connection URL of PostgreSQL, as its own programs take it, as far as it is used here.</summary>
/// <param name="Host">Name, address, or the folder of a Unix socket.</param>
/// <param name="Port">The port.</param>
/// <param name="UserName">The role, or null.</param>
/// <param name="Password">Its password, or null.</param>
/// <param name="Database">The database, or null.</param>
/// <param name="Tls">What <c>sslmode</c> says, or null.</param>
internal sealed record PostgresUrl(string Host, int Port, string? UserName, string? Password, string? Database, PostgresTls? Tls)
{
    /// <summary>Reads it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="problem">What is wrong, behind the name of the key and without the text, when null is returned.</param>
    public static PostgresUrl? TryParse(string text, out string problem)
    {
        problem = "is no URL of PostgreSQL";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgresql" or "postgres"))
        {
            return null;
        }

        var user = uri.UserInfo.Split(':', 2);
        var path = uri.AbsolutePath.TrimStart('/');
        if (path.Contains('/', StringComparison.Ordinal) || uri.Fragment.Length > 0)
        {
            problem = "has more than a database behind the host; a #, / or ? in a password is written %23, %2F or %3F";
            return null;
        }

        var host = uri.Host.Trim('[', ']');
        PostgresTls? tls = null;
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = pair.Split('=', 2) is [var k, var v] ? (k, Uri.UnescapeDataString(v)) : (pair, "");
            if (key == "host" && value.StartsWith('/') && host.Length == 0)
            {
                host = value;
            }
            else if (key == "sslmode" && TlsOf(value) is { } mode)
            {
                tls = mode;
            }
            else
            {
                problem = "has a parameter that is not used here: `host=/FOLDER` and `sslmode=` are";
                return null;
            }
        }

        if (host.Length == 0)
        {
            problem = "has no host";
            return null;
        }

        return new PostgresUrl(
            host,
            uri.Port > 0 ? uri.Port : PostgresHistoryOptions.DefaultPort,
            Part(user[0]),
            user.Length > 1 ? Part(user[1]) : null,
            Part(path),
            tls);
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => $"{Host}:{Port}";

    private static string? Part(string text) => text.Length == 0 ? null : Uri.UnescapeDataString(text);

    private static PostgresTls? TlsOf(string mode) => mode switch
    {
        "disable" => PostgresTls.Off,
        "allow" or "prefer" => PostgresTls.Prefer,
        "require" => PostgresTls.Require,
        "verify-ca" or "verify-full" => PostgresTls.Verify,
        _ => null,
    };
}
