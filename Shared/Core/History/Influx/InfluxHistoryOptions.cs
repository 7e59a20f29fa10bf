namespace ZfRepl.Core.History.Influx;

/// <summary>Where an InfluxDB history is, who may write it, and where its ledger is kept.</summary>
public sealed record InfluxHistoryOptions : HistoryOptions
{
    /// <summary>The longest database, policy or measurement name that is accepted, in bytes of UTF-8.</summary>
    public const int MaxNameBytes = 256;

    /// <summary>The server: http or https, host, port, at most a path in front of <c>/write</c> and <c>/query</c>. Without user or password.</summary>
    public required Uri Url { get; init; }

    /// <summary>The SQLite file with what InfluxDB can't keep: which blocks were imported, and up to which time each OID was written.</summary>
    public required string LedgerPath { get; init; }

    /// <summary>The database.</summary>
    public string Database { get; init; } = "zfrepl";

    /// <summary>The retention policy to write to; null for the database's default.</summary>
    public string? RetentionPolicy { get; init; }

    /// <summary>The measurement. It belongs to one ledger alone.</summary>
    public string Measurement { get; init; } = "zfrepl";

    /// <summary>The user, or null for a server without users.</summary>
    public string? Username { get; init; }

    /// <summary>The user's password. It travels in a header, never in a URL.</summary>
    public string? Password { get; init; }

    /// <summary>A PEM file with the only authorities that are trusted; null for those of the operating system.</summary>
    public string? CaFile { get; init; }

    /// <summary>True to create a database that is missing, as far as the user may.</summary>
    public bool CreatesDatabase { get; init; } = true;

    /// <summary>True to use also a server that confirms a write before it is on disk.</summary>
    public bool AllowsUnsafeServer { get; init; }

    /// <summary>True to look only: nothing is created or written.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>How long one request may take, from 1 s.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long connecting may take, from 1 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether what is written is compressed; null: unless the server is on this machine.</summary>
    public bool? Compresses { get; init; }

    /// <summary>The most lines in one request, from 1.</summary>
    public int LinesPerRequest { get; init; } = 20_000;

    /// <summary>Without the secret.</summary>
    public override string ToString() => $"influxdb {Url.GetLeftPart(UriPartial.Path)} {Database}/{Measurement}";

    /// <summary>Null, or why the options can't be used, as a sentence without secrets.</summary>
    internal string? WhyNot()
    {
        if (!Url.IsAbsoluteUri || (Url.Scheme != Uri.UriSchemeHttp && Url.Scheme != Uri.UriSchemeHttps))
        {
            return "An InfluxDB url begins with http:// or https://.";
        }

        if (Url.UserInfo.Length > 0 || Url.Query.Length > 0 || Url.Fragment.Length > 0)
        {
            return "An InfluxDB url has no user, no password and no parameters: they have settings of their own.";
        }

        if (WhyNotName(Database) is { } database)
        {
            return $"The database's name can't be used: {database}.";
        }

        if (WhyNotName(Measurement) is { } measurement)
        {
            return $"The measurement's name can't be used: {measurement}.";
        }

        if (RetentionPolicy is not null && WhyNotName(RetentionPolicy) is { } policy)
        {
            return $"The retention policy's name can't be used: {policy}.";
        }

        if (Username is null != Password is null || Username?.Contains(':', StringComparison.Ordinal) is true)
        {
            return "A user name needs a password, and a password a user name, which has no colon.";
        }

        return RequestTimeout < TimeSpan.FromSeconds(1) || ConnectTimeout < TimeSpan.FromSeconds(1) || LinesPerRequest < 1
            ? "A timeout is at least a second, and a request has at least a line."
            : null;
    }

    /// <summary>Null, or why a name can't be used. A backslash means something else on each of the server's interfaces.</summary>
    public static string? WhyNotName(string name) =>
        name.Length == 0 ? "it is empty"
        : System.Text.Encoding.UTF8.GetByteCount(name) > MaxNameBytes ? $"it is longer than {MaxNameBytes} bytes"
        : name.Any(char.IsControl) || name.Contains('\\', StringComparison.Ordinal) ? "it holds control characters or a backslash"
        : name.Contains('\uFFFD', StringComparison.Ordinal) || name.Any(char.IsSurrogate) ? "it holds characters that InfluxDB may change"
        : name[0] is '#' or '_' ? "it begins with a character that means something else to InfluxDB"
        : null;
}
