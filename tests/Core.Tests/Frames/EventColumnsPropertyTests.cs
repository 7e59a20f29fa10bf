using FsCheck;
using FsCheck.Fluent;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Frames;

/// <summary>Whatever goes in comes out; whatever bytes come in, nothing but events or an error comes out.</summary>
public sealed class EventColumnsPropertyTests
{
    private static readonly ValueKind[] IntegerKinds =
    [
        ValueKind.SByte, ValueKind.Byte, ValueKind.Int16, ValueKind.UInt16, ValueKind.Int32, ValueKind.UInt32, ValueKind.Int64, ValueKind.UInt64,
        ValueKind.DateTime, ValueKind.StatusCode,
    ];

    private static readonly Gen<ulong> AnyBits = Gen.OneOf(
        Gen.Elements(0UL, 1UL, ulong.MaxValue, 1UL << 63, (1UL << 63) - 1, 0x7FF0_0000_0000_0001UL, 0x000F_FFFF_FFFF_FFFFUL),
        Gen.Choose(-5, 5).Select(n => unchecked((ulong)n)),
        Gen.Choose(int.MinValue, int.MaxValue).Two().Select(p => unchecked(((ulong)(uint)p.Item1 << 32) | (uint)p.Item2)));

    private static readonly Gen<TelemetryValue> AnyValue = Gen.OneOf(
        Gen.Elements(EventSamples.AllValues.ToArray()),
        Gen.Choose(-100_000, 100_000).SelectMany(n => Gen.Choose(0, 6), (n, places) => TelemetryValue.From(n / Math.Pow(10, places))),
        Gen.Choose(-100_000, 100_000).Select(n => TelemetryValue.From(n / 100f)),
        AnyBits.Select(bits => TelemetryValue.From(BitConverter.UInt64BitsToDouble(bits))),
        AnyBits.Select(bits => new TelemetryValue(ValueKind.Float, unchecked((uint)bits), null)),
        AnyBits.SelectMany(_ => Gen.Elements<ValueKind>(IntegerKinds), (bits, kind) => Integer(bits, kind)),
        Gen.Elements(TelemetryValue.From(true), TelemetryValue.From(false)));

    private static readonly Gen<TelemetryEvent> AnyEvent =
        from item in Gen.OneOf(Gen.Choose(0, 2), Gen.Choose(0, 40))
        from value in AnyValue
        from bits in AnyBits
        from odd in Gen.Choose(0, 15)
        from counter in Gen.OneOf(Gen.Constant(0), Gen.Constant(0), Gen.Constant(0), Gen.Choose(-3, 5))
        select new TelemetryEvent(
            Oid.Parse($"sensor:plant{item % 3}/s{item}"),
            unchecked((long)bits),
            odd == 1 ? unchecked((short)bits) : (short)1,
            odd == 2 ? unchecked((uint)bits) : 0,
            value,
            odd == 3 ? new Ieid(bits, bits) : new Ieid(7, unchecked((ulong)counter)),
            odd == 4 ? (EventFlags)unchecked((byte)bits) : EventFlags.None);

    // The times of a batch: anything, on a grid of some clock, equal, falling, and the same for all series.
    private static readonly Arbitrary<EventBatch> AnyBatch = (
        from events in AnyEvent.NonEmptyListOf()
        from mode in Gen.Choose(0, 6)
        from unitNs in Gen.Elements(1L, 100L, 1000L, 1_000_000L, 1_000_000_000L, 333L)
        from noise in Gen.Choose(0, 1000).ListOf(events.Count)
        from oneKind in Gen.Elements(true, false)
        select Batch([.. events], mode, unitNs, [.. noise], oneKind)).ToArbitrary();

