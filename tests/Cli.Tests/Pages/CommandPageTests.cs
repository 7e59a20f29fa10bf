using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Pages;

/// <summary>Help, docs/cli.md and the command lines in all pages, held against the verbs and options that the program really has.</summary>
public sealed partial class CommandPageTests
{
    private static readonly string Page = Documents.Read("docs", "cli.md");

    public static TheoryData<string> Verbs => [.. Leaves().Select(l => l.Words)];

    [Fact]
    public void Every_verb_has_help_with_an_example()
    {
        var root = CommandLine.Root(out var pages);
        foreach (var (words, command) in Commands(root, "zfrepl").Where(c => c.Command is not RootCommand))
        {
            var details = pages.DetailsOf(command);
            Assert.True(details.Contains("Example", StringComparison.Ordinal), $"`{words} --help` has no example");
            Assert.Contains(" zfrepl ", details, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', command.Description!);
            Assert.EndsWith(".", command.Description, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Examples_in_the_help_are_understood_by_the_program(string words)
    {
        var root = CommandLine.Root(out var pages);
        var command = Commands(root, "zfrepl").Single(c => c.Words == words).Command;
        Assert.All(Documents.CommandLines(pages.DetailsOf(command)), AssertUnderstood);
    }

    [Fact]
    public async Task Help_is_printed_with_examples_whatever_is_missing()
    {
        foreach (var arguments in new[] { new[] { "--help" }, ["run", "--help"], ["block", "cat", "-h"], ["call", "--help"] })
        {
            var run = await ZfReplProgram.RunAsync("/", arguments);
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
            Assert.Contains("Example", run.Output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("'frobnicate' is not understood", "zfrepl --help", "frobnicate")]
    [InlineData("'lst' is not understood", "zfrepl block --help", "block", "lst")]
    [InlineData("'--jsn' is not understood", "zfrepl status --help", "status", "--jsn")]
    [InlineData("Required argument", "zfrepl run --help", "run")]
    [InlineData("0.1 to 86400", "zfrepl call --help", "call", "a", "b", "--timeout", "nan")]
    [InlineData("FILE: a path is not empty", "zfrepl check --help", "check", "")]
    [InlineData("--bus: a path is not empty", "zfrepl status --help", "status", "--bus", "")]
    [InlineData("--dir: a path is not empty", "zfrepl check --help", "check", "--dir", "", "x.yml")]
    [InlineData("--seconds: 15 to 86400 are possible", "zfrepl demo --help", "demo", "--seconds", "5")]
    [InlineData("--rate: 1 to 100000 are possible", "zfrepl demo --help", "demo", "--rate", "NaN")]
    [InlineData("'loud' is none of trace,", "zfrepl run --help", "run", "x.yml", "--log-level", "loud")]
    public async Task Wrong_use_exits_2_and_says_where_help_is(string message, string help, params string[] arguments)
    {
        var run = await ZfReplProgram.RunAsync("/", arguments);
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Equal($"zfrepl: see `{help}`", run.ErrorLines[^1]);
    }

    [Fact]
    public async Task Version_names_program_format_and_libraries()
    {
        var run = await ZfReplProgram.RunAsync("/", "version");
        Assert.Equal(0, run.ExitCode);
        Assert.Collection(
            run.Lines,
            l => Assert.Matches(@"^zfrepl \d+\.\d+\.\d+", l),
            l => Assert.Equal("block format 2", l),
            l => Assert.Matches(@"^\.NET 10\.", l),
            l => Assert.Matches(@"^SQLite 3\.", l));
    }

    [Fact]
    public async Task A_key_is_new_each_time()
    {
        var first = await ZfReplProgram.RunAsync("/", "key", "new");
        var second = await ZfReplProgram.RunAsync("/", "key", "new");
        Assert.Matches("^zfk_[A-Za-z0-9_-]{40,}$", first.Lines[0]);
        Assert.NotEqual(first.Output, second.Output);
    }

    [Fact]
    public void The_page_has_a_section_for_each_verb_and_no_other() => Assert.Equal(
        Leaves().Select(l => l.Words).Order(StringComparer.Ordinal), Sections().Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_page_names_each_option_of_a_verb_and_no_other(string words)
    {
        var command = Leaves().Single(l => l.Words == words).Command;
        var shown = OptionRow().Matches(Sections()[words]).Select(m => m.Groups["name"].Value);
        Assert.Equal(command.Options.Where(o => !o.Hidden).Select(o => o.Name).Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_page_names_each_exit_code()
    {
        var codes = typeof(ExitCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => string.Create(CultureInfo.InvariantCulture, $"| {f.GetRawConstantValue()} | {f.Name} |"));
        Assert.All(codes, row => Assert.Contains(row, Page, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Documents.Pages), MemberType = typeof(Documents))]
    public void Command_lines_in_pages_are_understood_by_the_program(string page) =>
        Assert.All(Documents.CodeBlocks(Documents.Read(page.Split('/')), "sh").SelectMany(Documents.CommandLines), AssertUnderstood);

    [Fact]
    public void The_readme_shows_command_lines() =>
        Assert.True(Documents.CodeBlocks(Documents.Read("README.md"), "sh").SelectMany(Documents.CommandLines).Count() > 10);

    private static void AssertUnderstood(string line)
    {
        var errors = CommandLine.Root(out _).Parse(line["zfrepl ".Length..]).Errors;
        Assert.True(errors.Count == 0, $"{line}: {string.Join("; ", errors.Select(e => e.Message))}");
    }

    private static Dictionary<string, string> Sections() => Page.Split("\n## ")
        .Select(s => (Head: Heading().Match(s), Text: s))
        .Where(s => s.Head.Success)
        .ToDictionary(s => s.Head.Groups["words"].Value, s => s.Text, StringComparer.Ordinal);

    private static IEnumerable<(string Words, Command Command)> Leaves()
    {
        var root = CommandLine.Root(out _);
        // A verb that does something by itself counts, whatever is below it.
        return Commands(root, "zfrepl").Where(c => (c.Command.Subcommands.All(s => s.Hidden) || c.Command.Action is not null) && c.Command is not RootCommand);
    }

    private static IEnumerable<(string Words, Command Command)> Commands(Command command, string words) =>
        command.Subcommands.Where(s => !s.Hidden).SelectMany(s => Commands(s, $"{words} {s.Name}")).Prepend((words, command));

    [GeneratedRegex("^`(?<words>zfrepl( [a-z]+)+)[^`]*`", RegexOptions.ExplicitCapture)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\| `(?<name>--[a-z-]+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex OptionRow();
}
