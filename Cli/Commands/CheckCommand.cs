using System.CommandLine;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl check FILE…</c>: says what is wrong with service files, and where, without starting anything.</summary>
internal static class CheckCommand
{
    private const string Description = """
        Check service files: every mistake with file, line and column.

        Folders are tried out for the account that runs this command; nothing is started and nothing is left behind. Exits 0 when all is well,
        78 when not. Warnings alone are well.

        Examples:
          zfrepl check edge-collector.yml edge-replicator.yml
          sudo -u plant zfrepl check --dir /opt/plant /opt/plant/*.yml
        """;

    public static Command Create()
    {
        var files = SharedOptions.Files();
        var folder = SharedOptions.Folder();
        var command = new Command("check", Description)
        {
            files,
            folder,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(files), SharedOptions.FolderOf(parsed.GetValue(folder))));
        return command;
    }

    private static int Run(string[] files, string? folder)
    {
        var loaded = ServiceFiles.LoadAll(files, folder);
        var isValid = Findings.Print(loaded);
        foreach (var service in loaded.Where(l => l.Service is not null && l.Document.IsValid))
        {
            Console.WriteLine($"{service.Document.FileName}: ok: {service.Summary}");
        }

        return isValid ? ExitCode.Ok : ExitCode.Config;
    }
}
