namespace ZfRepl.Hosting.Configuration;

/// <summary>Bounds on what one file may make the reader do.</summary>
internal static class ConfigLimits
{
    public const int FileBytesMax = 4 * 1024 * 1024;

    public const int DepthMax = 32;

    /// <summary>Values in the file, with every alias counted as often as it is used.</summary>
    public const int NodesMax = 250_000;

    /// <summary>Findings kept; a file with more is beyond reading anyway.</summary>
    public const int FindingsMax = 1000;

    public const int SecretBytesMax = 64 * 1024;
}
