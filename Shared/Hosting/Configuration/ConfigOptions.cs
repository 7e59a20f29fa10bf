namespace ZfRepl.Hosting.Configuration;

/// <summary>What a configuration file may refer to outside itself.</summary>
public sealed record ConfigOptions
{
    /// <summary>The folder that relative paths start from; null for the folder of the file.</summary>
    public string? BaseFolder { get; init; }

    /// <summary>Looks up an environment variable; null for one that is not set. Default: the process's environment.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}
