namespace ZfRepl.Hosting.Rpc;

/// <summary>Bounds on what callers may make a service hold or do at once.</summary>
internal static class RpcLimits
{
    public const int BodyBytesMax = 1024 * 1024;

    public const int DepthMax = 32;

    public const int BatchMax = 64;

    public const int CallsMax = 64;

    public const int ConnectionsMax = 256;

    /// <summary>Answers leave in pieces of about this size, so that a long list is never held as a whole.</summary>
    public const int FlushBytes = 64 * 1024;

    public const int ResponseBytesMax = 64 * 1024 * 1024;
}
