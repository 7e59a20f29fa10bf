using System.Net.Sockets;
using System.Text;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Hosting.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Lifetime;

/// <summary>Real processes, real signals, real exit codes.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SIGTERM_stops_all_services_and_the_exit_code_is_0()
    {
        await using var process = TestHost.Start(_folder.Path, 20, ["one=good", "two=good"]);
        Assert.Equal("ready one two", await process.WaitForLineAsync("ready "));
        using var client = new RpcClient(_folder["two.sock"]);
        Assert.IsType<RpcReply.Value>(await client.CallAsync("test", null, RunningHost.Patience));
        Assert.Equal(ExitCode.Ok, await process.TerminateAsync());
        Assert.Empty(ServiceSockets.List(_folder.Path));
        Assert.Contains("one[1003] Stopped", process.Output, StringComparison.Ordinal);
        Assert.Contains("two[1003] Stopped", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGINT_stops_as_well()
    {
        await using var process = TestHost.Start(_folder.Path, 20, ["one=good"]);
        await process.WaitForLineAsync("ready one");
        await SignalAsync(process, "INT");
        Assert.Equal(ExitCode.Ok, await process.WaitForExitAsync());
    }

    [Fact]
    public async Task A_service_can_be_stopped_before_it_is_ready()
    {
        await using var process = TestHost.Start(_folder.Path, 20, ["one=unready"]);
        await process.WaitForLineAsync("Listening at");
        Assert.Equal(ExitCode.Ok, await process.TerminateAsync());
        Assert.DoesNotContain("ready one", process.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deaf")]
    [InlineData("blocking")]
    public async Task A_second_signal_ends_the_process_at_once(string behaviour)
    {
        await using var process = TestHost.Start(_folder.Path, 600, [$"one={behaviour}", "two=good"]);
        await process.WaitForLineAsync("ready one two");
        await SignalAsync(process, "TERM");
        await process.WaitForLineAsync("two[1003] Stopped");
        Assert.False(process.HasExited);
        await SignalAsync(process, "INT");
        Assert.Equal(ExitCode.Failed, await process.WaitForExitAsync(RunningHost.Patience));
        Assert.Contains("Ending at once because of a second signal", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_that_takes_longer_than_its_limit_ends_with_1()
    {
        await using var process = TestHost.Start(_folder.Path, 0.3, ["one=deaf"]);
        await process.WaitForLineAsync("ready one");
        Assert.Equal(ExitCode.Failed, await process.TerminateAsync());
        Assert.Contains("one[1006] Not stopped within 0.3 s", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_service_ends_the_process_with_its_code()
    {
        await using var process = TestHost.Start(_folder.Path, 20, ["one=good", "two=refused"]);
        Assert.Equal(ExitCode.Denied, await process.WaitForExitAsync());
        Assert.Contains("two[1004] Failed: the spool is not ours (chown it)", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_defect_ends_the_process_with_1_and_one_line_without_a_stack()
    {
        await using var process = TestHost.Start(_folder.Path, 20, ["one=defect"]);
        Assert.Equal(ExitCode.Failed, await process.WaitForExitAsync());
        var line = Assert.Single(process.Output.Split('\n'), l => l.Contains("CRIT", StringComparison.Ordinal));
        Assert.EndsWith(@"| InvalidOperationException: the count is negative\nand that cannot be", line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_supervisor_is_told_about_readiness_and_stopping(bool isAbstract)
    {
        var name = isAbstract ? $"@zfrepl-test-{Guid.NewGuid():N}" : _folder["notify"];
        using var supervisor = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{name[1..]}" : name));
        await using var process = TestHost.Start(
            _folder.Path, 20, ["one=good"], environment: new Dictionary<string, string?>(StringComparer.Ordinal) { ["NOTIFY_SOCKET"] = name });
        Assert.Equal("READY=1", await ReceiveAsync(supervisor));
        Assert.Equal(ExitCode.Ok, await process.TerminateAsync());
        Assert.Equal("STOPPING=1", await ReceiveAsync(supervisor));
    }

    [Fact]
    public async Task A_supervisor_that_cannot_be_told_is_a_warning()
    {
        await using var process = TestHost.Start(
            _folder.Path, 20, ["one=good"], environment: new Dictionary<string, string?>(StringComparer.Ordinal) { ["NOTIFY_SOCKET"] = _folder["nobody"] });
        await process.WaitForLineAsync("[1008] The supervisor cannot be told about READY=1");
        Assert.Equal(ExitCode.Ok, await process.TerminateAsync());
    }

    private static async Task SignalAsync(ExternalProcess process, string name)
    {
        await using var kill = ExternalProcess.Start("/bin/sh", ["-c", $"kill -{name} {process.Id}"]);
        Assert.Equal(0, await kill.WaitForExitAsync());
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(RunningHost.Patience);
        var buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, limit.Token));
    }
}
