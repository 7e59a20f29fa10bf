using System.Diagnostics;
using Xunit.Abstractions;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>Runs alone, because it counts the processor time of the whole process.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

[Collection(AloneCollection.Name)]
public sealed class ThroughputTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Setting_a_monitored_variable_allocates_nothing_in_steady_state()
    {
        var time = new TestKit.ManualTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);
        var variables = server.AddVariables(50);
        await using var client = await PipeClient.SessionAsync(server);
        var subscription = await client.SubscribeAsync(100);
        await client.MonitorAsync(subscription, variables.Select(v => v.NodeId.ToString()), queueSize: 200);
        long allocated = 0;
        for (var round = 0; round < 4; round++)
        {
            var publish = await client.PublishAsync();
            await client.ResultAsync(new ReadRequest());
            allocated = SetAll(variables, 100);
            time.Advance(TimeSpan.FromMilliseconds(100));
            await client.AnswerAsync(publish);
        }

        Assert.Equal(0, allocated);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Twenty_thousand_changes_a_second_cost_a_fraction_of_a_core_and_all_arrive_in_order(bool isSecured)
    {
        const int items = 200;
        const int rounds = 500;
        await using var server = await ServerUnderTest.StartAsync();
        var variables = server.AddVariables(items);
        await using var client = await PipeClient.SessionAsync(server, isSecured ? TestCertificates.Client() : null);
        var subscription = await client.SubscribeAsync(20);
        await client.MonitorAsync(subscription, variables.Select(v => v.NodeId.ToString()), queueSize: 10_000);
        var before = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        var setting = Task.Run(() =>
        {
            for (var n = 1; n <= rounds; n++)
            {
                for (var i = 0; i < items; i++)
                {
                    variables[i].Set(ServerUnderTest.At(new Variant((long)n), n));
                }
            }

            return watch.Elapsed;
        });
        using var batch = new DataChangeBatch();
        var last = new long[items];
        Array.Fill(last, -1);
        var acknowledge = Array.Empty<(uint, uint)>();
        for (var total = 0; total < items * (rounds + 1); total += batch.Count)
        {
            batch.Clear();
            var bytes = await client.AnswerAsync(await client.PublishAsync(acknowledge));
            Assert.False(NotificationDecoder.TryDecode(bytes, DecodeLimits.Default, batch, out var summary).IsError);
            acknowledge = [(subscription, summary!.SequenceNumber)];
            for (var i = 0; i < batch.Count; i++)
            {
                Assert.Equal(0u, batch.Statuses[i]);
                Assert.Equal(++last[batch.ClientHandles[i]], batch.GetValue(i).GetInt64());
            }
        }

        var cpu = Environment.CpuUsage.TotalTime - before;
        output.WriteLine(
            $"{items * rounds} changes in {watch.ElapsedMilliseconds} ms, set in {(await setting).TotalMilliseconds:0} ms, {cpu.TotalMilliseconds:0} ms of CPU with the client");

        // They are the changes of five seconds.
        Assert.InRange(cpu.TotalSeconds, 0, 2.5);
    }

    private static long SetAll(OpcUa.Server.Variable[] variables, int count)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var n = 0; n < count; n++)
        {
            foreach (var variable in variables)
            {
                variable.Set(ServerUnderTest.At(new Variant((long)n), n));
            }
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
