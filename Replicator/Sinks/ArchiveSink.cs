using System.Buffers;
using System.Text.Json;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Sinks;

/// <summary>
/// Publishes imported events on the archive topic, <c>ST/RAR/&lt;oid path&gt;</c>, one message for each, as JSON (docs/protocol.md,
/// "Archive topic"). A block counts as delivered when the broker has taken all of its messages; after a crash in between they are
/// published again, so a subscriber recognises an event by its OID and identity.
/// </summary>
internal sealed class ArchiveSink(IMessageBus bus, string topicPrefix) : IEventSink
{
    private const int MaxInFlight = 32;

    private readonly Queue<Task<BusResult>> _inFlight = new();
    private CancellationToken _attempt;

    public string Name => $"archive topic {topicPrefix}#";

    public async ValueTask<SinkError?> DeliverAsync(SinkBatch batch, CancellationToken cancellation)
    {
        if (_attempt != cancellation)
        {
            // What is left of an attempt that was cancelled says nothing about this one: its block begins afresh.
            await DropAsync();
            _attempt = cancellation;
        }

        foreach (var run in batch.Runs)
        {
            for (var i = run.Start; i < run.Start + run.Count; i++)
            {
                if (_inFlight.Count == MaxInFlight && await FinishOneAsync() is { } error)
                {
                    return error;
                }

                var e = batch.Events[i];
                _inFlight.Enqueue(bus.SendAsync(topicPrefix + e.Oid.TopicPath, Payload(e, batch.Block.Node), cancellation));
            }
        }

        return null;
    }

    public async ValueTask<SinkError?> CompleteAsync(SinkBlock block, CancellationToken cancellation)
    {
        while (_inFlight.Count > 0)
        {
            if (await FinishOneAsync() is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private static ReadOnlyMemory<byte> Payload(in TelemetryEvent e, string node)
    {
        var buffer = new ArrayBufferWriter<byte>(160);
        using var json = new Utf8JsonWriter(buffer, TelemetryJson.LineOptions);
        json.WriteStartObject();
        json.WriteNumber("status", e.Status);
        json.WritePropertyName("value");
        TelemetryJson.WriteValue(json, e.Value);
        json.WritePropertyName("t");
        json.WriteRawValue(UnixTime.FormatSeconds(e.TimeNs), skipInputValidation: true);
        json.WriteStartArray("ieid");
        json.WriteNumberValue(e.Ieid.Boot);
        json.WriteNumberValue(e.Ieid.Counter);
        json.WriteEndArray();
        json.WriteString("node", node);
        json.WriteBoolean("connected", true);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>Waits for the oldest message; after a failure the rest is awaited too, so that the block starts afresh.</summary>
    private async Task<SinkError?> FinishOneAsync()
    {
        var result = await _inFlight.Dequeue();
        if (result == BusResult.Sent)
        {
            return null;
        }

        await DropAsync();
        return result == BusResult.Refused
            ? new SinkError("the broker refuses messages on the archive topic", "check the account's rights and the broker's limits")
            : new SinkError("the broker of the archive topic can't be reached", "start it, or wait until it is back");
    }

    private async Task DropAsync()
    {
        while (_inFlight.Count > 0)
        {
            await Task.WhenAny(_inFlight.Dequeue());
        }
    }
}
