using ZfRepl.Hosting.Configuration;

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
        return new StandaloneOptions
        {
            Id = file.Id,
            Node = file.SystemName,
            HistoryPath = section.Section("history")?.FilePath("path") ?? Path.Combine(data, "history.db"),
            QuarantinePath = Path.Combine(data, "quarantine"),
            JsonLinesPath = section.FilePath("json_lines"),
        };
    }
}
