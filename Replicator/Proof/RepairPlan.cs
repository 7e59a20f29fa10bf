using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Repair;

namespace ZfRepl.Replicator.Proof;

/// <summary>Items and hours that have to be filled again → as few tasks as ask for just these. Pure.</summary>
internal static class RepairPlan
{
    /// <summary>Makes the tasks: hours that follow each other and lack the same items become one.</summary>
    public static IEnumerable<Gap> Make(IEnumerable<DigestComparison.Cell> missing, TimeRange range, string node, long nowNs)
    {
        var hours = missing.GroupBy(c => c.Hour)
            .OrderBy(g => g.Key)
            .Select(g => (First: g.Key, Last: g.Key, Items: g.Select(c => c.Item).Order().ToList()));
        var joined = new List<(int First, int Last, List<Core.Telemetry.Oid> Items)>();
        foreach (var hour in hours)
        {
            if (joined.Count > 0 && joined[^1].Last == hour.First - 1 && joined[^1].Items.SequenceEqual(hour.Items))
            {
                joined[^1] = joined[^1] with { Last = hour.Last };
            }
            else
            {
                joined.Add(hour);
            }
        }

        return from stretch in joined
               from items in ItemList.Split(stretch.Items)
               select new Gap
               {
                   Id = GapFinder.NewId(),
                   Node = node,
                   Kind = GapKind.Proof,
                   FromNs = Math.Max(range.FromNs, BookHour.FirstNs(stretch.First)),
                   ToNs = Math.Min(range.ToNs, BookHour.LastNs(stretch.Last)),
                   Items = [.. items.Select(i => i.Text)],
                   FoundNs = nowNs,
               };
    }
}
