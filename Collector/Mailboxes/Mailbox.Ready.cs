using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Frames;

namespace ZfRepl.Collector.Mailboxes;

/// <content>
/// The order of what is ready: the mailbox's own blocks by their numbers, and each block of another node behind the own ones that were sealed when
/// it came. So everything new is at the end, and "behind this block" means the same whenever it is asked.
/// </content>
public sealed partial class Mailbox
{
    private bool HasReady(ReadyPlace place)
    {
        lock (_shelfLock)
        {
            return Disk.Sealed.After(place.Own).Any() || _shelf.Behind(place).Any();
        }
    }

    private ReadyPlace PlaceOf(StreamId stream, ulong index)
    {
        if (stream == Disk.Stream)
        {
            return new ReadyPlace(index, 0);
        }

        lock (_shelfLock)
        {
            return _shelf.PlaceOf(stream, index) ?? ReadyPlace.Start;
        }
    }

    private ReadyPage Page(ReadyPlace place, int limit)
    {
        lock (_shelfLock)
        {
            var (lastOwn, lastRelayed) = (Disk.Sealed.Last, _shelf.Last);
            var blocks = new List<ReadyBlock>();
            using var own = Disk.Sealed.After(place.Own).GetEnumerator();
            using var relayed = _shelf.Behind(place).GetEnumerator();
            var (hasOwn, hasRelayed) = (own.MoveNext(), relayed.MoveNext());
            while ((hasOwn || hasRelayed) && blocks.Count < limit)
            {
                if (hasOwn && (!hasRelayed || own.Current.Header.Index <= relayed.Current.Anchor))
                {
                    var isLast = own.Current == lastOwn && (lastRelayed is null || lastRelayed.Anchor < own.Current.Header.Index);
                    blocks.Add(new ReadyBlock(own.Current, Disk.PathOf(own.Current.Name), isLast));
                    hasOwn = own.MoveNext();
                }
                else
                {
                    var isLast = relayed.Current == lastRelayed && (lastOwn is null || lastOwn.Header.Index <= lastRelayed.Anchor);
                    blocks.Add(Ready(relayed.Current, isLast));
                    hasRelayed = relayed.MoveNext();
                }
            }

            return new ReadyPage(blocks, Disk.Sealed.Count + _shelf.Count, Disk.Sealed.EventCount + _shelf.Events);
        }
    }

    private static ReadyBlock Ready(RelayedBlock block, bool isLast) => new(block.Block, block.Path, isLast) { Way = block.Way };
}
