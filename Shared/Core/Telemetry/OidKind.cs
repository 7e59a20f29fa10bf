namespace ZfRepl.Core.Telemetry;

/// <summary>The kinds of items that have a state. An lmacro has none, so it never appears in telemetry.</summary>
public enum OidKind : byte
{
    /// <summary>A controlled device.</summary>
    Unit = 1,

    /// <summary>A measured value.</summary>
    Sensor = 2,

    /// <summary>A logical variable.</summary>
    Lvar = 3,
}
