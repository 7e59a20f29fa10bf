using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Frames;

/// <summary>Sizes are decided by the data alone: a coding that broke without losing anything shows here.</summary>
public sealed class EventColumnsSizeTests
{
    [Fact]
    public void A_plant_with_millisecond_times_takes_less_than_a_byte_for_an_event() =>
        Assert.InRange(BytesPerEvent(PlantSamples.Canonical(1000, 65, 1_000_000)), 0.6, 0.9);

    [Fact]
    public void A_plant_with_microsecond_times_takes_little_more_than_its_jitter() =>
        Assert.InRange(BytesPerEvent(PlantSamples.Canonical(1000, 65, 1000)), 1.8, 2.2);

    [Fact]
    public void Ticks_of_100_ns_do_not_cost_the_zeros_behind_them() =>
        Assert.InRange(BytesPerEvent(PlantSamples.Canonical(1000, 65, 100)), 2.3, 2.7);

    [Fact]
    public void The_order_of_arrival_within_a_millisecond_is_what_it_costs() =>
        Assert.InRange(BytesPerEvent(PlantSamples.Shuffled(1000, 65, 1_000_000)), 0.9, 1.5);

    [Fact]
    public void Sensors_that_are_read_at_one_instant_share_their_times() =>
        Assert.InRange(BytesPerEvent(PlantSamples.Scans(1000, 65)), 0.3, 0.5);

    [Fact]
    public void Without_compression_the_streams_are_small_already() =>
        Assert.InRange(BytesPerEvent(PlantSamples.Canonical(1000, 65, 1_000_000), compresses: false), 1.5, 2.3);

    [Fact]
    public void A_hundred_events_of_a_hundred_sensors_are_smaller_than_rows()
    {
        var batch = PlantSamples.Canonical(100, 1, 1_000_000);
        Assert.InRange(BytesPerEvent(batch), 5, 12);
        Assert.InRange(ColumnFrames.Payload(batch).Length, 1, Rows(batch) / 2);
    }

    [Fact]
    public void Constants_take_next_to_nothing()
    {
        var batch = new EventBatch(new OidTable());
        for (var i = 0; i < 60_000; i++)
        {
            batch.Add(new TelemetryEvent(
                Oid.Parse($"sensor:s{i % 6}"), PlantSamples.StartNs + i / 6 * 1_000_000_000L, 1, 0,
                (i % 6) switch
                {
                    0 => TelemetryValue.From(20.5),
                    1 => TelemetryValue.From(Math.PI),
                    2 => TelemetryValue.From(7),
                    3 => TelemetryValue.From(true),
                    4 => TelemetryValue.From("running"),
                    _ => TelemetryValue.Null,
                },
                new Ieid(1, (ulong)i)));
        }

        Assert.InRange(ColumnFrames.Payload(batch).Length, 50, 400);
    }

    [Fact]
    public void A_value_out_of_the_ordinary_does_not_spoil_its_series()
    {
        var batch = PlantSamples.Canonical(20, 3000, 1_000_000);
        var spoilt = new EventBatch(batch.Oids);
        for (var i = 0; i < batch.Count; i++)
        {
            var isOdd = i % 1000 == 0 && batch[i].Value.Kind == ValueKind.Double;
            spoilt.Add(isOdd ? batch[i] with { Value = TelemetryValue.From(i % 2000 == 0 ? double.NaN : 1.23456789012345) } : batch[i]);
        }

        Assert.InRange(BytesPerEvent(spoilt), 0, BytesPerEvent(batch) + 0.05);
    }

    [Theory]
    [InlineData("doubles")]
    [InlineData("floats")]
    [InlineData("integers")]
    [InlineData("texts")]
    [InlineData("arrays")]
    [InlineData("mixed")]
    public void What_cannot_be_compressed_is_no_larger_than_rows(string what)
    {
        var random = new Random(3);
        var batch = new EventBatch(new OidTable());
        for (var i = 0; i < 5000; i++)
        {
            var chosen = what != "mixed" ? what : (i % 5) switch { 0 => "doubles", 1 => "floats", 2 => "integers", 3 => "texts", _ => "arrays" };
            batch.Add(new TelemetryEvent(
                Oid.Parse($"sensor:s{random.Next(100)}"), PlantSamples.StartNs + i * 1_000_000L, 1, 0, Incompressible(random, chosen), new Ieid(1, (ulong)i)));
        }

        foreach (var compresses in new[] { false, true })
        {
            Assert.InRange(ColumnFrames.Payload(batch, compresses).Length, 1, Rows(batch) * 1.02);
        }

        var output = new ByteWriter();
        new EventFrameEncoder().Write(output, batch, 0, batch.Count, 1, 1);
        Assert.InRange(output.Length - FrameHeader.SizeBytes, 1, Rows(batch));
    }

    private static TelemetryValue Incompressible(Random random, string what)
    {
        switch (what)
        {
            case "doubles":
                return TelemetryValue.From(BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)));
            case "floats":
                return TelemetryValue.From(BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)));
            case "integers":
                return TelemetryValue.From(random.NextInt64(long.MinValue, long.MaxValue));
            case "texts":
                return TelemetryValue.From(new string([.. Enumerable.Range(0, 200).Select(_ => (char)random.Next(33, 127))]));
            default:
                return new TelemetryValue(
                    ValueKind.Array, 0, new TelemetryArray(ValueKind.Double, [.. Enumerable.Range(0, 20).Select(_ => TelemetryValue.From(random.NextDouble()))]));
        }
    }

    private static double BytesPerEvent(EventBatch batch, bool compresses = true)
    {
        var payload = ColumnFrames.Payload(batch, compresses);
        Assert.Equal(batch.Events(), ColumnFrames.Read(payload, batch.Count).Events());
        return (double)payload.Length / batch.Count;
    }

    private static int Rows(EventBatch batch)
    {
        var builder = new EventFrameBuilder();
        for (var i = 0; i < batch.Count; i++)
        {
            builder.Append(batch, i);
        }

        var output = new ByteWriter();
        builder.Finish(output, 1, 1);
        return output.Length - FrameHeader.SizeBytes;
    }
}
