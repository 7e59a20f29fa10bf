namespace ZfRepl.Hosting.Configuration;

/// <summary>One finding in a configuration file: what, where, and what to do about it. Immutable.</summary>
/// <param name="Code">Stable code, one of <see cref="ConfigCodes"/> or one of the role that reported it.</param>
/// <param name="File">Name of the file as it was given to the reader.</param>
/// <param name="Line">Line, counted from 1.</param>
/// <param name="Column">Column, counted from 1.</param>
/// <param name="Path">The key's full path with dots, such as <c>config.collector.path</c>; empty for the file as a whole.</param>
/// <param name="Message">What was found and what is expected, one sentence without a full stop.</param>
/// <param name="Remedy">What to do, without a full stop; may be empty.</param>
/// <param name="IsWarning">Whether the service may start in spite of it.</param>
public sealed record ConfigError(
    string Code, string File, int Line, int Column, string Path, string Message, string Remedy, bool IsWarning = false)
{
    /// <summary><c>file:line:column: error: message (remedy)</c>, the form that editors and terminals make clickable.</summary>
    public override string ToString()
    {
        var kind = IsWarning ? "warning" : "error";
        var remedy = Remedy.Length == 0 ? "" : $" ({Remedy})";
        return $"{File}:{Line}:{Column}: {kind}: {Message}{remedy}";
    }
}
