using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Cli.Blocks;

/// <summary>Compares the events that two blocks have under the same sequence numbers, frame by frame, so that blocks of any size need little memory.</summary>
internal static class BlockComparison
{
    /// <summary>The first difference.</summary>
    /// <returns>What it is, for people; null when all that both have is the same.</returns>
    public static string? Difference(BlockPlace a, BlockPlace b)
    {
        var first = Math.Max(a.FirstSequence, b.FirstSequence);
        using var left = Events(a.Path, first).GetEnumerator();
        using var right = Events(b.Path, first).GetEnumerator();
        var (hasLeft, hasRight) = (left.MoveNext(), right.MoveNext());
        while (hasLeft && hasRight)
        {
            if (left.Current.Trouble is not null || right.Current.Trouble is not null)
            {
                return left.Current.Trouble ?? right.Current.Trouble;
            }

            // What is missing in one of them is said where that file is described.
            if (left.Current.Sequence < right.Current.Sequence)
            {
                hasLeft = left.MoveNext();
            }
            else if (right.Current.Sequence < left.Current.Sequence)
            {
                hasRight = right.MoveNext();
            }
            else if (left.Current != right.Current)
            {
                return $"from {left.Current.Sequence} on";
            }
            else
            {
                (hasLeft, hasRight) = (left.MoveNext(), right.MoveNext());
            }
        }

        return null;
    }

    private static IEnumerable<NumberedEvent> Events(string path, ulong from)
    {
        var opened = DiskStorage.Instance.Open(path, write: false);
        if (!opened.IsOk)
        {
            yield return NumberedEvent.Failed(opened.Error);
            yield break;
        }

        using var file = opened.Value;
        var scanner = BlockScanner.Open(file);
        if (!scanner.IsOk)
        {
            yield return NumberedEvent.Failed(scanner.Error);
            yield break;
        }

        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        var digest = new EventDigest();
        while (true)
        {
            var next = scanner.Value.Next();
            if (!next.IsOk)
            {
                yield return NumberedEvent.Failed(next.Error);
                yield break;
            }

            var item = next.Value;
            if (item.Kind == ScanKind.End)
            {
                yield break;
            }

            if (item.Kind != ScanKind.Frame || !EventFrameReader.HoldsEvents(item.Header.Type) || item.Header.NextSequence <= from)
            {
                continue;
            }

            var firstSequence = item.Header.FirstSequence;
            batch.Clear();
            if (reader.Read(item.Header, item.Payload.Span, batch) is not null)
            {
                // An intact frame with content against the rules: the file is described as damaged.
                continue;
            }

            for (var i = 0; i < batch.Count; i++)
            {
                if (firstSequence + (ulong)i >= from)
                {
                    yield return new NumberedEvent(firstSequence + (ulong)i, digest.Of(batch, i), batch[i].Ieid, null);
                }
            }
        }
    }

    private readonly record struct NumberedEvent(ulong Sequence, UInt128 Digest, Ieid Ieid, string? Trouble)
    {
        public static NumberedEvent Failed(StorageError error) => new(0, default, default, error.ToString());
    }
}
