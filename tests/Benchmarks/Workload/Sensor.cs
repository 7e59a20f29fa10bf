using System.Globalization;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Workload;

/// <summary>One sensor of the reference workload. Not thread-safe.</summary>
internal sealed class Sensor
{
    private static readonly string[] Quantities = ["temp", "press", "flow", "level", "speed", "volt", "amp"];

    private readonly SeededNumbers _numbers;
    private readonly double _sigma;
    private readonly int _perMille;
    private double _walk;
    private long _value;

    /// <summary>A sensor with a nature by its place in the plant and a character by the dice.</summary>
    public Sensor(int place, SeededNumbers numbers)
    {
        _numbers = numbers;
        var nature = place % 20;
        var name = nature < 14 ? Quantities[place % Quantities.Length] : nature < 17 ? "count" : nature < 19 ? "run" : "state";
        Kind = nature < 14 ? ValueKind.Double : nature < 17 ? ValueKind.Int64 : nature < 19 ? ValueKind.Boolean : ValueKind.Int32;
        Oid = Oid.Parse(string.Create(CultureInfo.InvariantCulture, $"sensor:site1/area{1 + place / 20 % 10}/{name}{place:D3}"));
        // In hundredths: the steps' sigma is log-uniform from 0.002 to 0.08, in twelve classes of half an octave.
        _sigma = 0.2 * Math.Pow(2, numbers.Below(12) / 2.0);
        _walk = 1000 + numbers.Below(9000);
        _perMille = 1 + numbers.Below(500);
        _value = Kind == ValueKind.Int64 ? numbers.Below(1_000_000) : numbers.Below(2);
    }

    public Oid Oid { get; }

    public ValueKind Kind { get; }

    /// <summary>The next reading's value, as bits.</summary>
    public ulong Next()
    {
        switch (Kind)
        {
            case ValueKind.Double:
                _walk += _numbers.Normal(_sigma);
                return BitConverter.DoubleToUInt64Bits(Math.Round(_walk) / 100);
            case ValueKind.Int64:
                for (var chance = 0; chance < 6; chance++)
                {
                    _value += _numbers.Once(_perMille) ? 1 : 0;
                }

                break;
            case ValueKind.Boolean:
                _value ^= _numbers.Once(5) ? 1 : 0;
                break;
            default:
                _value = _numbers.Once(10) ? _numbers.Below(6) : _value;
                break;
        }

        return unchecked((ulong)_value);
    }
}