    [Fact]
    public void Whatever_goes_in_comes_out() => Prop.ForAll(AnyBatch, batch =>
        Enumerable.SequenceEqual(batch.Events(), ColumnFrames.Read(ColumnFrames.Payload(batch, compresses: false), batch.Count).Events())
        && Enumerable.SequenceEqual(batch.Events(), ColumnFrames.Read(ColumnFrames.Payload(batch), batch.Count).Events()))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(200));

    [Fact]
    public void A_frame_that_was_tampered_with_is_events_or_an_error()
    {
        var changes = Gen.Choose(0, 1_000_000).SelectMany(_ => Gen.Choose(0, 255), (place, value) => (place, value)).NonEmptyListOf();
        var reader = new EventFrameReader();
        Prop.ForAll(AnyBatch, changes.ToArbitrary(), (batch, list) =>
        {
            foreach (var compresses in new[] { false, true })
            {
                var payload = ColumnFrames.Payload(batch, compresses);
                foreach (var (place, value) in list.Take(4))
                {
                    // The head and the shapes in front are what decides; values behind them seldom matter.
                    payload[place % Math.Min(payload.Length, place % 2 == 0 ? 150 : payload.Length)] = (byte)value;
                }

                var target = new EventBatch(new OidTable());
                var error = reader.Read(new FrameHeader(FrameType.EventColumns, 0, (uint)batch.Count, 1, 1, 0), payload, target);
                Assert.Equal(error is null ? batch.Count : 0, target.Count);
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(100));
    }

    [Fact]
    public void Random_bytes_are_an_error()
    {
        var bytes = ArbMap.Default.GeneratorFor<byte>().ListOf();
        var reader = new EventFrameReader();
        Prop.ForAll(bytes.ToArbitrary(), Gen.Choose(0, 70_000).ToArbitrary(), (list, count) =>
        {
            byte[][] payloads = [[.. list], [ColumnStream.Version, 1, 3, .. list]];
            foreach (var payload in payloads)
            {
                var target = new EventBatch(new OidTable(), 16);
                Assert.NotNull(reader.Read(new FrameHeader(FrameType.EventColumns, 0, (uint)count, 1, 1, 0), payload, target));
                Assert.Equal(0, target.Count);
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    private static TelemetryValue Integer(ulong bits, ValueKind kind) => new(
        kind,
        unchecked(kind switch
        {
            ValueKind.SByte => (ulong)(sbyte)bits,
            ValueKind.Byte => (byte)bits,
            ValueKind.Int16 => (ulong)(short)bits,
            ValueKind.UInt16 => (ushort)bits,
            ValueKind.Int32 => (ulong)(int)bits,
            ValueKind.UInt32 or ValueKind.StatusCode => (uint)bits,
            _ => bits,
        }),
        null);

    private static EventBatch Batch(TelemetryEvent[] events, int mode, long unitNs, int[] noise, bool oneKind)
    {
        var batch = new EventBatch(new OidTable());
        var places = new Dictionary<Oid, int>();
        for (var i = 0; i < events.Length; i++)
        {
            var e = events[i];
            var k = places.GetValueOrDefault(e.Oid);
            places[e.Oid] = k + 1;
            var timeNs = mode switch
            {
                0 => e.TimeNs,
                1 => PlantSamples.StartNs + (k * 1000L + noise[i] % 7) * unitNs,
                2 => PlantSamples.StartNs,
                3 => PlantSamples.StartNs - i * unitNs,
                4 => PlantSamples.StartNs + k * 250L * unitNs,
                5 => PlantSamples.StartNs + k * 100_003L + noise[i],
                _ => PlantSamples.StartNs + i * unitNs * (noise[i] == 0 ? 1_000_000 : 1),
            };
            var value = oneKind ? events.First(other => other.Oid.Equals(e.Oid)).Value : e.Value;
            batch.Add(e with
            {
                TimeNs = timeNs,
                Value = oneKind && value.Kind == e.Value.Kind ? e.Value : value,
                Ieid = e.Ieid.Boot == 7 ? new Ieid(7, unchecked((ulong)i + e.Ieid.Counter)) : e.Ieid,
            });
        }

        return batch;
    }
}
