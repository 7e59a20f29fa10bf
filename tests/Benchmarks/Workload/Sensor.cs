using System.Globalization;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Workload;

/// <summary>One sensor of the reference workload. Not thread-safe.</summary>
internal sealed class Sensor
{
    private static readonly string[] Quantities = ["temp", "press", "flow", "level", "rpm", "volt", "amp"];

    // Log-uniform from 0.002 to 0.08, in hundredths.
    private static readonly double[] StepSigmas = [0.2, 0.283, 0.4, 0.566, 0.8, 1.131, 1.6, 2.263, 3.2, 4.525, 6.4, 8];

    private const double GoldenRatio = 0.6180339887498949;
    private const int MaxPerMille = 500;

    private readonly SeededNumbers _numbers;
    private readonly double _sigma;
    private readonly int _perMille;
    private double _walk;
    private long _value;

    /// <summary>A sensor with a nature and a liveliness by its place in the plant.</summary>
    public Sensor(int place, SeededNumbers numbers)
    {
        _numbers = numbers;
        var nature = place % 20;
        var name = nature < 14 ? Quantities[place % Quantities.Length] : nature < 17 ? "count" : nature < 19 ? "run" : "state";
        Kind = nature < 14 ? ValueKind.Double : nature < 17 ? ValueKind.Int64 : nature < 19 ? ValueKind.Boolean : ValueKind.Int32;
        Oid = Oid.Parse(string.Create(CultureInfo.InvariantCulture, $"sensor:plant1/area{1 + place / 20 % 10}/{name}{place:D3}"));
        // Spread evenly instead of by the dice, so that the plant of each seed has the same mix of lively and calm sensors.
        var liveliness = place * GoldenRatio % 1;
        _sigma = StepSigmas[(int)(liveliness * StepSigmas.Length)];
        _perMille = 1 + (int)(liveliness * MaxPerMille);
        _walk = 1000 + numbers.Below(9000);
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
