using System.Diagnostics.CodeAnalysis;
using System.Text;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.Rpc;

/// <summary>A socket file that was found in a folder; whether its service lives only a call can tell.</summary>
/// <param name="ServiceId">The service's id.</param>
/// <param name="Path">The full path of the socket.</param>
public sealed record ServiceSocket(string ServiceId, string Path);

/// <summary>Where services listen: one Unix socket <c>ID.sock</c> per service in the folder of <c>bus.path</c>.</summary>
public static class ServiceSockets
{
    /// <summary>Longest path of a Unix socket, in bytes of UTF-8.</summary>
    public const int PathBytesMax = 107;

    /// <summary>Longest service id.</summary>
    public const int ServiceIdLengthMax = 80;

    private const string Extension = ".sock";

    /// <summary>The folder of the sockets for a configured <c>bus.path</c>; the last part of that path names a file that is not used.</summary>
    public static string FolderOf(string busPath) => Path.GetDirectoryName(Path.GetFullPath(busPath)) ?? "/";

    /// <summary>Whether a text can name a service: letters, digits, <c>.</c>, <c>_</c>, <c>-</c>, at most 80, the first no mark.</summary>
    public static bool IsServiceId(string text) =>
        text.Length is > 0 and <= ServiceIdLengthMax && char.IsAsciiLetterOrDigit(text[0]) &&
        text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>The socket's path of a service; false with a reason when the id or the path's length does not allow one.</summary>
    public static bool TryPathOf(
        string folder, string serviceId, [NotNullWhen(true)] out string? path, [NotNullWhen(false)] out string? reason)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(serviceId);
        path = null;
        if (!IsServiceId(serviceId))
        {
            reason =
                $"'{OutsideText.Show(serviceId)}' is not a service id: at most {ServiceIdLengthMax} letters, digits, '.', '_' or '-', no mark first";
            return false;
        }

        var full = Path.Combine(Path.GetFullPath(folder), serviceId + Extension);
        var length = Encoding.UTF8.GetByteCount(full);
        reason = length > PathBytesMax
            ? $"the socket's path {full} has {length} bytes, allowed are {PathBytesMax}; choose a shorter folder in bus.path"
            : null;
        path = reason is null ? full : null;
        return reason is null;
    }

    /// <summary>The sockets in a folder, by id; none when the folder does not exist.</summary>
    /// <exception cref="UnauthorizedAccessException">The account must not list the folder.</exception>
    public static IReadOnlyList<ServiceSocket> List(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
        {
            return [];
        }

        return
        [
            .. Directory.EnumerateFiles(Path.GetFullPath(folder), "*" + Extension)
                .Select(path => new ServiceSocket(Path.GetFileNameWithoutExtension(path), path))
                .Where(socket => IsServiceId(socket.ServiceId))
                .OrderBy(socket => socket.ServiceId, StringComparer.Ordinal),
        ];
    }
}
