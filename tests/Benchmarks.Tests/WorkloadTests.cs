using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Tests;

/// <summary>
/// The workloads have the statistics that they are named for. The figures of W1 are those of an independent generator of the same
/// workload, over its seeds 1 to 3: whoever measures something else with that one, measures the same.
/// </summary>
public sealed class WorkloadTests
{
    private const int Events = 1_000_000;
    private const long NsPerMs = 1_000_000;

    private static readonly EventBatch W1 = ReferenceWorkload.Generate(new OidTable(), Events);
    private static readonly EventBatch W1Us = ReferenceWorkload.Generate(new OidTable(), Events, keepsMicroseconds: true);

    [Theory]
    [InlineData(ValueKind.Double, 0.70)]
    [InlineData(ValueKind.Int64, 0.15)]
    [InlineData(ValueKind.Boolean, 0.10)]
    [InlineData(ValueKind.Int32, 0.05)]
    public void So_many_of_the_readings_are_of_each_kind(ValueKind kind, double share) =>
        Assert.Equal(share, (double)W1.Kinds.ToArray().Count(k => k == (byte)kind) / Events, 0.000_001);

    [Theory]
    [InlineData(ValueKind.Double, 0.363, 0.015)]
    [InlineData(ValueKind.Int64, 0.274, 0.025)]
    [InlineData(ValueKind.Boolean, 0.995, 0.001)]
    [InlineData(ValueKind.Int32, 0.9915, 0.001)]
    public void So_many_of_them_repeat_their_sensor(ValueKind kind, double share, double tolerance) =>
        Assert.Equal(share, Steps(kind).Average(s => s == 0 ? 1.0 : 0.0), tolerance);

    [Fact]
    public void So_many_of_all_repeat_their_sensor() =>
        Assert.Equal(0.444, Enum.GetValues<ValueKind>().SelectMany(Steps).Average(s => s == 0 ? 1.0 : 0.0), 0.01);

    [Fact]
    public void A_value_stays_for_so_many_readings()
    {
        var all = Enum.GetValues<ValueKind>().SelectMany(Steps).ToArray();
        Assert.Equal(1.75, (double)all.Length / all.Count(s => s != 0), 0.06);
    }

    /// <summary>Root mean squares: of the floats in hundredths, of the counters, of the booleans, of the states.</summary>
    [Theory]
    [InlineData(ValueKind.Double, 3.39, 0.25)]
    [InlineData(ValueKind.Int64, 2.04, 0.12)]
    [InlineData(ValueKind.Boolean, 0.0705, 0.005)]
    [InlineData(ValueKind.Int32, 0.244, 0.02)]
    public void They_move_by_so_much(ValueKind kind, double rms, double tolerance) =>
        Assert.Equal(rms, Math.Sqrt(Steps(kind).Average(s => s * s)), tolerance);

    [Fact]
    public void Floats_have_two_decimals_and_fit_the_range_of_a_plant()
    {
        for (var i = 0; i < Events; i++)
        {
            if (W1.Kinds[i] == (byte)ValueKind.Double)
            {
                var value = BitConverter.UInt64BitsToDouble(W1.Bits[i]);
                Assert.Equal(value, Math.Round(value * 100) / 100);
                Assert.InRange(value, -50, 200);
            }
        }
    }

    [Fact]
    public void Sensors_are_read_every_100_ms_with_a_jitter_of_2_ms()
    {
        var gaps = Gaps(W1Us);
        var mean = gaps.Average();
        Assert.Equal(100_000, mean, 10.0);
        // The gap between two readings has the jitter twice: 2 ms times the root of 2.
        Assert.Equal(2858, Math.Sqrt(gaps.Average(g => (g - mean) * (g - mean))), 40.0);
    }

    [Fact]
    public void Ten_readings_share_a_millisecond_and_come_in_no_order_of_the_sensors()
    {
        var (same, falling) = (0, 0);
        for (var i = 1; i < Events; i++)
        {
            Assert.True(W1.TimesNs[i] >= W1.TimesNs[i - 1]);
            if (W1.TimesNs[i] == W1.TimesNs[i - 1])
            {
                same++;
                falling += W1.Items[i] < W1.Items[i - 1] ? 1 : 0;
            }
        }

        Assert.Equal(0.90, (double)same / Events, 0.005);
        Assert.Equal(0.499, (double)falling / same, 0.005);
    }

