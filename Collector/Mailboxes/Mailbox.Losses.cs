using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>An entry of the loss ledger as a mailbox knows it.</summary>
/// <param name="Record">The entry.</param>
/// <param name="IsWaiting">True when a sealed block that is still here carries it; else it is in the open block, or the target has it.</param>
public sealed record MailboxLoss(LossRecord Record, bool IsWaiting);

/// <content>Looking into the loss ledger.</content>
public sealed partial class Mailbox
{
    /// <summary>
    /// The entries that the sealed blocks here carry, and those that this process made, the newest first. Blocks that the target has are gone, and
    /// their entries with them, so the whole ledger is at the target. Reads blocks until there are enough.
    /// </summary>
    /// <param name="limit">How many at most, from 1.</param>
    /// <param name="cancellationToken">Looked at between blocks.</param>
    public async Task<StorageResult<IReadOnlyList<MailboxLoss>>> ListLossesAsync(int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var blocks = await ListAsync(cancellationToken);
        var found = Queue.RecentLosses.Distinct().ToDictionary(r => r, _ => false);
        // The entries in blocks of other nodes are those nodes' own.
        foreach (var ready in blocks.Where(b => b.Way is null).Reverse())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var losses = await Task.Run(() => ReadLosses(ready.Path, ready.Block.Header.Stream), cancellationToken);

            // Fetched and removed meanwhile: the target has them.
            if (!losses.IsOk && !losses.Error.IsNotFound)
            {
                return losses.Error;
            }

            foreach (var record in losses.IsOk ? losses.Value : [])
            {
                found[record] = true;
            }

            if (found.Count >= limit)
            {
                break;
            }
        }

        return found.Select(f => new MailboxLoss(f.Key, f.Value)).OrderByDescending(l => l.Record.RecordedNs).Take(limit).ToArray();
    }

    /// <summary>The entries in a sealed block, as far as they are intact.</summary>
    private StorageResult<IReadOnlyList<LossRecord>> ReadLosses(string path, StreamId stream)
    {
        var opened = _storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var report = BlockReport.Create(file, stream, wasSealed: true);
        return report.IsOk ? report.Value.Losses.ToArray() : report.Error;
    }
}
