using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Check;

/// <summary><c>zfrepl key</c> with a store, and what <c>check</c> says of keys and access lists.</summary>
public sealed class KeyCheckTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_key_is_made_listed_succeeded_and_retired()
    {
        var made = await RunAsync("key", "new", "edge1", "--write", "sensor:edge1/#");
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["etc", "zfrepl", "keys.yml"]));
        Assert.Contains(made.Lines[0], await File.ReadAllTextAsync(_folder["etc", "zfrepl", "keys.yml"]), StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("key", "new", "edge1")).ExitCode);

        var next = await RunAsync("key", "rotate", "edge1");
        Assert.Equal(0, next.ExitCode);
        Assert.Contains("zfrepl key retire edge1", next.Error, StringComparison.Ordinal);
        Assert.NotEqual(made.Lines[0], next.Lines[0]);
        Assert.Equal(0, (await RunAsync("key", "test", "edge1-2", "--oid", "sensor:edge1/t")).ExitCode);
        Assert.Equal(77, (await RunAsync("key", "test", "edge1-2", "--oid", "sensor:edge2/t")).ExitCode);

        Assert.Equal(0, (await RunAsync("key", "retire", "edge1")).ExitCode);
        Assert.Equal(77, (await RunAsync("key", "test", "edge1")).ExitCode);
        Assert.Equal(3, (await RunAsync("key", "test", "nobody")).ExitCode);
        Assert.DoesNotContain(made.Lines[0], await File.ReadAllTextAsync(_folder["etc", "zfrepl", "keys.yml"]), StringComparison.Ordinal);
        var listed = await RunAsync("key", "ls", "--json");
        Assert.Contains("\"retired\"", listed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("zfk_", listed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_untrusted_source_needs_a_key_that_may_write_something()
    {
        await File.WriteAllTextAsync(_folder["centre.yml"], """
            system_name: centre
            config:
              replicator:
                pubsub: {host: localhost}
                client: {mailboxes: {edge1: {key_id: edge1, trusted: false}}}
            """);
        Assert.Equal(0, (await RunAsync("key", "new", "edge1")).ExitCode);
        var refused = await RunAsync("check", "centre.yml");
        Assert.Equal(78, refused.ExitCode);
        Assert.Contains("key 'edge1' may write nothing", refused.Error, StringComparison.Ordinal);

        File.Delete(_folder["etc", "zfrepl", "keys.yml"]);
        Assert.Equal(0, (await RunAsync("key", "new", "edge1", "--write", "sensor:edge1/#")).ExitCode);
        Assert.Equal(0, (await RunAsync("check", "centre.yml")).ExitCode);

        Assert.Equal(0, (await RunAsync("key", "retire", "edge1")).ExitCode);
        var retired = await RunAsync("check", "centre.yml");
        Assert.Equal(78, retired.ExitCode);
        Assert.Contains("key 'edge1' was retired on", retired.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_generated_key_passes_its_own_check() => Assert.True(ApiKey.TryCreate("k", ApiKey.Generate(), out _, out _));

    private Task<ProgramRun> RunAsync(params string[] arguments) => ZfReplProgram.RunAsync(_folder.Path, arguments);
}
