using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Telemetry;

public sealed class EventBatchTests
{
    private readonly OidTable _oids = new();

    [Fact]
    public void Events_of_equal_times_come_into_the_order_of_their_items_and_none_passes_another_of_its_item_or_time()
    {
        var random = new Random(4);
        for (var round = 0; round < 200; round++)
        {
            var batch = new EventBatch(_oids, 4);
            for (var i = 0; i < random.Next(60); i++)
            {
                batch.Add(
                    random.Next(4), 1000 + random.Next(i / 5, i / 4 + 3), (short)i, (uint)i, ValueKind.String, 0, $"{i}", new Ieid(9, (ulong)i),
                    (EventFlags)(i % 3));
            }

            var before = Enumerable.Range(0, batch.Count).Select(i => (Item: batch.Items[i], Time: batch.TimesNs[i], Place: batch.Statuses[i])).ToArray();
            batch.SortEqualTimes();
            var expected = new List<(int Item, long Time, short Place)>();
            for (var start = 0; start < before.Length;)
            {
                var run = before.Skip(start).TakeWhile(e => e.Time == before[start].Time).ToArray();
                expected.AddRange(run.OrderBy(e => e.Item));
                start += run.Length;
            }

            for (var i = 0; i < batch.Count; i++)
            {
                var (item, time, place) = expected[i];
                Assert.Equal((item, time, place, (uint)place, $"{place}"), (batch.Items[i], batch.TimesNs[i], batch.Statuses[i], batch.Qualities[i], batch.References[i]));
                Assert.Equal(((byte)(place % 3), (ulong)i), (batch.Flags[i], batch.Counters[i]));
            }
        }
    }

    [Fact]
    public void The_first_events_can_be_taken_away_and_a_difference_in_any_column_is_seen()
    {
        var batch = Some(10, _ => { });
        batch.RemoveFirst(0);
        Assert.True(batch.IsSameAs(Some(10, _ => { }), 10));
        Assert.False(batch.IsSameAs(Some(9, _ => { }), 9));
        batch.RemoveFirst(7);
        Assert.Equal([7, 8, 9], batch.TimesNs.ToArray().Select(t => (int)t));
        Assert.Equal(["7", "8", "9"], batch.References.ToArray());
        batch.RemoveFirst(3);
        Assert.Equal(0, batch.Count);

        var reference = Some(3, _ => { });
        foreach (var change in new Action<Parts>[]
        {
            p => p.Item++, p => p.Time++, p => p.Status++, p => p.Quality++, p => p.Kind = ValueKind.XmlElement, p => p.Bits++, p => p.Text += "!",
            p => p.Boot++, p => p.Counter++, p => p.Flags ^= EventFlags.ServerTime,
        })
        {
            Assert.False(reference.IsSameAs(Some(3, change), 3));
        }
    }

    private EventBatch Some(int count, Action<Parts> change)
    {
        var batch = new EventBatch(_oids, 2);
        for (var i = 0; i < count; i++)
        {
            var parts = new Parts { Item = i, Time = i, Text = $"{i}", Counter = (ulong)i };
            if (i == 1)
            {
                change(parts);
            }

            batch.Add(
                parts.Item, parts.Time, parts.Status, parts.Quality, parts.Kind, parts.Bits, parts.Text, new Ieid(parts.Boot, parts.Counter), parts.Flags);
        }

        return batch;
    }

    private sealed class Parts
    {
        public int Item { get; set; }

        public long Time { get; set; }

        public short Status { get; set; }

        public uint Quality { get; set; }

        public ValueKind Kind { get; set; } = ValueKind.String;

        public ulong Bits { get; set; }

        public string Text { get; set; } = "";

        public ulong Boot { get; set; }

        public ulong Counter { get; set; }

        public EventFlags Flags { get; set; }
    }
}
