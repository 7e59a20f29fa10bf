namespace ZfRepl.Hosting.Configuration;

/// <summary>A service's YAML file, read with positions, and all that is wrong with it. Not thread-safe.</summary>
/// <remarks>
/// Reading never fails with an exception: what the text or the file system did wrong is in <see cref="Errors"/>. A caller binds
/// its options from <see cref="Root"/>, calls <see cref="Finish"/> and uses the options only when <see cref="IsValid"/>.
/// Bounds: 4 MiB of text, 32 levels, 250,000 values with every alias counted as often as it is used. Anchors, aliases and
/// merge keys (<c>&lt;&lt;</c>) work; tags other than YAML's own are refused; a file holds one document.
/// <para>
/// <b>Environment:</b> <c>${NAME}</c> in any value is replaced when the value is read; a variable that is not set is an error;
/// <c>$${</c> stands for <c>${</c>. <b>Secrets</b>, read with <see cref="ConfigSection.Secret"/>, may also be given as
/// <c>file:PATH</c>: the content of a file that no other account can read or write (mode 0600 or stricter), without the line end behind it.
/// </para>
/// </remarks>
public sealed class ConfigDocument
{
    private readonly ConfigReport _report;

    private ConfigDocument(ConfigReport report, ConfigSection root)
    {
        _report = report;
        Root = root;
    }

    /// <summary>Name of the file as it stands in the findings.</summary>
    public string FileName => _report.FileName;

    /// <summary>The file's top level; empty when the file could not be read.</summary>
    public ConfigSection Root { get; }

    /// <summary>Everything that keeps the service from starting, in the order of the file. At most 1000.</summary>
    public IReadOnlyList<ConfigError> Errors => _report.Errors;

    /// <summary>What an operator should know although the service starts, in the order of the file. At most 1000.</summary>
    public IReadOnlyList<ConfigError> Warnings => _report.Warnings;

    /// <summary>Whether there are no errors so far.</summary>
    public bool IsValid => !_report.HasErrors;

    /// <summary>Reads a file of at most 4 MiB; that it cannot be read is a finding, not an exception.</summary>
    public static ConfigDocument Load(string path, ConfigOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var report = new ConfigReport(path);
        return ConfigFile.Read(path, report, out var isOpenToOthers) is { } text
            ? Build(text, report, options, isOpenToOthers)
            : Empty(report, options);
    }

    /// <summary>Reads a text of at most 4 Mi characters.</summary>
    /// <param name="text">The YAML text.</param>
    /// <param name="fileName">The name for the findings; its folder is where relative paths start, unless the options say otherwise.</param>
    /// <param name="options">What the text may refer to.</param>
    public static ConfigDocument Parse(string text, string fileName, ConfigOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentException.ThrowIfNullOrEmpty(fileName);
        return Build(text, new ConfigReport(fileName), options, isOpenToOthers: false);
    }

    /// <summary>Reports every key that nobody asked for, on all levels that were opened. May be called more than once.</summary>
    public void Finish() => Root.Finish();

    private static ConfigDocument Build(string text, ConfigReport report, ConfigOptions? options, bool isOpenToOthers)
    {
        if (text.Length > ConfigLimits.FileBytesMax)
        {
            ConfigFile.ReportTooLarge(report);
            return Empty(report, options);
        }

        var tree = new ConfigTreeReader(text.TrimStart('\ufeff'), report).Read();
        var context = Context(report, options, isOpenToOthers);
        if (tree is MappingNode mapping)
        {
            return new ConfigDocument(report, new ConfigSection(context, mapping));
        }

        if (tree is ScalarNode { IsNull: true })
        {
            return Empty(report, options);
        }

        if (tree is not null)
        {
            // A single text is not shown: somebody may have named a file with a key or a password.
            var shown = tree is ScalarNode ? "a single value" : tree.Shown;
            report.Error(ConfigCodes.Syntax, tree.Place, "", $"the file holds {shown}, expected keys with values", "write `key: value` lines");
        }

        return Empty(report, options);
    }

    private static ConfigDocument Empty(ConfigReport report, ConfigOptions? options) =>
        new(report, new ConfigSection(Context(report, options, isOpenToOthers: false), new MappingNode(ConfigPlace.Start)));

    private static ConfigContext Context(ConfigReport report, ConfigOptions? options, bool isOpenToOthers)
    {
        options ??= new ConfigOptions();
        var folder = options.BaseFolder ?? Path.GetDirectoryName(Path.GetFullPath(report.FileName)) ?? "/";
        return new ConfigContext(report, options.Environment, Path.GetFullPath(folder), isOpenToOthers);
    }
}

/// <summary>What all sections of one document share.</summary>
internal sealed record ConfigContext(ConfigReport Report, Func<string, string?> Environment, string BaseFolder, bool IsOpenToOthers);
