using ZfRepl.Hosting.Logging;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Configuration;

/// <summary>
/// The part of a service's file that all roles share: who it is, where its socket lies, which role it has. The role's own section is
/// bound by the role. Not thread-safe.
/// </summary>
public sealed class ServiceFile
{
    private const string DefaultBusPath = "var/bus.ipc";

    private ServiceFile(ConfigDocument document, ConfigSection root)
    {
        Document = document;
        Root = root;
    }

    /// <summary>The file, with everything that was found wrong in it so far.</summary>
    public ConfigDocument Document { get; }

    /// <summary>The top level.</summary>
    public ConfigSection Root { get; }

    /// <summary>The service's id.</summary>
    public string Id { get; private set; } = "";

    /// <summary>The node's name.</summary>
    public string SystemName { get; private set; } = "";

    /// <summary>The folder of service sockets.</summary>
    public string SocketFolder { get; private set; } = "";

    /// <summary>The role: the name of the one section that describes it; empty when that is missing.</summary>
    public string Role { get; private set; } = "";

    /// <summary>The role's section, or null when there is none.</summary>
    public ConfigSection? RoleSection { get; private set; }

    /// <summary>The log level that the file asks for, or null.</summary>
    public Microsoft.Extensions.Logging.LogLevel? LogLevel { get; private set; }

    /// <summary>The folders that the service writes into; each role adds its own.</summary>
    public FolderNeeds Folders { get; } = new();

    /// <summary>Reads the shared part.</summary>
    /// <param name="document">The file.</param>
    /// <param name="roles">The names of the sections that describe a role.</param>
    /// <param name="checkNodeName">Says why a text can't be a node's name, or null.</param>
    /// <param name="hostName">The name of the machine, the default of the node's name.</param>
    public static ServiceFile Read(ConfigDocument document, IReadOnlyList<string> roles, Func<string, string?> checkNodeName, string hostName)
    {
        var root = document.Root;
        var file = new ServiceFile(document, root);
        // Of the original's launcher: they change nothing here, and a deployment file may be brought along as it is.
        root.Ignore("command", "workers", "user", "timeout", "data_path", "restart_delay");
        file.ReadRole(roles);
        file.SystemName = root.String("system_name") ?? hostName;
        if (checkNodeName(file.SystemName) is { } badName)
        {
            root.Error("system_name", $"'{OutsideText.Show(file.SystemName)}' can't be the node's name: {badName}", "set system_name to a short plain name");
        }

        file.Id = root.String("id") ?? $"eva.zfrepl.default.{(file.Role.Length == 0 ? "service" : file.Role)}";
        if (!ServiceSockets.IsServiceId(file.Id))
        {
            root.Error("id", $"'{OutsideText.Show(file.Id)}' can't be a service id", "use letters, digits, dots and dashes");
        }

        file.LogLevel = ReadLogLevel(root);
        var bus = root.Section("bus");
        var busPath = bus?.FilePath("path") ?? root.ResolvePath(DefaultBusPath);
        bus?.Ignore("type", "ping_interval", "queue_size", "buf_size", "timeout");
        file.SocketFolder = ServiceSockets.FolderOf(busPath);
        if (ServiceSockets.IsServiceId(file.Id) && !ServiceSockets.TryPathOf(file.SocketFolder, file.Id, out _, out var badSocket))
        {
            root.Error("bus", badSocket, "choose a shorter folder in bus.path");
        }

        file.Folders.Add(file.SocketFolder, bus ?? root, bus is null ? null : "path");
        return file;
    }

    private static Microsoft.Extensions.Logging.LogLevel? ReadLogLevel(ConfigSection root)
    {
        if (root.String("log_level") is not { } text)
        {
            return null;
        }

        if (ServiceLogging.TryParseLevel(text, out var level))
        {
            return level;
        }

        var nearest = NearestName.Find(text, ServiceLogging.LevelNames);
        root.Error(
            "log_level",
            $"'{OutsideText.Show(text)}' is no log level",
            nearest is null ? $"write one of {string.Join(", ", ServiceLogging.LevelNames)}" : $"did you mean `{nearest}`?");
        return null;
    }

    private void ReadRole(IReadOnlyList<string> roles)
    {
        var config = Root.Section("config");
        if (config is null)
        {
            Root.Error("config", "`config` is missing", $"add `config:` with one of the sections {string.Join(", ", roles)}");
            return;
        }

        var present = roles.Where(config.Has).ToArray();
        foreach (var role in present)
        {
            RoleSection = config.Section(role);
            Role = role;
        }

        if (present.Length == 0)
        {
            config.Error(null, "`config` describes no role", $"add one of the sections {string.Join(", ", roles)}");
        }
        else if (present.Length > 1)
        {
            config.Error(present[1], $"a service has one role, this file describes {string.Join(" and ", present)}", "put each into a file of its own");
        }
    }
}
