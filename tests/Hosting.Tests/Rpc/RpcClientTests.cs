using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Hosting.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Rpc;

/// <summary>What a caller gets when all is well and when it is not.</summary>
public sealed class RpcClientTests
{
    [Fact]
    public async Task Hundreds_of_calls_at_once_each_get_their_own_answer()
    {
        await using var host = new RunningHost(ScriptedService.Ready("svc", context => context.Methods.Add(
            "double", "Doubles", [new RpcParameter("n", RpcType.Integer, "n", IsRequired: true)], async (call, cancellationToken) =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(call.Int64("n") % 7), context.Time, cancellationToken);
                return RpcResult.Json(JsonValue.Create(2 * call.Int64("n")));
            })));
        await host.WaitReadyAsync();
        using var client = new RpcClient(host.SocketOf("svc"));
        using var places = new SemaphoreSlim(50);
        var replies = await Task.WhenAll(Enumerable.Range(0, 500).Select(async n =>
        {
            await places.WaitAsync();
            var reply = await client.CallAsync("double", new JsonObject { ["n"] = n }, RunningHost.Patience);
            places.Release();
            return Assert.IsType<RpcReply.Value>(reply).Result.GetInt32();
        }));
        Assert.Equal(Enumerable.Range(0, 500).Select(n => 2 * n), replies);
    }

    [Fact]
    public async Task Calls_beyond_the_limit_are_told_that_the_service_is_busy_while_it_can_still_be_stopped()
    {
        var entered = 0;
        await using var host = new RunningHost(ScriptedService.Ready("svc", context => context.Methods.Add("wait", "Waits", [], async (_, cancellationToken) =>
        {
            Interlocked.Increment(ref entered);
            await ScriptedService.UntilAsync(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return RpcResult.Empty;
        })));
        await host.WaitReadyAsync();
        using var client = new RpcClient(host.SocketOf("svc"));
        var waiting = Enumerable.Range(0, 64).Select(_ => client.CallAsync("wait", null, TimeSpan.FromMinutes(1))).ToArray();
        await Eventually.TrueAsync(() => Volatile.Read(ref entered) == 64, "64 calls are in progress");

        Assert.Equal(RpcErrorCode.Busy, Assert.IsType<RpcReply.RemoteError>(await client.CallAsync("wait", null, RunningHost.Patience)).Code);
        Assert.IsType<RpcReply.Value>(await client.CallAsync("health", null, RunningHost.Patience));
        Assert.IsType<RpcReply.Value>(await client.CallAsync("stop", null, RunningHost.Patience));

        Assert.All(await Task.WhenAll(waiting), reply => Assert.Equal(RpcErrorCode.Aborted, Assert.IsType<RpcReply.RemoteError>(reply).Code));
        Assert.Equal(ExitCode.Ok, await host.Exit);
    }

    [Fact]
    public async Task A_call_that_takes_too_long_times_out_and_its_handler_learns_that_nobody_waits()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new RunningHost(ScriptedService.Ready("svc", context => context.Methods.Add("wait", "Waits", [], async (_, cancellationToken) =>
        {
            await ScriptedService.UntilAsync(cancellationToken);
            cancelled.SetResult();
            return RpcResult.Empty;
        })));
        await host.WaitReadyAsync();
        var limit = TimeSpan.FromMilliseconds(200);
        Assert.Equal(new RpcReply.TimedOut(limit), await host.CallAsync("svc", "wait", timeout: limit));
        await cancelled.Task.WaitAsync(RunningHost.Patience);
    }

    [Fact]
    public async Task A_caller_that_vanishes_in_the_middle_ends_its_handler()
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new RunningHost(ScriptedService.Ready("svc", context => context.Methods.Add("wait", "Waits", [], async (_, cancellationToken) =>
        {
            entered.SetResult();
            await ScriptedService.UntilAsync(cancellationToken);
            cancelled.SetResult();
            return RpcResult.Empty;
        })));
        await host.WaitReadyAsync();
        using (var caller = new RawCaller(host.SocketOf("svc")))
        {
            const string Body = """{"jsonrpc":"2.0","method":"wait","id":1}""";
            await caller.SendAsync($"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
            await entered.Task.WaitAsync(RunningHost.Patience);
        }

        await cancelled.Task.WaitAsync(RunningHost.Patience);
        Assert.IsType<RpcReply.Value>(await host.CallAsync("svc", "test"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("POST / HT")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"jsonrpc\":")]
    public async Task A_caller_that_vanishes_before_its_request_is_complete_is_no_news(string start)
    {
        await using var host = new RunningHost(ScriptedService.Ready("svc"));
        await host.WaitReadyAsync();
        using (var caller = new RawCaller(host.SocketOf("svc")))
        {
            await caller.SendAsync(start);
        }

        Assert.IsType<RpcReply.Value>(await host.CallAsync("svc", "test"));
        await host.StopAsync();
        Assert.Equal(ExitCode.Ok, await host.Exit.WaitAsync(RunningHost.Patience));
        Assert.DoesNotContain("ERROR", host.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("WARN", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_ends_its_own_wait_gets_a_cancellation_and_not_a_timeout()
    {
        await using var host = new RunningHost(ScriptedService.Ready("svc", context => context.Methods.Add("wait", "Waits", [], async (_, cancellationToken) =>
        {
            await ScriptedService.UntilAsync(cancellationToken);
            return RpcResult.Empty;
        })));
        await host.WaitReadyAsync();
        using var client = new RpcClient(host.SocketOf("svc"));
        using var own = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.CallAsync("wait", null, TimeSpan.FromMinutes(1), own.Token));
    }

    [Fact]
    public async Task A_socket_that_is_not_there_comes_with_a_remedy()
    {
        using var folder = new TempFolder();
        var reply = await CallAsync(folder["none.sock"]);
        Assert.Equal(RpcTrouble.NoSocket, reply.Why);
        Assert.Equal($"no service listens at {folder["none.sock"]}", reply.Message);
        Assert.Equal("start it, or list the services that run", reply.Remedy);
        Assert.Equal(RpcTrouble.NoSocket, (await CallAsync("/" + new string('x', 200))).Why);
    }

    [Fact]
    public async Task A_socket_whose_owner_died_is_told_from_one_that_never_was()
    {
        using var folder = new TempFolder();
        using var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        dead.Bind(new UnixDomainSocketEndPoint(folder["svc.sock"]));
        var reply = await CallAsync(folder["svc.sock"]);
        Assert.Equal(RpcTrouble.Refused, reply.Why);
        Assert.Equal("look into its log and start it again", reply.Remedy);
    }

    [Theory]
    [InlineData("", RpcTrouble.Broken)]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n", RpcTrouble.Nonsense)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", RpcTrouble.Nonsense)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", RpcTrouble.Nonsense)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"error\":\"oops\"}", RpcTrouble.Nonsense)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"result\":", RpcTrouble.Broken)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{", RpcTrouble.Nonsense)]
    public async Task Whatever_else_answers_is_trouble_and_not_an_exception(string answer, RpcTrouble why)
    {
        using var folder = new TempFolder();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder["svc.sock"]));
        listener.Listen();
        var serving = ServeOnceAsync(listener, answer);
        Assert.Equal(why, (await CallAsync(folder["svc.sock"])).Why);
        await serving;
    }

    [Fact]
    public async Task A_service_that_is_not_ready_says_so_but_shows_its_health_and_can_be_stopped()
    {
        await using var host = new RunningHost(new ScriptedService("svc", async (context, stop) =>
        {
            context.Health.Set("recovery", HealthState.Degraded, "block 3 of 9");
            await ScriptedService.UntilAsync(stop);
            return null;
        }));
        await Eventually.TrueAsync(() => File.Exists(host.SocketOf("svc")), "the socket is there");
        foreach (var method in new[] { "test", "info", "mailbox.list" })
        {
            Assert.Equal(RpcErrorCode.NotReady, Assert.IsType<RpcReply.RemoteError>(await host.CallAsync("svc", method)).Code);
        }

        Assert.Equal("degraded", (await host.ValueAsync("svc", "health")).GetProperty("state").GetString());
        Assert.IsType<RpcReply.Value>(await host.CallAsync("svc", "stop"));
        Assert.Equal(ExitCode.Ok, await host.Exit);
        Assert.DoesNotContain("ready", host.Output.ToString(), StringComparison.Ordinal);
    }

    private static async Task<RpcReply.Unreachable> CallAsync(string path)
    {
        using var client = new RpcClient(path);
        return Assert.IsType<RpcReply.Unreachable>(await client.CallAsync("test", null, RunningHost.Patience));
    }

    private static async Task ServeOnceAsync(Socket listener, string answer)
    {
        using var connection = await listener.AcceptAsync();
        var buffer = new byte[4096];
        var seen = "";
        while (!seen.Contains('}', StringComparison.Ordinal))
        {
            seen += Encoding.UTF8.GetString(buffer, 0, await connection.ReceiveAsync(buffer));
        }

        await connection.SendAsync(Encoding.UTF8.GetBytes(answer));
        connection.Shutdown(SocketShutdown.Both);
    }
}
