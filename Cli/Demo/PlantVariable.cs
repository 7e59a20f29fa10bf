using System.Globalization;
using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Cli.Demo;

/// <summary>The types of the plant's variables, in turn.</summary>
internal enum PlantKind
{
    /// <summary>A temperature.</summary>
    Double,

    /// <summary>A counter.</summary>
    Int32,

    /// <summary>A switch.</summary>
    Boolean,

    /// <summary>A state in words.</summary>
    String,

    /// <summary>A pressure.</summary>
    Float,

    /// <summary>A large counter.</summary>
    UInt64,
}

/// <summary>One change, as the server holds it and as it has to arrive.</summary>
/// <param name="Value">For the OPC UA server.</param>
/// <param name="Event">As an event, without its identity.</param>
internal readonly record struct PlantChange(DataValue Value, TelemetryEvent Event);

/// <summary>One variable of the plant: makes its next value from how often it has changed. Not thread-safe.</summary>
internal sealed class PlantVariable(PlantKind kind, int index)
{
    // Now and then a value is of doubtful or bad quality.
    private const int UncertainEvery = 97;
    private const int BadEvery = 251;
    private static readonly StatusCode Uncertain = StatusCodes.UncertainLastUsableValue;
    private static readonly StatusCode Bad = StatusCodes.BadSensorFailure;

    private readonly Oid _oid = Oid.Parse(string.Create(CultureInfo.InvariantCulture, $"{DemoPlant.OidPrefix}{kind}{index:D4}"));
    private Variable? _variable;
    private long _count;
    private long _lastTicks;

    /// <summary>Its name in the server.</summary>
    public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"{kind}{index:D4}");

    /// <summary>Binds it to its node.</summary>
    public void Attach(Variable variable) => _variable = variable;

    /// <summary>Gives the server the next value.</summary>
    public void Set(in DataValue value) => _variable!.Set(value);

    /// <summary>The next change; its time is later than the one before.</summary>
    /// <param name="nowTicks">The time now, in 100 ns steps since 1601.</param>
    public PlantChange Next(long nowTicks)
    {
        _lastTicks = Math.Max(nowTicks, _lastTicks + 1);
        _count++;
        var status = (_count + index) % BadEvery == 0 ? Bad : (_count + index) % UncertainEvery == 0 ? Uncertain : StatusCode.Good;
        var (variant, value) = Value(_count);
        UnixTime.TryFromFileTime(_lastTicks, 0, out var timeNs);
        return new PlantChange(
            new DataValue(variant, status, new UaDateTime(_lastTicks)),
            new TelemetryEvent(_oid, timeNs, (short)(status.IsBad ? -1 : 1), status.Value, value, Ieid.Unknown));
    }

    private (Variant Variant, TelemetryValue Value) Value(long n)
    {
        switch (kind)
        {
            case PlantKind.Double:
                var temperature = Math.Round(20 + 5 * Math.Sin(n / 50.0 + index), 2);
                return (new Variant(temperature), TelemetryValue.From(temperature));
            case PlantKind.Float:
                var pressure = (float)Math.Round(1 + 0.2 * Math.Cos(n / 30.0 + index), 3);
                return (new Variant(pressure), TelemetryValue.From(pressure));
            case PlantKind.Boolean:
                return (new Variant(n % 2 == 0), TelemetryValue.From(n % 2 == 0));
            case PlantKind.String:
                var text = string.Create(CultureInfo.InvariantCulture, $"batch {n / 10}, step {n % 10}: läuft");
                return (new Variant(text), TelemetryValue.From(text));
            case PlantKind.UInt64:
                var large = ulong.MaxValue / 2 + (ulong)n;
                return (new Variant(large), TelemetryValue.From(large));
            default:
                return (new Variant((int)n), TelemetryValue.From((int)n));
        }
    }
}
