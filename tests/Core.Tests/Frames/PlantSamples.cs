using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Frames;

/// <summary>Events as plants have them, from a seed: what the size of a coding is measured on.</summary>
internal static class PlantSamples
{
    public const long StartNs = 1_763_690_000_000_000_000;

    /// <summary>
    /// The statistics of the reference workload: of 20 sensors 14 are floats in a random walk of two decimals, 3 counters, 2 booleans and 1 a
    /// state, each every 100 ms with a jitter of 2 ms. In order of time, events of one time in the order of their items.
    /// </summary>
    /// <param name="sensors">Sensors.</param>
    /// <param name="steps">Readings of each.</param>
    /// <param name="resolutionNs">Of the clock.</param>
    public static EventBatch Canonical(int sensors, int steps, long resolutionNs) => Batch(Readings(sensors, steps, resolutionNs)
        .OrderBy(r => r.TimeNs).ThenBy(r => r.Sensor));

    /// <summary>The same in order of time, events of one time in any order.</summary>
    public static EventBatch Shuffled(int sensors, int steps, long resolutionNs)
    {
        var random = new Random(9);
        return Batch(Readings(sensors, steps, resolutionNs).OrderBy(r => r.TimeNs).ThenBy(_ => random.Next()));
    }

    /// <summary>A controller that reads all its sensors at one instant.</summary>
    public static EventBatch Scans(int sensors, int steps) => Batch(Readings(sensors, steps, 1)
        .GroupBy(r => r.Sensor).SelectMany(g => g.Select((r, k) => r with { TimeNs = StartNs + k * 250_000_123L })).OrderBy(r => r.TimeNs).ThenBy(r => r.Sensor));

    private static EventBatch Batch(IEnumerable<Reading> readings)
    {
        var batch = new EventBatch(new OidTable());
        var items = new Dictionary<int, int>();
        foreach (var reading in readings.ToList())
        {
            if (items.Count == 0)
            {
                for (var i = 0; i <= 10_000; i++)
                {
                    items[i] = batch.Oids.GetOrAdd(Oid.Parse($"sensor:site1/area{1 + i / 20 % 10}/sensor{i:D4}"));
                }
            }

            batch.Add(items[reading.Sensor], reading.TimeNs, 1, 0, reading.Kind, reading.Bits, null, new Ieid(1, (ulong)batch.Count + 1), EventFlags.None);
        }

        return batch;
    }

    private static IEnumerable<Reading> Readings(int sensors, int steps, long resolutionNs)
    {
        var random = new Random(1);
        for (var sensor = 0; sensor < sensors; sensor++)
        {
            var nature = sensor % 20;
            var phase = random.Next(100_000);
            var sigma = 0.2 * Math.Pow(2, random.Next(12) / 2.0);
            var walk = 1000.0 + random.Next(9000);
            var (count, rate) = (random.NextInt64(1_000_000), random.Next(4));
            var state = random.Next(2);
            for (var step = 0; step < steps; step++)
            {
                walk += Normal(random) * sigma;
                count += random.Next(rate + 1);
                state = random.Next(1000) < (nature == 19 ? 10 : 5) ? (nature == 19 ? random.Next(6) : state ^ 1) : state;
                var timeNs = StartNs + (phase + step * 100_000L + 50_000 + (long)(Normal(random) * 2000)) * 1000 + random.Next(1000);
                yield return new Reading(sensor, timeNs / resolutionNs * resolutionNs, nature < 14 ? ValueKind.Double : nature < 17 ? ValueKind.Int64 : nature < 19 ? ValueKind.Boolean : ValueKind.Int32,
                    nature < 14 ? BitConverter.DoubleToUInt64Bits(Math.Round(walk) / 100) : nature < 17 ? (ulong)count : (ulong)state);
            }
        }
    }

    private static double Normal(Random random)
    {
        var sum = 0.0;
        for (var i = 0; i < 12; i++)
        {
            sum += random.NextDouble();
        }

        return sum - 6;
    }

    private readonly record struct Reading(int Sensor, long TimeNs, ValueKind Kind, ulong Bits);
}