    [Fact]
    public void Times_are_whole_milliseconds_or_microseconds_of_the_same_readings()
    {
        for (var i = 0; i < Events; i++)
        {
            Assert.Equal(W1Us.TimesNs[i] / NsPerMs, W1.TimesNs[i] / NsPerMs);
            Assert.Equal(0, W1.TimesNs[i] % NsPerMs);
            Assert.Equal(0, W1Us.TimesNs[i] % 1000);
            Assert.Equal(W1Us.Bits[i], W1.Bits[i]);
        }
    }

    [Theory]
    [InlineData(false, 99.9)]
    [InlineData(true, 102.9)]
    public void As_lines_of_JSON_they_take_so_many_bytes(bool microseconds, double bytesPerEvent)
    {
        var events = microseconds ? W1Us : W1;
        Assert.Equal(bytesPerEvent, Enumerable.Range(0, Events).Sum(i => JsonLines.Line(events, i, microseconds).Length + 1L) / (double)Events, 0.15);
    }

    [Fact]
    public void Statuses_are_1_and_identities_count()
    {
        Assert.DoesNotContain(W1.Statuses.ToArray(), s => s != 1);
        Assert.Equal(Enumerable.Range(1, Events).Select(i => (ulong)i), W1.Counters.ToArray());
    }

    [Fact]
    public void The_seed_decides_everything()
    {
        static IEnumerable<(long, ulong)> Make(ulong seed)
        {
            var events = ReferenceWorkload.Generate(new OidTable(), 10_000, seed);
            return events.TimesNs.ToArray().Zip(events.Bits.ToArray());
        }

        Assert.Equal(Make(1), Make(1));
        Assert.NotEqual(Make(1), Make(2));
    }

    [Fact]
    public void A_slow_plant_brings_20_readings_a_second()
    {
        var slow = ReferenceWorkload.Generate(new OidTable(), 10_000, stepUs: ReferenceWorkload.SlowStepUs);
        Assert.Equal(20, slow.Count / ((slow.TimesNs[^1] - slow.TimesNs[0]) / 1e9), 0.1);
        Assert.Equal(ReferenceWorkload.SlowStepUs, Gaps(slow).Average(), 100.0);
    }

    [Fact]
    public void High_entropy_is_random_doubles_long_texts_and_arrays()
    {
        var events = HighEntropyWorkload.Generate(new OidTable(), 10_000);
        var kinds = events.Kinds.ToArray().CountBy(k => (ValueKind)k).ToDictionary();
        Assert.Equal(
            new Dictionary<ValueKind, int> { [ValueKind.Double] = 7000, [ValueKind.String] = 2000, [ValueKind.Array] = 1000 }, kinds);
        Assert.Equal(7000, events.Bits.ToArray().Where((_, i) => events.Kinds[i] == (byte)ValueKind.Double).Distinct().Count());
        // 20 bytes of head, then 8, 4 + 200 or 4 + 16 * 8.
        Assert.Equal(10_000 * 20 + 7000 * 8 + 2000 * 204 + 1000 * 132, HighEntropyWorkload.RowBytes(events));
    }

    /// <summary>By how much each reading of a kind differs from its sensor's one before; floats in hundredths.</summary>
    private static List<double> Steps(ValueKind kind)
    {
        var last = new double?[W1.Oids.Count];
        var steps = new List<double>(Events);
        for (var i = 0; i < Events; i++)
        {
            if (W1.Kinds[i] != (byte)kind)
            {
                continue;
            }

            var value = kind == ValueKind.Double ? Math.Round(BitConverter.UInt64BitsToDouble(W1.Bits[i]) * 100) : W1.Bits[i];
            if (last[W1.Items[i]] is { } before)
            {
                steps.Add(value - before);
            }

            last[W1.Items[i]] = value;
        }

        return steps;
    }

    /// <summary>Microseconds between two readings of a sensor.</summary>
    private static List<double> Gaps(EventBatch events)
    {
        var last = new long[events.Oids.Count];
        var gaps = new List<double>(events.Count);
        for (var i = 0; i < events.Count; i++)
        {
            var item = events.Items[i];
            if (last[item] > 0)
            {
                gaps.Add((events.TimesNs[i] - last[item]) / 1000.0);
            }

            last[item] = events.TimesNs[i];
        }

        return gaps;
    }
}
