using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary>What to say about a folder where no service has a socket.</summary>
internal static class NoServices
{
    private const string UsualFolder = "var";

    /// <summary>Names the folder and what to try: the <c>var</c> below it when services are there, which is what people forget to write.</summary>
    public static string In(string folder)
    {
        var below = Path.Combine(folder, UsualFolder);
        var remedy = !Directory.Exists(folder) ? "there is no such folder; --bus names the folder of bus.path"
            : HasServices(below) ? $"but in {below}: --bus {below}"
            : "start one with zfrepl run, or name the folder of its bus.path with --bus";
        return $"no service runs in {folder} ({remedy})";
    }

    private static bool HasServices(string folder)
    {
        try
        {
            return ServiceSockets.List(folder).Count > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
