using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Import;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Sinks;

/// <summary>
/// Publishes imported events on the archive topic, <c>ST/RAR/&lt;oid path&gt;</c>, one message for each, as JSON (docs/protocol.md,
/// "Archive topic"). A block counts as delivered when the broker has taken all of its messages; after a crash in between they are
/// published again, so a subscriber recognises an event by its OID and identity.
/// </summary>
/// <remarks>
/// What the broker will never take (too large, no right to the topic) must not hold up everything behind it: with a quarantine such events are
/// kept aside there, durably before the block counts as delivered, and the others go on. Without one they are an error. What was refused is
/// remembered from one attempt at a block to the next, and a message over which the connection ends again and again counts as refused: there are
/// brokers that end the connection instead of refusing (any of MQTT 3.1.1, for one that is too large).
/// </remarks>
/// <param name="bus">The archive's broker.</param>
/// <param name="topicPrefix">What stands before the OID's path.</param>
/// <param name="quarantine">Where events go that the broker will never take, or null.</param>
/// <param name="time">The clock, for files in quarantine.</param>
/// <param name="pacer">Slows down what is published; null lets the broker alone do that.</param>
internal sealed class ArchiveSink(IMessageBus bus, string topicPrefix, Quarantine? quarantine, TimeProvider time, EventPacer? pacer = null) : IEventSink
{
    private const int MaxInFlight = 32;
    private const int MaxStrikes = 5;

    // Each source has one block at most that is tried again and again.
    private const int MaxTroubledBlocks = 256;
    private const string RefusedForGood = "the broker refuses this message on the archive topic for good, or ends the connection over it: its size, or the account's rights";

    private static readonly Task<BusResult> ForbiddenBefore = Task.FromResult(BusResult.Forbidden);
    private static readonly Task<BusResult> UnacceptableBefore = Task.FromResult(BusResult.Unacceptable);

    private readonly Queue<InFlight> _inFlight = new();
    private readonly KeptEvents _kept = new();
    private readonly EventBatch _one = new(new OidTable(), 1);
    private readonly List<Findings> _troubled = [];
    private CancellationToken _attempt;
    private BlockKey? _block;
    private ulong _nextSequence;
    private Oid? _firstKept;
    private Findings? _found;
    private int _files;
    private long _keptAside;
    private long _dropped;

    public string Name => $"archive topic {topicPrefix}#";

    /// <summary>Events since the start that are in the quarantine instead of on the topic.</summary>
    public long KeptAside => Interlocked.Read(ref _keptAside);

    /// <summary>Events since the start that are neither on the topic nor, since that is full, in the quarantine. The history database has them.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public async ValueTask<SinkError?> DeliverAsync(SinkBatch batch, CancellationToken cancellation)
    {
        if (_attempt != cancellation || _block != batch.Block.Key || batch.Runs[0].FirstSequence < _nextSequence)
        {
            // What is left of an attempt that was cut short says nothing about this one: its block begins afresh.
            await DropAsync();
            (_attempt, _block) = (cancellation, batch.Block.Key);
            _found = _troubled.Find(f => f.Block == batch.Block.Key);
        }

        foreach (var run in batch.Runs)
        {
            _nextSequence = run.FirstSequence + (ulong)run.Count;
            for (var i = 0; i < run.Count; i++)
            {
                if (_inFlight.Count == MaxInFlight && await FinishOneAsync(batch.Block) is { } error)
                {
                    return error;
                }

                if (pacer is not null)
                {
                    await pacer.WaitAsync(cancellation);
                }

                var e = batch.Events[run.Start + i];
                var sequence = run.FirstSequence + (ulong)i;

                // What is refused is put in line as well, so that what is kept aside keeps its order.
                var sending = _found?.Forbidden.Contains(e.Oid) == true ? ForbiddenBefore
                    : _found?.Unacceptable.Contains(sequence) == true ? UnacceptableBefore
                    : bus.SendAsync(topicPrefix + e.Oid.TopicPath, Payload(e, batch.Block.Node), cancellation);
                _inFlight.Enqueue(new InFlight(e, sequence, sending));
            }
        }

        return null;
    }

