namespace ZfRepl.Cli;

/// <summary>Prints what is wrong with service files.</summary>
internal static class Findings
{
    /// <summary>Prints errors and warnings to the error output.</summary>
    /// <returns>True when there is no error.</returns>
    public static bool Print(IEnumerable<LoadedService> services)
    {
        var isValid = true;
        foreach (var document in services.Select(s => s.Document))
        {
            foreach (var finding in document.Errors.Concat(document.Warnings).OrderBy(f => f.Line).ThenBy(f => f.Column))
            {
                Console.Error.WriteLine(finding);
                isValid &= finding.IsWarning;
            }
        }

        return isValid;
    }
}
