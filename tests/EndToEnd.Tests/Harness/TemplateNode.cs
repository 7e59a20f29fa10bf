using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>A machine that runs files of <c>templates</c> in one process.</summary>
internal sealed class TemplateNode
{
    public const string CollectorId = "eva.zfrepl.default.collector";
    public const string ReplicatorId = "eva.zfrepl.default.replicator";
    public const string StandaloneId = "eva.zfrepl.default.standalone";

    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(15);

    private readonly List<string> _files = [];
    private readonly string _name;
    private readonly string _bin;
    private ZfReplProcess? _process;

    public TemplateNode(string name, string folder, string bin, string key)
    {
        (_name, _bin, Folder) = (name, bin, folder);
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "etc", "zfrepl")).FullName, "default.key");
        File.WriteAllText(path, key);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Where it runs; paths in the files are relative to it.</summary>
    public string Folder { get; }

    /// <summary>The process with all files that were named until it was first asked for.</summary>
    public ZfReplProcess Process => _process ??= new ZfReplProcess(_name, Folder, [.. _files]);

    /// <summary>The text of a file of <c>templates</c>.</summary>
    public static string Template(string name) => File.ReadAllText(Path.Combine(ProgramLookup.RepositoryRoot, "templates", name));

    /// <summary>Copies a ready configuration, with some texts replaced; each of them has to be there.</summary>
    public TemplateNode Use(string template, params (string Old, string New)[] changes)
    {
        var text = Template(template);
        foreach (var (old, now) in changes)
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            text = text.Replace(old, now, StringComparison.Ordinal);
        }

        File.WriteAllText(Path.Combine(Folder, template), text);
        _files.Add(template);
        return this;
    }

    /// <summary>Runs a line as the node's operator or cron would: by the shell, with the node's programs in PATH.</summary>
    public Task<ProgramRun> ShellAsync(string line) => ProgramRun.RunAsync(
        "/bin/sh",
        ["-c", line],
        Folder,
        new Dictionary<string, string?>
        {
            ["PATH"] = $"{_bin}:{Environment.GetEnvironmentVariable("PATH")}",
            ["ZFREPL_DIR"] = Folder,
            ["NO_COLOR"] = "1",
        });

    /// <summary>Runs a line that has to work; its output.</summary>
    public async Task<string> SucceedAsync(string line)
    {
        var run = await ShellAsync(line);
        Assert.True(run.ExitCode == 0, $"{line}\nended with {run.ExitCode}:\n{run.Output}\n{run.Error}\n{Process.Output}");
        return run.Output;
    }

    /// <summary>Calls a method that has to work.</summary>
    public async Task<JsonElement> CallAsync(string service, string method, JsonObject? parameters = null)
    {
        Assert.True(ServiceSockets.TryPathOf(Path.Combine(Folder, "var"), service, out var socket, out var reason), reason);
        using var client = new RpcClient(socket);
        return await client.CallAsync(method, parameters, CallLimit) switch
        {
            RpcReply.Value value => value.Result,
            var other => throw new InvalidOperationException($"{service} {method}: {other}\n{Process.Output}"),
        };
    }
}
