using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Workload;

/// <summary>
/// Reference workload W1: 1,000 sensors read every 100 ms with a jitter (sigma 2 ms), in the order in which they are read. Of 20 sensors
/// 14 are floats in a slow random walk rounded to two decimals, 3 are counters, 2 are booleans that flip in 0.5 % of the readings, 1 is a
/// state that changes in 1 % of them. Statuses are 1. The seed decides every bit.
/// </summary>
internal static class ReferenceWorkload
{
    /// <summary>Sensors of the plant.</summary>
    public const int Sensors = 1000;

    /// <summary>The grid of W1, and of W2: 20 events/s from all sensors together.</summary>
    public const long StepUs = 100_000, SlowStepUs = 50_000_000;

    /// <summary>When it begins in the time of the plant, nanoseconds since 1970.</summary>
    public const long StartNs = 1_763_690_000L * UnixTime.NsPerSecond;

    private const double JitterUs = 2_000;
    private const double JitterMaxUs = 40_000;

    /// <summary>Makes the workload.</summary>
    /// <param name="oids">The table that gets the sensors.</param>
    /// <param name="count">How many events.</param>
    /// <param name="seed">Decides everything.</param>
    /// <param name="boot">The boot number of the events' identities.</param>
    /// <param name="stepUs">The grid on which each sensor is read, microseconds.</param>
    /// <param name="startNs">When it begins in the time of the plant, nanoseconds since 1970.</param>
    /// <param name="keepsMicroseconds">True for times in microseconds; else they are cut to whole milliseconds, as most servers give them.</param>
    public static EventBatch Generate(
        OidTable oids, int count, ulong seed = 1, ulong boot = 1, long stepUs = StepUs, long startNs = StartNs, bool keepsMicroseconds = false)
    {
        var steps = (count + Sensors - 1) / Sensors;
        var numbers = new SeededNumbers(seed);
        var readings = new Reading[steps * Sensors];
        for (var i = 0; i < Sensors; i++)
        {
            var sensor = new Sensor(i, numbers);
            var item = oids.GetOrAdd(sensor.Oid);
            var phaseUs = numbers.Below((int)stepUs);
            for (var step = 0; step < steps; step++)
            {
                var jitterUs = (long)Math.Round(Math.Clamp(numbers.Normal(JitterUs), -JitterMaxUs, JitterMaxUs) + JitterMaxUs);
                readings[i * steps + step] = new Reading(phaseUs + step * stepUs + jitterUs, item, sensor.Kind, sensor.Next());
            }
        }

        // In order of the microseconds even where the times are whole milliseconds: within one, the sensors come in no order.
        Array.Sort(readings, static (a, b) => a.TimeUs != b.TimeUs ? a.TimeUs.CompareTo(b.TimeUs) : a.Item.CompareTo(b.Item));
        var resolutionUs = keepsMicroseconds ? 1 : 1000;
        var events = new EventBatch(oids, count);
        for (var i = 0; i < count; i++)
        {
            var reading = readings[i];
            events.Add(
                reading.Item, startNs + reading.TimeUs / resolutionUs * resolutionUs * 1000, 1, 0, reading.Kind, reading.Bits, null,
                new Ieid(boot, (ulong)i + 1), EventFlags.None);
        }

        return events;
    }

    private readonly record struct Reading(long TimeUs, int Item, ValueKind Kind, ulong Bits);
}
