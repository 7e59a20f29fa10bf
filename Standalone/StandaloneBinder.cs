using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.History;

namespace ZfRepl.Standalone;

/// <summary>The standalone section of a service file → options.</summary>
public static class StandaloneBinder
{
    /// <summary>The section's name.</summary>
    public const string Role = "standalone";

    /// <summary>Binds the section.</summary>
    public static StandaloneOptions Bind(ServiceFile file)
    {
        var section = file.RoleSection!;
        var data = section.FilePath("path") ?? section.ResolvePath("runtime/zfrepl/target");
        var options = new StandaloneOptions
        {
            Id = file.Id,
            Node = file.SystemName,
            History = HistoryBinder.Bind(section, Path.Combine(data, "history.db"), file.Folders),
            QuarantinePath = Path.Combine(data, "quarantine"),
            JsonLinesPath = section.FilePath("json_lines"),
        };
        file.Folders.Add(data, section, "path");
        if (options.JsonLinesPath is { } lines)
        {
            file.Folders.Add(Path.GetDirectoryName(lines)!, section, "json_lines");
        }

        return options;
    }
}
