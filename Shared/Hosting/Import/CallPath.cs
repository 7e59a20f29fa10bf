using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Import;

/// <summary>Checks paths that callers give.</summary>
internal static class CallPath
{
    // What Linux takes; a longer text is no path, and is not echoed whole either.
    private const int MaxChars = 4095;

    /// <summary>Null when a text can be an absolute path, else the error to answer with.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="path">The text.</param>
    public static RpcResult? Refuse(string name, string path)
    {
        if (path.Length is 0 or > MaxChars || path.Contains('\0', StringComparison.Ordinal))
        {
            return RpcResult.Error(
                RpcErrorCode.InvalidData, $"{name}: '{OutsideText.Show(path)}' is no path: it has 1 to {MaxChars} characters, none of them NUL");
        }

        return Path.IsPathFullyQualified(path)
            ? null
            : RpcResult.Error(
                RpcErrorCode.InvalidData, $"{name}: '{OutsideText.Show(path)}' is not absolute, and the service runs in another folder than you");
    }
}
