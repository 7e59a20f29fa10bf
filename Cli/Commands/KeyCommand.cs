using System.CommandLine;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl key new</c>: makes a key that source and target share.</summary>
internal static class KeyCommand
{
    private const string Description = """
        Make a new random key of 256 bits and print it.

        Copy it to both nodes, into a file that only the service's account can read.

        Example:
          (umask 077; zfrepl key new > etc/zfrepl/default.key)
        """;

    private const string GroupDescription = """
        Keys that source and target share.

        Example:
          zfrepl key new
        """;

    public static Command Create()
    {
        var make = new Command("new", Description);
        make.SetAction(_ =>
        {
            Console.WriteLine(ApiKey.Generate());
            return ExitCode.Ok;
        });
        return new Command("key", GroupDescription) { make };
    }
}
