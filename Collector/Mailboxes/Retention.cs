using ZfRepl.Core.Blocks;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>The pure decisions about old blocks.</summary>
internal static class Retention
{
    /// <summary>Advances the low-water mark over blocks that are gone on purpose, so that the list of them stays short.</summary>
    public static MailboxState Compact(MailboxState state)
    {
        var removed = state.Removed.OrderBy(r => r.Index).ToList();
        var (low, sequence) = (state.LowIndex, state.LowSequence);
        while (removed.Count > 0 && removed[0].Index <= low)
        {
            if (removed[0].Index == low && !removed[0].IsHole)
            {
                low++;
            }

            sequence = Math.Max(sequence, removed[0].NextSequence);
            removed.RemoveAt(0);
        }

        return state with { LowIndex = low, LowSequence = sequence, Removed = removed };
    }

    /// <summary>True for a block that is gone on purpose, although its file may have come back.</summary>
    public static bool IsGone(MailboxState state, ulong index) =>
        index < state.LowIndex || state.Removed.Any(r => !r.IsHole && r.Index == index);

    /// <summary>
    /// The events that are missing between blocks: not in a file, and not gone on purpose. They vanished with their files. The numbers
    /// of blocks that were begun and never used come along without events, so that the low-water mark can pass them.
    /// </summary>
    public static List<RemovedBlock> Vanished(MailboxState state, IEnumerable<SealedBlock> blocks)
    {
        var known = blocks.Select(b => new RemovedBlock(b.Header.Index, b.Trailer.FirstSequence, b.Trailer.NextSequence))
            .Concat(state.Removed)
            .OrderBy(b => b.Index)
            .ThenBy(b => b.FirstSequence);
        var (index, sequence) = (state.LowIndex, state.LowSequence);
        var vanished = new List<RemovedBlock>();
        foreach (var block in known)
        {
            AddUpTo(block.Index, block.FirstSequence);
            sequence = Math.Max(sequence, block.NextSequence);
            index = Math.Max(index, block.IsHole ? block.Index : block.Index + 1);
        }

        AddUpTo(state.NextIndex, state.NextSequence);
        return vanished;

        void AddUpTo(ulong nextIndex, ulong nextSequence)
        {
            if (nextSequence > sequence)
            {
                vanished.Add(new RemovedBlock(index, sequence, nextSequence, IsHole: index >= nextIndex));
                sequence = nextSequence;
                index += index >= nextIndex ? 0UL : 1UL;
            }

            for (; index < nextIndex; index++)
            {
                vanished.Add(new RemovedBlock(index, sequence, sequence));
            }
        }
    }
}