    public async ValueTask<SinkError?> CompleteAsync(SinkBlock block, CancellationToken cancellation)
    {
        while (_inFlight.Count > 0)
        {
            if (await FinishOneAsync(block) is { } error)
            {
                return error;
            }
        }

        if (Flush(block) is { } failed)
        {
            return failed;
        }

        _troubled.RemoveAll(f => f.Block == block.Key);
        (_block, _found, _files) = (null, null, 0);
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
    private async Task<SinkError?> FinishOneAsync(SinkBlock block)
    {
        var oldest = _inFlight.Dequeue();
        var result = await oldest.Sending;
        if (result == BusResult.Sent)
        {
            return null;
        }

        Learn(oldest, result);
        if (result == BusResult.Unknown)
        {
            Suspect(oldest);
        }

        var isForGood = result is BusResult.Unacceptable or BusResult.Forbidden;
        var error = isForGood && quarantine is not null ? Keep(block, oldest) : Describe(result);
        if (error is not null)
        {
            await DropAsync();
        }

        return error;
    }

    private static SinkError Describe(BusResult result) => result switch
    {
        BusResult.Unacceptable or BusResult.Forbidden => new SinkError(RefusedForGood, "raise the broker's limits, or give the account the right to write there"),
        BusResult.Refused => new SinkError("the broker refuses messages on the archive topic for now", "check the broker's quotas and its log"),
        _ => new SinkError("the broker of the archive topic can't be reached", "start it, or wait until it is back"),
    };

    private void Learn(in InFlight message, BusResult result)
    {
        if (quarantine is null)
        {
            return;
        }

        if (result == BusResult.Forbidden)
        {
            Found().Forbidden.Add(message.Event.Oid);
        }
        else if (result == BusResult.Unacceptable)
        {
            Found().Unacceptable.Add(message.Sequence);
        }
    }

    /// <summary>The oldest message on its way when the connection ends is the one that the broker was at.</summary>
    private void Suspect(in InFlight oldest)
    {
        var found = Found();
        (found.Suspect, found.Strikes) = (oldest.Sequence, found.Suspect == oldest.Sequence ? found.Strikes + 1 : 1);
        if (found.Strikes == MaxStrikes)
        {
            Learn(oldest, BusResult.Unacceptable);
        }
    }

    private Findings Found()
    {
        if (_found is null)
        {
            // The oldest one is of a block that nobody offers any more.
            if (_troubled.Count == MaxTroubledBlocks)
            {
                _troubled.RemoveAt(0);
            }

            _troubled.Add(_found = new Findings(_block!));
        }

        return _found;
    }

    private SinkError? Keep(SinkBlock block, in InFlight refused)
    {
        _one.Clear();
        _one.Add(refused.Event);
        _firstKept ??= refused.Event.Oid;
        _kept.Add(block.Key.Stream, _one, 0, refused.Sequence);
        return _kept.IsFull ? Flush(block) : null;
    }

    private SinkError? Flush(SinkBlock block)
    {
        if (_kept.Count == 0)
        {
            return null;
        }

        var count = _kept.Count;
        var name = string.Create(
            CultureInfo.InvariantCulture, $"archive-{block.Key.Stream}-{block.Key.Index}-{block.Key.Hash.ToString()[..16]}-{++_files}");
        var reason = string.Create(
            CultureInfo.InvariantCulture, $"{count} events of {_firstKept}{(count > 1 ? " and others" : "")} are in the history database only: {RefusedForGood}");
        var bytes = _kept.Take(block, UnixTime.FromDateTimeOffset(time.GetUtcNow()));
        _firstKept = null;
        var kept = quarantine!.KeepEvents(name, QuarantineKind.ArchiveEvents, bytes, $"block {block.Key} of {block.Node}", reason);
        if (!kept.IsOk)
        {
            return new SinkError($"events that the archive's broker refuses can't be kept aside: {kept.Error.Detail}", kept.Error.Remedy);
        }

        if (kept.Value is null)
        {
            Interlocked.Add(ref _dropped, count);
        }
        else
        {
            Interlocked.Add(ref _keptAside, count);
        }

        return null;
    }

    private async Task DropAsync()
    {
        while (_inFlight.Count > 0)
        {
            var left = _inFlight.Dequeue();
            await Task.WhenAny(left.Sending);
            if (left.Sending.IsCompletedSuccessfully)
            {
                Learn(left, await left.Sending);
            }
        }

        _kept.Clear();
        (_firstKept, _nextSequence, _files) = (null, 0, 0);
    }

    /// <summary>What the attempts at a block have found so far. It stays when blocks of other sources come between two of them.</summary>
    private sealed class Findings(BlockKey block)
    {
        public BlockKey Block => block;

        public HashSet<ulong> Unacceptable { get; } = [];

        public HashSet<Oid> Forbidden { get; } = [];

        public ulong Suspect { get; set; }

        public int Strikes { get; set; }
    }

    /// <summary>A message on its way.</summary>
    private readonly record struct InFlight(TelemetryEvent Event, ulong Sequence, Task<BusResult> Sending);
}
