using System.Globalization;

namespace ZfRepl.Core.History.Postgres;

/// <summary>How a connection to PostgreSQL is protected.</summary>
public enum PostgresTls
{
    /// <summary>Never encrypted.</summary>
    Off,

    /// <summary>Encrypted where the server can; nobody's certificate is checked.</summary>
    Prefer,

    /// <summary>Encrypted or refused; nobody's certificate is checked.</summary>
    Require,

    /// <summary>Encrypted, and the server's certificate is of a known authority and in the server's name.</summary>
    Verify,
}

/// <summary>Where a PostgreSQL history is and how it behaves.</summary>
public sealed record PostgresHistoryOptions : HistoryOptions
{
    /// <summary>PostgreSQL's own port.</summary>
    public const int DefaultPort = 5432;

    /// <summary>The server's name or address, or the folder of its Unix socket.</summary>
    public required string Host { get; init; }

    /// <summary>The server's port, 1 to 65535.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>The database. It has to exist.</summary>
    public string Database { get; init; } = "zfrepl";

    /// <summary>The schema that holds the tables; made if it is not there.</summary>
    public string Schema { get; init; } = "zfrepl";

    /// <summary>The role to log in as.</summary>
    public string UserName { get; init; } = "zfrepl";

    /// <summary>The role's password, or null.</summary>
    public string? Password { get; init; }

    /// <summary>How the connection is protected.</summary>
    public PostgresTls Tls { get; init; } = PostgresTls.Prefer;

    /// <summary>A PEM file with the authorities that may sign the server's certificate, or null for those of the machine.</summary>
    public string? CaFile { get; init; }

    /// <summary>True to use a server that may lose what it has confirmed (<c>fsync</c> or <c>full_page_writes</c> off).</summary>
    public bool AllowUnsafeServer { get; init; }

    /// <summary>How long one write or read may take before it counts as failed, from 1 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What it is and where, without the password.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"postgresql {UserName}@{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}/{Database} schema {Schema}");
}
