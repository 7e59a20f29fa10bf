using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>The way of every telemetry value from the wire to the host.</summary>
public sealed class PublishPathTests
{
    [Fact]
    public void Ten_thousand_values_cost_no_more_memory_than_ten()
    {
        var pool = new BatchPool(2);
        var few = Allocated(pool, Response(10));

        // The runtime may allocate something of its own on this thread once; values that cost memory would do so each time.
        var many = Enumerable.Range(0, 3).Min(_ => Allocated(pool, Response(10_000)));
        Assert.InRange(many, 0, few + 512);
    }

    [Fact]
    public void Batches_beyond_the_pools_size_are_let_go()
    {
        var pool = new BatchPool(1);
        var (first, second) = (pool.Rent(), pool.Rent());
        Assert.NotSame(first, second);
        first.Add(1, new DataValue(new Variant(1.0)));
        pool.Return(first);
        pool.Return(second);
        Assert.Same(first, pool.Rent());
        Assert.Equal(0, first.Count);
        Assert.Throws<ObjectDisposedException>(() => second.Add(1, new DataValue(new Variant(1.0))));
    }

    [Fact]
    public void A_refusal_and_a_message_that_cannot_be_read_give_the_batch_back()
    {
        var pool = new BatchPool(1);
        var batch = pool.Rent();
        pool.Return(batch);
        foreach (var body in new[] { Encode(ScriptedServer.Fault(StatusCodes.BadNoSubscription)), new byte[] { 1, 2, 3 }, Response(5)[..^3] })
        {
            PublishOutcome? outcome = null;
            new PendingNotification(pool, 7, [], o => outcome = o).Receive(body);
            Assert.NotNull(outcome!.Error);
            Assert.Null(outcome.Batch);
            var again = pool.Rent();
            Assert.Same(batch, again);
            Assert.Equal(0, again.Count);
            pool.Return(again);
        }
    }

    private static long Allocated(BatchPool pool, byte[] body)
    {
        var allocated = 0L;
        for (var i = 0; i < 5; i++)
        {
            PublishOutcome? outcome = null;
            var pending = new PendingNotification(pool, i, [], o => outcome = o);
            var before = GC.GetAllocatedBytesForCurrentThread();
            pending.Receive(body);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            pool.Return(outcome!.Batch!);
        }

        return allocated;
    }

    private static byte[] Response(int values) => Encode(new PublishResponse
    {
        SubscriptionId = 1,
        NotificationMessage = ScriptedServer.Message(1, [.. Enumerable.Range(0, values).Select(i => (double)i)]),
    });

    private static byte[] Encode(IServiceMessage message)
    {
        using var writer = new UaWriter();
        ServiceCodec.Encode(writer, message);
        return writer.WrittenSpan.ToArray();
    }
}
