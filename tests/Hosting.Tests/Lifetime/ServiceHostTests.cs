using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Hosting.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Lifetime;

/// <summary>The host inside the test's process.</summary>
public sealed class ServiceHostTests
{
    [Fact]
    public async Task The_ready_line_names_all_services_and_comes_after_the_last_one_is_ready()
    {
        var late = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new RunningHost(ScriptedService.Ready("one"), new ScriptedService("two", async (context, stop) =>
        {
            await late.Task;
            context.SignalReady();
            await ScriptedService.UntilAsync(stop);
            return null;
        }));
        await Eventually.TrueAsync(async () => await host.CallAsync("one", "test") is RpcReply.Value, "the first one answers");
        Assert.Equal("", host.Output.ToString());
        late.SetResult();
        await host.WaitReadyAsync();
        Assert.Equal("ready one two\n", host.Output.ToString());
    }

    [Fact]
    public async Task Stop_ends_one_service_and_the_host_goes_on_until_none_is_left()
    {
        await using var host = new RunningHost(ScriptedService.Ready("one"), ScriptedService.Ready("two"));
        await host.WaitReadyAsync();
        await host.ValueAsync("one", "stop");
        await Eventually.TrueAsync(() => !File.Exists(host.SocketOf("one")), "the socket of the stopped service is gone");
        Assert.IsType<RpcReply.Value>(await host.CallAsync("two", "test"));
        Assert.False(host.Exit.IsCompleted);
        await host.ValueAsync("two", "stop");
        Assert.Equal(ExitCode.Ok, await host.Exit.WaitAsync(RunningHost.Patience));
        Assert.Contains("INFO  one[1002] Stopping, asked by the method stop", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Callers_are_turned_away_before_the_service_closes_what_its_methods_use()
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new RunningHost(new ScriptedService("svc", async (context, stop) =>
        {
            context.Methods.Add("use", "Uses the state for a while after the stop", [], async (_, cancellationToken) =>
            {
                entered.TrySetResult();
                await ScriptedService.UntilAsync(cancellationToken);
                var first = await Task.WhenAny(closed.Task, Task.Delay(TimeSpan.FromMilliseconds(200), CancellationToken.None));
                return RpcResult.Json(first == closed.Task);
            });
            context.SignalReady();
            await ScriptedService.UntilAsync(stop);
            closed.SetResult();
            return null;
        }));
        await host.WaitReadyAsync();
        var call = host.CallAsync("svc", "use");
        await entered.Task.WaitAsync(RunningHost.Patience);
        await host.StopAsync();
        Assert.Equal(ExitCode.Ok, await host.Exit.WaitAsync(RunningHost.Patience));
        Assert.False(Assert.IsType<RpcReply.Value>(await call).Result.GetBoolean(), "the service was closed under its caller");
    }

    [Fact]
    public async Task A_failure_stops_the_others_and_gives_the_exit_code_and_a_line_with_the_remedy()
    {
        var otherStopped = false;
        await using var host = new RunningHost(
            new ScriptedService("good", async (context, stop) =>
            {
                context.SignalReady();
                await ScriptedService.UntilAsync(stop);
                otherStopped = true;
                return null;
            }),
            new ScriptedService("bad", (_, _) => Task.FromResult<ServiceFailure?>(new ServiceFailure(ExitCode.Denied, "the spool is not ours", "chown it"))));
        Assert.Equal(ExitCode.Denied, await host.Exit.WaitAsync(RunningHost.Patience));
        Assert.True(otherStopped);
        Assert.Contains("ERROR bad[1004] Failed: the spool is not ours (chown it); the process ends with exit code 77", host.Log, StringComparison.Ordinal);
        Assert.Equal("", host.Output.ToString());
    }

    [Fact]
    public async Task An_exception_from_a_service_takes_the_process_down_with_all_of_its_text()
    {
        await using var host = new RunningHost(new ScriptedService("svc", async (context, _) =>
        {
            context.SignalReady();
            await Task.Yield();
            throw new InvalidOperationException("the count is negative", new IOException("inner"));
        }));
        Assert.Equal(ExitCode.Failed, await host.Exit.WaitAsync(RunningHost.Patience));
        Assert.Contains("CRIT  svc[1005] Ended by a defect", host.Log, StringComparison.Ordinal);
        Assert.Contains("| InvalidOperationException: the count is negative | IOException: inner", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_ends_without_being_asked_is_a_failure()
    {
        await using var host = new RunningHost(new ScriptedService("svc", (_, _) => Task.FromResult<ServiceFailure?>(null)));
        Assert.Equal(ExitCode.Failed, await host.Exit.WaitAsync(RunningHost.Patience));
        Assert.Contains("the service ended without being asked to", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_while_stopping_still_gives_its_exit_code()
    {
        await using var host = new RunningHost(new ScriptedService("svc", async (context, stop) =>
        {
            context.SignalReady();
            await ScriptedService.UntilAsync(stop);
            return new ServiceFailure(ExitCode.TryLater, "the last block could not be sealed", "start again");
        }));
        await host.WaitReadyAsync();
        await host.StopAsync();
        Assert.Equal(ExitCode.TryLater, await host.Exit.WaitAsync(RunningHost.Patience));
    }

    [Fact]
    public async Task No_service_starts_when_one_of_them_runs_already()
    {
        await using var first = new RunningHost(ScriptedService.Ready("taken"));
        await first.WaitReadyAsync();
        var hasStarted = false;
        var host = new ServiceHost(new ServiceHostOptions { Output = TextWriter.Null, HandleSignals = false, NotifySocket = null });
        var service = new ScriptedService("free", (_, _) =>
        {
            hasStarted = true;
            return Task.FromResult<ServiceFailure?>(null);
        });
        Assert.Equal(ExitCode.TryLater, await host.RunAsync([new HostedService(service, first.Folder), new HostedService(ScriptedService.Ready("taken"), first.Folder)]));
        Assert.False(hasStarted);
        Assert.False(File.Exists(first.SocketOf("free")));
    }

    [Fact]
    public async Task Info_lists_every_method_with_its_parameters()
    {
        await using var host = new RunningHost(ScriptedService.Ready("svc", context => context.Methods.Add(
            "client.self_repair", "Manually launch self-repair",
            [new RpcParameter("i", RpcType.String, "node name", IsRequired: true), new RpcParameter("range", RpcType.Double, "override range (s)")],
            (_, _) => Task.FromResult(RpcResult.Empty))));
        await host.WaitReadyAsync();
        var info = await host.ValueAsync("svc", "info");
        Assert.Equal("Test service svc", info.GetProperty("description").GetString());
        Assert.StartsWith("0.1.0", info.GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.NotEqual("", info.GetProperty("author").GetString());
        var methods = info.GetProperty("methods");
        Assert.Equal(["client.self_repair", "health", "info", "stop", "test"], methods.EnumerateObject().Select(m => m.Name));
        var parameters = methods.GetProperty("client.self_repair").GetProperty("params");
        Assert.True(parameters.GetProperty("i").GetProperty("required").GetBoolean());
        Assert.False(parameters.GetProperty("range").GetProperty("required").GetBoolean());
        Assert.Equal("Double", parameters.GetProperty("range").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Health_shows_the_worst_state_and_when_each_check_got_into_its_own()
    {
        var time = new ManualTime(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        HealthRegistry? health = null;
        await using var host = new RunningHost(options => options with { Time = time }, ScriptedService.Ready("svc", context => health = context.Health));
        await host.WaitReadyAsync();
        var empty = await host.ValueAsync("svc", "health");
        Assert.Equal("""{"state":"ok","checks":[]}""", empty.GetRawText());

        health!.Set("spool", HealthState.Ok, "12 GB free");
        health.Set("broker", HealthState.Degraded, "retrying 10.0.0.5:1883");
        time.Advance(TimeSpan.FromSeconds(1.5));
        health.Set("spool", HealthState.Failed, "disk full");
        health.Set("broker", HealthState.Degraded, "retrying 10.0.0.6:1883");
        Assert.Equal(
            """{"state":"failed","checks":[{"name":"broker","state":"degraded","message":"retrying 10.0.0.6:1883","since":1767225600},{"name":"spool","state":"failed","message":"disk full","since":1767225601.5}]}""",
            (await host.ValueAsync("svc", "health")).GetRawText());
        Assert.Equal(HealthState.Failed, health.Overall);

        health.Set("spool", HealthState.Ok, "11 GB free");
        health.Remove("broker");
        Assert.Equal(HealthState.Ok, health.Overall);
        Assert.Contains("ERROR svc[1032] Health of spool is failed: disk full", host.Log, StringComparison.Ordinal);
        Assert.Contains("INFO  svc[1030] Health of spool is ok again: 11 GB free", host.Log, StringComparison.Ordinal);
        Assert.Single(host.Log.Split('\n'), line => line.Contains("broker", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stop_that_takes_too_long_is_given_up_with_the_names_of_the_guilty()
    {
        var time = new ManualTime();
        var never = new TaskCompletionSource<ServiceFailure?>();
        await using var host = new RunningHost(
            options => options with { Time = time, StopLimit = TimeSpan.FromSeconds(30) },
            ScriptedService.Ready("good"),
            new ScriptedService("deaf", (context, _) =>
            {
                context.SignalReady();
                return never.Task;
            }));
        await host.WaitReadyAsync();
        await host.StopAsync();
        await Eventually.TrueAsync(() => host.Log.Contains("good[1003] Stopped", StringComparison.Ordinal), "the good one has stopped");
        Assert.False(host.Exit.IsCompleted);
        await Eventually.TrueAsync(() => { time.Advance(TimeSpan.FromSeconds(30)); return host.Exit.IsCompleted; }, "the host gives up");
        Assert.Equal(ExitCode.Failed, await host.Exit);
        Assert.Contains("ERROR deaf[1006] Not stopped within 30 s", host.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("good[1006]", host.Log, StringComparison.Ordinal);
        never.SetResult(null);
    }

    [Fact]
    public async Task A_call_that_does_not_end_is_cut_and_does_not_hold_up_the_stop()
    {
        var time = new ManualTime();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource<RpcResult>();
        await using var host = new RunningHost(options => options with { Time = time }, ScriptedService.Ready("svc", context => context.Methods.Add("hang", "Hangs", [], (_, _) =>
        {
            entered.SetResult();
            return never.Task;
        })));
        await host.WaitReadyAsync();
        var call = host.CallAsync("svc", "hang");
        await entered.Task.WaitAsync(RunningHost.Patience);
        await host.StopAsync();

        // The timers of the summaries, of the limit of the stop, and of the limit of calls.
        await Eventually.TrueAsync(() => time.PendingTimers == 3, "the stop waits for the call");
        Assert.False(host.Exit.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(ExitCode.Ok, await host.Exit.WaitAsync(RunningHost.Patience));
        Assert.Contains("WARN  svc[1009] Calls in progress did not end in time", host.Log, StringComparison.Ordinal);
        Assert.Equal(RpcTrouble.Broken, Assert.IsType<RpcReply.Unreachable>(await call).Why);
        never.SetResult(RpcResult.Empty);
    }

    [Fact]
    public async Task A_failure_keeps_its_exit_code_when_another_service_does_not_stop()
    {
        var time = new ManualTime();
        var never = new TaskCompletionSource<ServiceFailure?>();
        await using var host = new RunningHost(
            options => options with { Time = time },
            new ScriptedService("deaf", (_, _) => never.Task),
            new ScriptedService("bad", (_, _) => Task.FromResult<ServiceFailure?>(new ServiceFailure(ExitCode.Config, "two roles", "choose one"))));
        await Eventually.TrueAsync(() => host.Log.Contains("deaf[1002] Stopping", StringComparison.Ordinal), "the other one is asked to stop");
        await Eventually.TrueAsync(() => { time.Advance(TimeSpan.FromSeconds(30)); return host.Exit.IsCompleted; }, "the host gives up");
        Assert.Equal(ExitCode.Config, await host.Exit);
        never.SetResult(null);
    }
}
