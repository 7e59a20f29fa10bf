using ZfRepl.Core.Telemetry;

namespace ZfRepl.EndToEnd.Tests.Proof;

/// <summary>A checker that finds nothing proves nothing: here it has to find what is wrong.</summary>
public sealed class ProofTests
{
    private const string DoubleLine = """{"n":1,"node":"ns=1;s=Var00001","type":"Double","value":1.1009765625,"status":0,"ticks":"133641234561234567","ps":42}""";

    private static readonly Oid Item = Oid.Parse("sensor:edge1/beat1");

    [Fact]
    public void Counters_that_are_complete_hold()
    {
        TelemetryEvent[] delivered = [.. Beats(5, 1, 100), .. Beats(6, 1, 50)];
        var proof = CounterProof.Check(delivered, Beats(5, 90, 100), 150);
        Assert.True(proof.Holds, proof.ToString());
        Assert.Equal((150, 150), (proof.Expected, proof.Delivered));
    }

    [Fact]
    public void A_hole_in_the_counters_is_missing()
    {
        var proof = CounterProof.Check(Beats(5, 1, 100).Where(e => e.Value.AsInt64 is not (40 or 41)), [], 100);
        Assert.Equal((2, 0, 0), (proof.Missing, proof.Duplicates, proof.Invented));
        Assert.Contains("first one is 40", proof.Examples[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_end_that_was_seen_on_disk_is_missing()
    {
        var proof = CounterProof.Check(Beats(5, 1, 90), Beats(5, 80, 100), 100);
        Assert.Equal((10, 0, 0), (proof.Missing, proof.Duplicates, proof.Invented));
    }

    [Fact]
    public void A_lost_start_of_the_collector_that_only_its_books_know_of_is_missing()
    {
        var proof = CounterProof.Check(Beats(5, 1, 90), [], 100);
        Assert.Equal((10, 0, 0), (proof.Missing, proof.Duplicates, proof.Invented));
    }

    [Fact]
    public void What_arrives_twice_is_a_duplicate_even_at_another_time()
    {
        TelemetryEvent[] delivered = [.. Beats(5, 1, 100), Beat(5, 7) with { TimeNs = 12345 }];
        var proof = CounterProof.Check(delivered, [], 100);
        Assert.Equal((0, 1, 0), (proof.Missing, proof.Duplicates, proof.Invented));
    }

    [Fact]
    public void What_never_was_is_invented()
    {
        TelemetryEvent[] delivered = [.. Beats(5, 1, 100), Beat(5, 101), Beat(5, 1) with { Value = TelemetryValue.From(7.5) }];
        var proof = CounterProof.Check(delivered, [], 100);
        Assert.Equal((0, 0, 2), (proof.Missing, proof.Duplicates, proof.Invented));
    }

    [Fact]
    public void A_line_of_the_servers_log_equals_the_event_that_it_became()
    {
        var proof = ChangeProof.Check([ChangeLog.Parse(DoubleLine, OidOf)], [Arrived()]);
        Assert.True(proof.Holds, proof.ToString());
        Assert.Equal((1, 1), (proof.Expected, proof.Delivered));
    }

    [Theory]
    [InlineData("Double", "0.1", ValueKind.Double, 0x3FB999999999999AUL)]
    [InlineData("Double", "\"NaN\"", ValueKind.Double, 0xFFF8000000000000UL)]
    [InlineData("Double", "\"-Infinity\"", ValueKind.Double, 0xFFF0000000000000UL)]
    [InlineData("Float", "0.10000000149011612", ValueKind.Float, 0x3DCCCCCDUL)]
    [InlineData("Int32", "-5", ValueKind.Int32, 0xFFFFFFFFFFFFFFFBUL)]
    [InlineData("Int16", "-32768", ValueKind.Int16, 0xFFFFFFFFFFFF8000UL)]
    [InlineData("UInt32", "4294967295", ValueKind.UInt32, 0xFFFFFFFFUL)]
    [InlineData("Byte", "255", ValueKind.Byte, 0xFFUL)]
    [InlineData("SByte", "-128", ValueKind.SByte, 0xFFFFFFFFFFFFFF80UL)]
    [InlineData("UInt16", "65535", ValueKind.UInt16, 0xFFFFUL)]
    [InlineData("Boolean", "true", ValueKind.Boolean, 1UL)]
    [InlineData("Int64", "\"-9223372036854775808\"", ValueKind.Int64, 0x8000000000000000UL)]
    [InlineData("UInt64", "\"18446744073709551615\"", ValueKind.UInt64, 0xFFFFFFFFFFFFFFFFUL)]
    [InlineData("DateTime", "\"2023-11-14T22:13:20.001Z\"", ValueKind.DateTime, 133444736000010000UL)]
    public void Values_of_the_log_have_their_type_and_all_their_bits(string type, string json, ValueKind kind, ulong bits)
    {
        var change = ChangeLog.Parse(DoubleLine.Replace("\"Double\"", $"\"{type}\"").Replace("1.1009765625", json), OidOf);
        Assert.Equal(new TelemetryValue(kind, bits, null), change.Value);
    }

    [Fact]
    public void Text_of_the_log_is_text()
    {
        var change = ChangeLog.Parse(DoubleLine.Replace("\"Double\"", "\"String\"").Replace("1.1009765625", "\"text 5 äß水\""), OidOf);
        Assert.Equal(TelemetryValue.From("text 5 äß水"), change.Value);
    }

    [Fact]
    public void Any_difference_between_log_and_history_is_found()
    {
        var change = ChangeLog.Parse(DoubleLine, OidOf);
        TelemetryEvent[] wrong =
        [
            Arrived() with { TimeNs = Arrived().TimeNs + 100 },
            Arrived() with { Quality = 0x408F0000 },
            Arrived() with { Status = -1 },
            Arrived() with { Value = TelemetryValue.From(1.1009765625f) },
            Arrived() with { Value = TelemetryValue.From(BitConverter.UInt64BitsToDouble(Arrived().Value.Bits + 1)) },
            Arrived() with { Oid = Item },
        ];
        Assert.All(wrong, e =>
        {
            var proof = ChangeProof.Check([change], [e]);
            Assert.Equal((1, 0, 1), (proof.Missing, proof.Duplicates, proof.Invented));
        });
        // Below 100 ns nothing is promised.
        Assert.True(ChangeProof.Check([change], [Arrived() with { TimeNs = Arrived().TimeNs + 42 }]).Holds);
    }

    [Fact]
    public void A_change_that_is_missing_or_twice_is_found()
    {
        var change = ChangeLog.Parse(DoubleLine, OidOf);
        Assert.Equal(1, ChangeProof.Check([change], []).Missing);
        Assert.Equal(1, ChangeProof.Check([change], [Arrived(), Arrived()]).Duplicates);
    }

    [Fact]
    public void A_value_of_before_the_first_change_may_arrive_once_or_not_at_all()
    {
        var start = ChangeLog.Parse(DoubleLine.Replace("\"n\":1", "\"n\":0"), OidOf);
        Assert.True(ChangeProof.Check([start], []).Holds);
        Assert.True(ChangeProof.Check([start], [Arrived()]).Holds);
        Assert.Equal(1, ChangeProof.Check([start], [Arrived(), Arrived()]).Duplicates);
    }

    private static Oid OidOf(string node) => Oid.Parse($"sensor:plant/{node[7..]}");

    private static TelemetryEvent Arrived() => new(
        Oid.Parse("sensor:plant/Var00001"), 1_719_649_856_123_456_700, 1, 0, TelemetryValue.From(1.1009765625), new Ieid(5, 1));

    private static IEnumerable<TelemetryEvent> Beats(ulong boot, int first, int last) =>
        Enumerable.Range(first, last - first + 1).Select(i => Beat(boot, i));

    private static TelemetryEvent Beat(ulong boot, long value) =>
        new(Item, (long)boot * 1_000_000 + value, 1, 0, TelemetryValue.From(value), new Ieid(boot, (ulong)value));
}
