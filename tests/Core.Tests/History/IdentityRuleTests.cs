using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.History;

/// <summary>The rule alone, over a list of rows. Contents are letters; "A1" is content A with identity (1, 1), "A" has none.</summary>
public sealed class IdentityRuleTests
{
    [Theory]
    [InlineData("A1", "A1", "Replay")]
    [InlineData("A1", "A2", "Repeat")]
    [InlineData("A1", "B2", "Insert")]
    [InlineData("A1", "B1", "Conflict")]
    [InlineData("A1", "A", "Repeat")]
    [InlineData("A1", "B", "Insert")]
    [InlineData("A", "A", "Repeat")]
    [InlineData("A", "A1", "Repeat")]
    [InlineData("A", "B1", "Insert")]
    [InlineData("A B", "A1", "Repeat")]
    [InlineData("A B", "B2", "Repeat")]
    [InlineData("A1 B2", "A3", "Insert")]
    [InlineData("A1 B2", "B3", "Repeat")]
    [InlineData("A1 B2", "A", "Repeat")]
    [InlineData("A1 B2 A3", "A1", "Replay")]
    [InlineData("A1 B2 A3", "B2", "Replay")]
    [InlineData("A1 B2 A3", "A3", "Replay")]
    [InlineData("A1 B2 A3", "A4", "Repeat")]
    [InlineData("A1 B2 A3", "C4", "Insert")]
    // The event before it, not the row that arrived last, decides.
    [InlineData("A1 B3", "A2", "Repeat")]
    [InlineData("A5 B3", "B7", "Insert")]
    [InlineData("A5 B3", "B4", "Repeat")]
    // What arrives after its successor.
    [InlineData("A5", "A3", "Repeat")]
    [InlineData("A5", "B3", "Insert")]
    // A refresh says what is, so any row that says it will do; so also from a source that forgot how far it had counted.
    [InlineData("A1 B2", "A3r", "Repeat")]
    [InlineData("A8 B9", "B1r", "Repeat")]
    [InlineData("A1 B2", "C3r", "Insert")]
    [InlineData("A1", "A1r", "Replay")]
    public void An_event_whose_time_is_taken_is_judged_by_identity_and_content(string rows, string candidate, string verdict)
    {
        var list = new ListRows([.. rows.Split(' ').Select(Letter.Parse)]);
        Assert.Equal(verdict, list.Decide(Letter.Parse(candidate)).ToString());
    }

    [Fact]
    public void Whatever_is_repeated_of_what_came_in_order_leaves_the_same_rows()
    {
        const int seed = 20260101;
        var random = new Random(seed);
        for (var round = 0; round < 2_000; round++)
        {
            var counter = 0UL;
            var events = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Letter.Draw(random, ref counter)).ToArray();
            var once = new ListRows([]);
            foreach (var e in events)
            {
                once.Add(e);
            }

            // Parts arrive again and again, but nothing for the first time before what came before it.
            var often = new ListRows([]);
            for (var next = 0; next < events.Length; next++)
            {
                often.Add(events[next]);
                for (var i = random.Next(4); i > 0; i--)
                {
                    often.Add(events[random.Next(next + 1)]);
                }
            }

            Assert.True(once.SameAs(often), $"seed {seed} round {round}: {string.Join(' ', events)} gives {once}, with repeats {often}");
        }
    }

    [Fact]
    public void Nothing_said_at_an_instant_is_ever_absent_whatever_the_order()
    {
        const int seed = 20260102;
        var random = new Random(seed);
        for (var round = 0; round < 2_000; round++)
        {
            var counter = 0UL;
            var events = Enumerable.Range(0, random.Next(1, 10)).Select(_ => Letter.Draw(random, ref counter)).ToArray();
            random.Shuffle(events);
            var rows = new ListRows([]);
            foreach (var e in events)
            {
                rows.Add(e);
            }

            Assert.True(
                events.All(e => rows.Contents.Contains(e.Content)), $"seed {seed} round {round}: {string.Join(' ', events)} gives {rows}");
        }
    }

    /// <summary>Content, identity and whether it is a refresh.</summary>
    internal readonly record struct Letter(char Content, Ieid Ieid, EventFlags Flags)
    {
        public static Letter Parse(string text)
        {
            var digits = text[1..].TrimEnd('r');
            var ieid = digits.Length == 0 ? Ieid.Unknown : new Ieid(1, ulong.Parse(digits));
            return new Letter(text[0], ieid, text.EndsWith('r') ? EventFlags.Refresh : EventFlags.None);
        }

        public static Letter Draw(Random random, ref ulong counter)
        {
            var content = (char)('A' + random.Next(3));
            return random.Next(6) switch
            {
                0 => new Letter(content, Ieid.Unknown, EventFlags.None),
                1 => new Letter(content, new Ieid(1, ++counter), EventFlags.Refresh),
                _ => new Letter(content, new Ieid(1, ++counter), EventFlags.None),
            };
        }

        public override string ToString() => $"{Content}{(Ieid == Ieid.Unknown ? "" : Ieid.Counter)}{(Flags == EventFlags.Refresh ? "r" : "")}";
    }

    /// <summary>The rows of one instant as a list, in the order of their numbers: the model that databases are held against.</summary>
    internal sealed class ListRows(List<Letter> rows) : IRowsAtInstant
    {
        private Letter _candidate;

        public IEnumerable<char> Contents => rows.Select(r => r.Content);

        public void Add(Letter candidate)
        {
            if (rows.Count == 0 || Decide(candidate) == EventVerdict.Insert)
            {
                rows.Add(candidate);
            }
        }

        public EventVerdict Decide(Letter candidate)
        {
            _candidate = candidate;
            return IdentityRule.Decide(candidate.Ieid, candidate.Flags, this);
        }

        public bool SameAs(ListRows other) => ToString() == other.ToString();

        public RowMatch WithIdentity(Ieid ieid) => Match(rows.Where(r => r.Ieid == ieid));

        public RowMatch Before(Ieid ieid) => Match(Known().Where(r => r.Ieid.CompareTo(ieid) < 0).OrderByDescending(r => r.Ieid));

        public RowMatch After(Ieid ieid) => Match(Known().Where(r => r.Ieid.CompareTo(ieid) > 0).OrderBy(r => r.Ieid));

        public bool HasContentOfUnknown() => rows.Any(r => r.Ieid == Ieid.Unknown && r.Content == _candidate.Content);

        public bool HasContent() => rows.Any(r => r.Content == _candidate.Content);

        public override string ToString() => string.Join(' ', rows);

        private IEnumerable<Letter> Known() => rows.Where(r => r.Ieid != Ieid.Unknown);

        private RowMatch Match(IEnumerable<Letter> candidates)
        {
            var found = candidates.Select(r => (Letter?)r).FirstOrDefault();
            return found is null ? RowMatch.None : found.Value.Content == _candidate.Content ? RowMatch.SameContent : RowMatch.OtherContent;
        }
    }
}
