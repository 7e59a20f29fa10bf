using System.Globalization;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Workload;

/// <summary>
/// Workload W3, which can't be made much smaller: of 10 sensors 7 bring doubles of random bits, 2 texts of 200 random printable characters,
/// 1 arrays of 16 such doubles; 1,000 sensors on the grid of W1. The seed decides every bit.
/// </summary>
internal static class HighEntropyWorkload
{
    private const int Sensors = 1000;
    private const int TextChars = 200;
    private const int ArrayItems = 16;
    private const long StartNs = 1_763_690_000L * UnixTime.NsPerSecond;
    private const long StepNs = 100_000_000;

    // A row that is nothing but the fields: item 2, kind 1, status 1, time 8, identity 8 bytes, then the value.
    private const int RowHeadBytes = 20;
    private const int RowLengthBytes = 4;

    /// <summary>Makes the workload.</summary>
    public static EventBatch Generate(OidTable oids, int count, ulong seed = 1, ulong boot = 1)
    {
        var numbers = new SeededNumbers(seed);
        var items = Enumerable.Range(0, Sensors)
            .Select(i => oids.GetOrAdd(Oid.Parse(string.Create(CultureInfo.InvariantCulture, $"sensor:plant1/lab{i % 10}/{i:D3}"))))
            .ToArray();
        var events = new EventBatch(oids, count);
        for (var i = 0; i < count; i++)
        {
            var sensor = i % Sensors;
            var (kind, bits, reference) = Next(sensor, numbers);
            var timeNs = StartNs + i / Sensors * StepNs + sensor * (StepNs / Sensors);
            events.Add(items[sensor], timeNs, 1, 0, kind, bits, reference, new Ieid(boot, (ulong)i + 1), EventFlags.None);
        }

        return events;
    }

    /// <summary>The bytes of the same events as rows of plain fields, without names and checksums.</summary>
    public static long RowBytes(EventBatch events)
    {
        var bytes = 0L;
        foreach (var reference in events.References)
        {
            bytes += RowHeadBytes + reference switch
            {
                string text => RowLengthBytes + text.Length,
                TelemetryArray array => RowLengthBytes + array.Items.Length * sizeof(double),
                _ => sizeof(double),
            };
        }

        return bytes;
    }

    private static (ValueKind Kind, ulong Bits, object? Reference) Next(int sensor, SeededNumbers numbers) => (sensor % 10) switch
    {
        < 7 => (ValueKind.Double, RandomDouble(numbers), null),
        < 9 => (ValueKind.String, 0, string.Create(TextChars, numbers, static (text, n) =>
        {
            foreach (ref var c in text)
            {
                c = (char)(' ' + n.Below(95));
            }
        })),
        _ => (ValueKind.Array, 0, new TelemetryArray(
            ValueKind.Double,
            [.. Enumerable.Range(0, ArrayItems).Select(_ => new TelemetryValue(ValueKind.Double, RandomDouble(numbers), null))])),
    };

    /// <summary>Any finite double.</summary>
    private static ulong RandomDouble(SeededNumbers numbers)
    {
        var bits = numbers.Bits();
        while (!double.IsFinite(BitConverter.UInt64BitsToDouble(bits)))
        {
            bits = numbers.Bits();
        }

        return bits;
    }
}
