using System.Text.RegularExpressions;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Pages;

/// <summary>The template with every key, the ready configurations, and the template of the original.</summary>
public sealed partial class TemplateTests : IDisposable
{
    private const string Template = "svc-tpl-zfrepl.yml";

    private readonly TempFolder _folder = new();

    public TemplateTests()
    {
        // What `zfrepl key new edge1 --write 'sensor:plant/#'` writes.
        WriteSecret("keys.yml", $"keys: {{edge1: {{key: {ApiKey.Generate()}, acls: [edge1]}}}}\nacls: {{edge1: {{write: {{items: [\"sensor:plant/#\"]}}}}}}\n");
        foreach (var secret in new[] { "default.key", "plant.password", "broker-edge1.password" })
        {
            WriteSecret(secret, ApiKey.Generate());
        }

        WriteSecret("broker.crt", "certificate");
        WriteSecret("broker.key", "key");
    }

    public static TheoryData<string> ReadyConfigurations =>
        [.. Directory.EnumerateFiles(Path.Combine(ProgramLookup.RepositoryRoot, "templates"), "*.yml").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(ReadyConfigurations))]
    public async Task A_ready_configuration_passes_check_and_says_how_to_start_it(string name)
    {
        var text = ReadFile("templates", name);
        Assert.Matches($@"^# .*: zfrepl run .*\b{Regex.Escape(name)}\b", text.Split('\n')[0]);
        await AssertPassesAsync(name, text);
    }

    [Fact]
    public void There_is_a_ready_configuration_for_each_role_and_strategy() => Assert.Equal(
        [
            "broker.yml", "centre-replicator.yml", "edge-collector.yml", "edge-replicator.yml", "manual-edge-collector.yml",
            "relay-site-collector.yml", "relay-site-replicator.yml", "self-repair-centre-replicator.yml", "self-repair-edge-collector.yml", "self-repair-edge-replicator.yml", "source-forced-edge-collector.yml",
            "source-forced.cron", "source-forced.py", "standalone.yml", "untrusted-centre-replicator.yml", "untrusted-edge-replicator.yml",
        ],
        Directory.EnumerateFiles(Path.Combine(ProgramLookup.RepositoryRoot, "templates")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Fact]
    public Task The_template_passes_check_as_it_is() => AssertPassesAsync(Template, ReadFile(Template));

    [Theory]
    [InlineData("collector")]
    [InlineData("replicator")]
    [InlineData("standalone")]
    [InlineData("broker")]
    public void The_template_with_all_keys_of_a_role_has_no_mistake_and_leaves_no_key_out(string role)
    {
        File.WriteAllText(_folder["all.yml"], TemplateText.WithAllKeysOf(ReadFile(Template), role));
        var loaded = ServiceFiles.Load(_folder["all.yml"], baseFolder: null);
        Assert.Empty(loaded.Document.Errors);
        Assert.NotNull(loaded.Service);
        string[] otherRoles = ["config.collector", "config.replicator", "config.standalone", "config.broker"];
        Assert.Equal([], loaded.Document.Root.AbsentKeys().Except(otherRoles));
    }

    [Theory]
    [InlineData("collector", "LOSS: with `drop`, readings are given up")]
    [InlineData("replicator", "eva.db.i1 is a database service of the original")]
    public void What_cannot_work_as_written_is_said(string role, params string[] warnings)
    {
        var text = TemplateText.WithAllKeysOf(ReadFile(Template), role)
            .Replace("queue_full: block", "queue_full: drop", StringComparison.Ordinal);
        File.WriteAllText(_folder["all.yml"], text);
        var found = ServiceFiles.Load(_folder["all.yml"], baseFolder: null).Document.Warnings;
        Assert.All(warnings, text => Assert.Contains(found, w => w.Message.Contains(text, StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(OriginalTemplate.Roles), MemberType = typeof(OriginalTemplate))]
    public async Task The_originals_template_is_accepted_as_it_is(string role)
    {
        await AssertPassesAsync("original.yml", OriginalTemplate.Of(role));
    }

    [Fact]
    public Task The_originals_collector_is_accepted_with_nothing_more_switched_on() =>
        AssertPassesAsync("original.yml", OriginalTemplate.Of("collector", isSwitchedOn: false));

    [Theory]
    [MemberData(nameof(OriginalTemplate.Roles), MemberType = typeof(OriginalTemplate))]
    public void With_everything_switched_on_a_role_has_just_the_keys_that_the_page_has_rows_for(string role)
    {
        File.WriteAllText(_folder["original.yml"], OriginalTemplate.Of(role));
        var expected = ManualCoverageTests.KeysOf(role).Order(StringComparer.Ordinal);
        Assert.Equal(expected, OriginalTemplate.PathsOf(OriginalTemplate.Of(role)).Order(StringComparer.Ordinal));
        var loaded = ServiceFiles.Load(_folder["original.yml"], baseFolder: null);
        Assert.Empty(loaded.Document.Errors);
        Assert.NotNull(loaded.Service);
    }

    [Theory]
    [MemberData(nameof(OriginalTemplate.Roles), MemberType = typeof(OriginalTemplate))]
    public void Every_key_of_the_originals_template_is_in_ours(string role)
    {
        var ours = TemplateText.KeysOf(TemplateText.WithAllKeysOf(ReadFile(Template), role));
        Assert.Empty(TemplateText.KeysOf(OriginalTemplate.Of(role)).Except(ours));
    }

    private async Task AssertPassesAsync(string name, string text)
    {
        await File.WriteAllTextAsync(_folder[name], text);
        var run = await ZfReplProgram.RunAsync(_folder.Path, "check", name);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.StartsWith($"{name}: ok: ", run.Output, StringComparison.Ordinal);
    }

    private void WriteSecret(string name, string text)
    {
        var path = _folder["etc", "zfrepl", name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static string ReadFile(params string[] parts) => File.ReadAllText(Path.Combine([ProgramLookup.RepositoryRoot, .. parts]));
}
