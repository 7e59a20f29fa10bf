namespace ZfRepl.Hosting.Configuration;

/// <summary>Gathers the findings of one file, each once. Not thread-safe.</summary>
internal sealed class ConfigReport(string fileName)
{
    private readonly HashSet<ConfigError> _seen = [];
    private readonly List<ConfigError> _errors = [];
    private readonly List<ConfigError> _warnings = [];

    public string FileName => fileName;

    public IReadOnlyList<ConfigError> Errors => InOrder(_errors);

    public IReadOnlyList<ConfigError> Warnings => InOrder(_warnings);

    public bool HasErrors => _errors.Count > 0;

    public void Error(string code, ConfigPlace place, string path, string message, string remedy) =>
        Add(_errors, new ConfigError(code, fileName, place.Line, place.Column, path, message, remedy));

    public void Warning(string code, ConfigPlace place, string path, string message, string remedy) =>
        Add(_warnings, new ConfigError(code, fileName, place.Line, place.Column, path, message, remedy, IsWarning: true));

    private void Add(List<ConfigError> list, ConfigError finding)
    {
        if (list.Count < ConfigLimits.FindingsMax && _seen.Add(finding))
        {
            list.Add(finding);
        }
    }

    private static ConfigError[] InOrder(List<ConfigError> list) => [.. list.OrderBy(e => e.Line).ThenBy(e => e.Column)];
}
