using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;
using ZfRepl.Replicator.Fetch;

namespace ZfRepl.Replicator.Repair;

/// <summary>
/// Enters what nobody can fill into the loss ledger. Missing sequence numbers stay missing in the account, and what a proof found it goes on
/// finding: these are not entered. Stateless.
/// </summary>
internal sealed class GapLosses(IHistoryDatabase history, FetchOptions fetch, TimeProvider time)
{
    /// <summary>Enters a gap, if it is a loss. It may be entered again: it stays one entry.</summary>
    /// <param name="gap">The gap.</param>
    /// <param name="stream">The stream with which it stands; null when the source named none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null, or why it can't be entered.</returns>
    public async Task<string?> EnterAsync(Gap gap, StreamFacts? stream, CancellationToken cancellationToken)
    {
        if (gap.Kind != GapKind.Heartbeat)
        {
            return null;
        }

        var known = stream is null ? await KnownStreamAsync(cancellationToken) : stream;
        return known.IsOk ? (await WriteAsync(gap, known.Value, cancellationToken))?.ToString() : known.Error.ToString();
    }

    private async Task<HistoryError?> WriteAsync(Gap gap, StreamFacts stream, CancellationToken cancellationToken)
    {
        var recordedNs = gap.FilledNs > 0 ? gap.FilledNs : UnixTime.FromDateTimeOffset(time.GetUtcNow());
        var record = new LossRecord(
            LossReason.SourceGap, 0, 0, 0, IsExact: false, gap.FromNs, gap.ToNs, recordedNs, gap.Node, "a gap by the heartbeats, which the source can't fill either");
        var written = await history.WriteAsync(
            new HistoryWrite
            {
                Events = new EventBatch(new OidTable(), 1),
                Count = 0,
                Stream = stream,

                // Not where the stream ends now: it goes on while the book can't be written, and the entry would be another one each time.
                Losses = [new LossEntry(LossOrigin.Import, gap.FillNextSequence, OccurrenceOf(gap), record)],
            },
            cancellationToken);
        return written.Error;
    }

    /// <summary>Gaps that are given up at the same place of a stream are told apart by their times; one that is entered again is the same.</summary>
    private static int OccurrenceOf(Gap gap)
    {
        Span<byte> times = stackalloc byte[2 * sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(times, gap.FromNs);
        BinaryPrimitives.WriteInt64BigEndian(times[sizeof(long)..], gap.ToNs);
        return BinaryPrimitives.ReadInt32BigEndian(SHA256.HashData(times)) & int.MaxValue;
    }

    /// <summary>A stream of the source's, the longest; where nothing has come of it yet, one that stands for it.</summary>
    private async Task<HistoryResult<StreamFacts>> KnownStreamAsync(CancellationToken cancellationToken)
    {
        var streams = await history.ReadStreamsAsync(only: null, 1, cancellationToken);
        if (!streams.IsOk)
        {
            return streams.Error;
        }

        var known = streams.Value.Select(s => s.Facts).Where(f => f.Node == fetch.Source && f.Mailbox == fetch.Target).MaxBy(f => f.HighestSequence);
        if (known is not null)
        {
            return known;
        }

        var id = SHA256.HashData(Encoding.UTF8.GetBytes($"{fetch.Source}\n{fetch.Target}"));
        return new StreamFacts(
            new StreamId(BinaryPrimitives.ReadUInt64BigEndian(id), BinaryPrimitives.ReadUInt64BigEndian(id.AsSpan(sizeof(ulong)))), fetch.Source, fetch.Target, 0);
    }
}
