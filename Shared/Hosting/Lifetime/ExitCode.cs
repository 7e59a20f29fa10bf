namespace ZfRepl.Hosting.Lifetime;

/// <summary>Exit codes of the program, the same for every command.</summary>
public static class ExitCode
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>It failed; the log or the last line says why.</summary>
    public const int Failed = 1;

    /// <summary>Wrong use of the command line.</summary>
    public const int Usage = 2;

    /// <summary>What was asked for does not exist.</summary>
    public const int NotFound = 3;

    /// <summary>A part went well; the rest is named, for instance because it is in quarantine.</summary>
    public const int Partial = 4;

    /// <summary>A service or a peer cannot be reached.</summary>
    public const int Unreachable = 69;

    /// <summary>It cannot be done now; try again later.</summary>
    public const int TryLater = 75;

    /// <summary>Access denied.</summary>
    public const int Denied = 77;

    /// <summary>The configuration is invalid.</summary>
    public const int Config = 78;
}
