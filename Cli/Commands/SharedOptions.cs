using System.CommandLine;
using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Logging;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary>Options that several verbs share.</summary>
internal static class SharedOptions
{
    private const string FolderVariable = "ZFREPL_DIR";
    private const string DefaultBus = "var/bus.ipc";

    /// <summary>The service files.</summary>
    public static Argument<string[]> Files()
    {
        var files = new Argument<string[]>("FILE") { Description = "service files", Arity = ArgumentArity.OneOrMore };
        files.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => t.Value.Length == 0))
            {
                result.AddError("FILE: a path is not empty");
            }
        });
        return files;
    }

    /// <summary>Where relative paths start.</summary>
    public static Option<string?> Folder() => NotEmpty(new("--dir")
    {
        Description = $"folder that relative paths in the files start from (default: ${FolderVariable}, else each file's own folder)",
        HelpName = "DIR",
    });

    /// <summary>Where the services' sockets are.</summary>
    public static Option<string?> Bus() => NotEmpty(new("--bus")
    {
        Description = $"bus.path of the services, or its folder (default: {DefaultBus} below ${FolderVariable}, else below the current folder)",
        HelpName = "PATH",
    });

    /// <summary>How much to log.</summary>
    public static Option<LogLevel?> LogLevel() => new("--log-level")
    {
        Description = $"how much to log, instead of what the files say: {string.Join(", ", ServiceLogging.LevelNames)}",
        HelpName = "LEVEL",
        CustomParser = result =>
        {
            if (ServiceLogging.TryParseLevel(result.Tokens[0].Value, out var level))
            {
                return level;
            }

            result.AddError($"--log-level: '{result.Tokens[0].Value}' is none of {string.Join(", ", ServiceLogging.LevelNames)}");
            return null;
        },
    };

    /// <summary>How long to wait for an answer.</summary>
    public static Option<double> Timeout()
    {
        var option = new Option<double>("--timeout")
        {
            Description = "how long to wait for the answer",
            DefaultValueFactory = _ => 60,
            HelpName = "SECONDS",
        };
        option.Validators.Add(result =>
        {
            if (!(result.GetValueOrDefault<double>() is >= 0.1 and <= 86_400))
            {
                result.AddError("--timeout: 0.1 to 86400 seconds are possible");
            }
        });
        return option;
    }

    /// <summary>No question before something is deleted.</summary>
    public static Option<bool> Yes() => new("--yes") { Description = "do not ask before something is deleted" };

    /// <summary>One service of several.</summary>
    public static Option<string?> Service() => new("--svc") { Description = "this service alone (default: all that run there)", HelpName = "ID" };

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json() => new("--json") { Description = "print JSON" };

    /// <summary>The folder for relative paths, or null for each file's own.</summary>
    public static string? FolderOf(string? given) => given ?? FolderFromEnvironment();

    /// <summary>The folder of the sockets.</summary>
    public static string SocketFolderOf(string? bus)
    {
        if (bus is null)
        {
            return ServiceSockets.FolderOf(Path.Combine(FolderFromEnvironment() ?? ".", DefaultBus));
        }

        // The folder itself is what people try first.
        return Directory.Exists(bus) ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(bus)) : ServiceSockets.FolderOf(bus);
    }

    /// <summary>A variable that is set to nothing is as good as none.</summary>
    private static string? FolderFromEnvironment() =>
        Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? folder : null;

    private static Option<string?> NotEmpty(Option<string?> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }])
            {
                result.AddError($"{option.Name}: a path is not empty");
            }
        });
        return option;
    }
}
