using System.Diagnostics;
using System.Text.Json.Nodes;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Import;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Hosting.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Import;

/// <summary>The call <c>block.verify</c> on files that are no blocks: it answers, whatever they are.</summary>
public sealed class BlockVerifyTests
{
    [Fact]
    public async Task What_is_no_file_is_refused_and_never_waited_for_nor_behind_a_link()
    {
        using var folder = new TempFolder();
        using (var mkfifo = Process.Start("mkfifo", [folder["pipe"]]))
        {
            await mkfifo.WaitForExitAsync();
        }

        File.CreateSymbolicLink(folder["link"], folder["pipe"]);
        File.CreateSymbolicLink(folder["link2"], folder["link"]);
        File.CreateSymbolicLink(folder["loop"], folder["loop"]);
        File.CreateSymbolicLink(folder["nowhere"], folder["gone"]);
        await using var host = new RunningHost(ScriptedService.Ready("test.verify", c => BlockVerifyMethod.Add(c.Methods, DiskStorage.Instance)));
        await host.WaitReadyAsync();
        foreach (var (name, reason) in new[]
        {
            ("pipe", "is empty, or a pipe or a device"), ("link", "is empty, or a pipe or a device"), ("link2", "is empty, or a pipe or a device"), ("loop", "loop"), ("nowhere", "could not find"),
        })
        {
            var reply = Assert.IsType<RpcReply.RemoteError>(await host.CallAsync("test.verify", "block.verify", new JsonObject { ["path"] = folder[name] }));
            Assert.True(reply.Message.Contains(reason, StringComparison.OrdinalIgnoreCase), $"{name}: {reply.Message}");
        }
    }
}
