using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Mqtt.Client;
using ZfRepl.Replicator.Bus;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>
/// The real-time replication that self-repair is the second net below: somebody at the edge publishes each reading over MQTT, once, and forgets
/// it; somebody at the centre writes what arrives into the centre's database, without identities, beside the product.
/// </summary>
internal sealed class RealTimePath : IAsyncDisposable
{
    private const string Topic = "real-time/edge1";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly string _edgePath;
    private readonly SqliteHistory _centre;
    private readonly MqttBus _publisher;
    private readonly MqttBus _subscriber;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _work;
    private long _lost;
    private long _written;

    private RealTimePath(string edgePath, int edgePort, SqliteHistory centre, int centrePort)
    {
        (_edgePath, _centre) = (edgePath, centre);
        _publisher = Connect("edge", edgePort);
        _subscriber = Connect("centre", centrePort);
        _subscriber.Subscribe(Topic, (_, payload) => new ValueTask(WriteAsync(payload)));
        _work = Task.WhenAll(_publisher.RunAsync(_end.Token), _subscriber.RunAsync(_end.Token), PublishAsync());
    }

    /// <summary>Events that were published while nothing went through.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Events that the centre has taken on this way.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Begins with what is collected from now on.</summary>
    /// <param name="edgePath">The edge's local history, where the readings are taken from.</param>
    /// <param name="edgePort">Where the edge finds the broker.</param>
    /// <param name="centrePath">The centre's database.</param>
    /// <param name="centrePort">Where the centre finds the broker.</param>
    public static async Task<RealTimePath> StartAsync(string edgePath, int edgePort, string centrePath, int centrePort)
    {
        var opened = await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = centrePath });
        var path = new RealTimePath(edgePath, edgePort, opened.Value, centrePort);
        await Eventually.TrueAsync(() => path.Written > 0, "readings arrive in real time");
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _work;
        }
        catch (OperationCanceledException)
        {
            // The orderly end.
        }

        await _publisher.DisposeAsync();
        await _subscriber.DisposeAsync();
        await _centre.DisposeAsync();
        _end.Dispose();
    }

    private static MqttBus Connect(string name, int port) => new(
        new MqttBusOptions { Hosts = [new MqttHost("127.0.0.1", port)], ReconnectDelayMax = TimeSpan.FromSeconds(1) }, name, TimeProvider.System, NullLogger.Instance);

    private async Task PublishAsync()
    {
        await using var edge = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = _edgePath, IsReadOnly = true })).Value;
        var places = new Dictionary<Oid, HistoryCursor>();
        var encoder = new EventFrameEncoder();
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(_end.Token))
        {
            var batch = new EventBatch(new OidTable());
            foreach (var item in (await edge.ListOidsAsync(null, 10_000, _end.Token)).Value)
            {
                var after = places.TryGetValue(item.Oid, out var place) ? place : HistoryCursor.Before(item.FirstNs);
                var read = new EventBatch(batch.Oids);
                _ = (await edge.ReadEventsAsync(item.Oid, after, long.MaxValue, 10_000, read, _end.Token)).Value;
                for (var i = 0; i < read.Count; i++)
                {
                    // What has its own number among the events of an instant comes with its neighbours in one read.
                    places[item.Oid] = new HistoryCursor(read.TimesNs[i], int.MaxValue);
                    batch.Add(read[i] with { Ieid = Ieid.Unknown });
                }
            }

            if (batch.Count > 0)
            {
                var payload = new ByteWriter();
                encoder.Write(payload, batch, 0, batch.Count, streamTag: 0, firstSequence: 1);
                if (await _publisher.SendAsync(Topic, payload.WrittenMemory, _end.Token) != BusResult.Sent)
                {
                    Interlocked.Add(ref _lost, batch.Count);
                }
            }
        }
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> payload)
    {
        Assert.True(FrameHeader.TryRead(payload.Span, out var header));
        var batch = new EventBatch(new OidTable());
        Assert.Null(new EventFrameReader().Read(header, payload.Span[FrameHeader.SizeBytes..], batch));
        var write = new HistoryWrite { Events = batch, Count = batch.Count };

        // The product writes into the same file.
        var written = await _centre.WriteAsync(write, _end.Token);
        while (written.Error is { IsTransient: true })
        {
            written = await _centre.WriteAsync(write, _end.Token);
        }

        Interlocked.Add(ref _written, written.Value.Counts.Events);
    }
}
