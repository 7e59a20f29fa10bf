using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Hosting.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Rpc;

/// <summary>Who may listen as which service id.</summary>
public sealed class ServiceSocketTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_socket_and_its_folder_are_closed_to_other_accounts()
    {
        var folder = _folder["made", "on", "the", "way"];
        using var stop = new CancellationTokenSource();
        var run = RunAsync(folder, "svc", stop.Token);
        using var client = new RpcClient(Path.Combine(folder, "svc.sock"));
        await Eventually.TrueAsync(async () => await client.CallAsync("test", null, RunningHost.Patience) is RpcReply.Value, "the service answers");
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Path.Combine(folder, "svc.sock")));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Path.Combine(folder, "svc.lock")));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Ok, await run);
        Assert.False(File.Exists(Path.Combine(folder, "svc.sock")));
    }

    [Fact]
    public void The_socket_cannot_be_connected_to_before_it_is_closed_to_others()
    {
        using var claim = SocketClaim.Take(_folder.Path, "svc", out _)!;
        using var bound = claim.Bind();
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(claim.Path));
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Assert.Throws<SocketException>(() => probe.Connect(new UnixDomainSocketEndPoint(claim.Path)));
    }

    [Fact]
    public void A_folder_that_anybody_may_write_is_refused_with_the_command_to_close_it()
    {
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_111_111);
        Assert.Null(SocketClaim.Take(_folder.Path, "svc", out var failure));
        Assert.Equal(
            new ServiceFailure(ExitCode.Config, $"any account can write into the folder of the sockets, {_folder.Path}", $"set bus.path to a folder of the service's own, or chmod o-w {_folder.Path}"),
            failure);
    }

    [Fact]
    public void A_socket_left_by_a_dead_process_is_taken_over()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(_folder["live.sock"]));
            dead.Listen();

            // Renamed away, so that the end of its owner does not remove it: as after kill -9.
            File.Move(_folder["live.sock"], _folder["svc.sock"]);
        }

        Assert.True(File.Exists(_folder["svc.sock"]));
        using var claim = SocketClaim.Take(_folder.Path, "svc", out var failure);
        Assert.Null(failure);
        Assert.False(File.Exists(_folder["svc.sock"]));
        claim!.Bind().Dispose();
    }

    [Fact]
    public void A_socket_with_a_living_owner_is_left_alone_even_without_a_lock()
    {
        using var alive = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        alive.Bind(new UnixDomainSocketEndPoint(_folder["svc.sock"]));
        alive.Listen();
        Assert.Null(SocketClaim.Take(_folder.Path, "svc", out var failure));
        Assert.Equal(ExitCode.TryLater, failure!.ExitCode);
        Assert.Equal($"a service with the id svc already runs here (stop it with `zfrepl call svc stop --bus {_folder.Path}`, or choose another id)", failure.ToString());
        Assert.True(File.Exists(_folder["svc.sock"]));
    }

    [Fact]
    public void A_file_with_content_is_never_taken_for_a_socket()
    {
        File.WriteAllText(_folder["svc.sock"], "somebody's data");
        Assert.Null(SocketClaim.Take(_folder.Path, "svc", out var failure));
        Assert.Equal(ExitCode.Config, failure!.ExitCode);
        Assert.Equal("somebody's data", File.ReadAllText(_folder["svc.sock"]));
    }

    [Fact]
    public async Task A_second_service_with_the_same_id_learns_that_the_first_one_runs_and_the_first_one_stays()
    {
        await using var host = new RunningHost(ScriptedService.Ready("svc"));
        await host.WaitReadyAsync();
        Assert.Equal(ExitCode.TryLater, await RunAsync(host.Folder, "svc", CancellationToken.None));
        Assert.IsType<RpcReply.Value>(await host.CallAsync("svc", "test"));
    }

    [Fact]
    public void Of_many_starters_at_once_exactly_one_wins()
    {
        for (var round = 0; round < 20; round++)
        {
            var claims = new SocketClaim?[16];
            using var start = new Barrier(claims.Length);
            var id = $"svc{round}";
            Thread[] threads =
            [
                .. Enumerable.Range(0, claims.Length).Select(index => new Thread(() =>
                {
                    start.SignalAndWait();
                    claims[index] = SocketClaim.Take(_folder.Path, id, out _);
                })),
            ];
            Array.ForEach(threads, t => t.Start());
            Array.ForEach(threads, t => t.Join());
            Assert.Single(claims, c => c is not null);
            Array.ForEach(claims, c => c?.Dispose());
        }
    }

    [Fact]
    public async Task Of_two_processes_that_start_at_once_one_wins_and_the_other_says_why()
    {
        for (var round = 0; round < 3; round++)
        {
            await using var first = TestHost.Start(_folder.Path, 5, ["svc=good"], waitForLine: true);
            await using var second = TestHost.Start(_folder.Path, 5, ["svc=good"], waitForLine: true);
            await first.WaitForLineAsync("waiting");
            await second.WaitForLineAsync("waiting");
            await Task.WhenAll(first.WriteLineAsync("go"), second.WriteLineAsync("go"));
            await Eventually.TrueAsync(() => first.HasExited || second.HasExited, "the loser ends");
            var (winner, loser) = first.HasExited ? (second, first) : (first, second);
            Assert.Equal(ExitCode.TryLater, await loser.WaitForExitAsync());
            Assert.Contains("a service with the id svc already runs here", loser.Output, StringComparison.Ordinal);
            await winner.WaitForLineAsync("ready svc");
            Assert.Equal(ExitCode.Ok, await winner.TerminateAsync());
        }
    }

    [Fact]
    public async Task After_kill_9_the_next_start_takes_over()
    {
        await using (var killed = TestHost.Start(_folder.Path, 5, ["svc=good"]))
        {
            await killed.WaitForLineAsync("ready svc");
            await killed.KillAsync();
        }

        Assert.True(File.Exists(_folder["svc.sock"]));
        using var client = new RpcClient(_folder["svc.sock"]);
        Assert.Equal(RpcTrouble.Refused, Assert.IsType<RpcReply.Unreachable>(await client.CallAsync("test", null, RunningHost.Patience)).Why);
        await using var next = TestHost.Start(_folder.Path, 5, ["svc=good"]);
        await next.WaitForLineAsync("ready svc");
        Assert.IsType<RpcReply.Value>(await client.CallAsync("test", null, RunningHost.Patience));
        Assert.Equal(ExitCode.Ok, await next.TerminateAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("a\nb")]
    [InlineData("ä")]
    public void An_id_that_is_no_plain_file_name_is_refused(string id)
    {
        Assert.Null(SocketClaim.Take(_folder.Path, id, out var failure));
        Assert.Equal(ExitCode.Config, failure!.ExitCode);
        Assert.Contains("is not a service id", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_of_107_bytes_works_and_one_of_108_is_explained()
    {
        var folder = _folder[new string('x', ServiceSockets.PathBytesMax - _folder.Path.Length - "/".Length - "/abc.sock".Length)];
        using var claim = SocketClaim.Take(folder, "abc", out _)!;
        using var socket = claim.Bind();
        Assert.Equal(107, claim.Path.Length);
        Assert.Null(SocketClaim.Take(folder, "abcd", out var failure));
        Assert.Equal($"the socket's path {folder}/abcd.sock has 108 bytes, allowed are 107; choose a shorter folder in bus.path", failure!.Message);
    }

    [Fact]
    public async Task Services_are_listed_by_id()
    {
        await using var host = new RunningHost(ScriptedService.Ready("eva.zfrepl.1.collector"), ScriptedService.Ready("b"));
        await host.WaitReadyAsync();
        File.WriteAllText(Path.Combine(host.Folder, "other.txt"), "");
        Assert.Equal(
            [new ServiceSocket("b", host.SocketOf("b")), new ServiceSocket("eva.zfrepl.1.collector", host.SocketOf("eva.zfrepl.1.collector"))],
            ServiceSockets.List(host.Folder));
        Assert.Empty(ServiceSockets.List(Path.Combine(host.Folder, "none")));
        Assert.Equal(host.Folder, ServiceSockets.FolderOf(Path.Combine(host.Folder, "bus.ipc")));
    }

    private static Task<int> RunAsync(string folder, string id, CancellationToken stop) =>
        new ServiceHost(new ServiceHostOptions { Loggers = NullLoggerFactory.Instance, Output = TextWriter.Null, HandleSignals = false, NotifySocket = null })
            .RunAsync([new HostedService(ScriptedService.Ready(id), folder)], stop);
}
