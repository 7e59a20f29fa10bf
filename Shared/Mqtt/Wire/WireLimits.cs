namespace ZfRepl.Mqtt.Wire;

/// <summary>Bounds of the encoding and of what the decoders accept at once.</summary>
internal static class WireLimits
{
    /// <summary>The largest remaining length that four bytes can say (2.1.4 in 5.0, 2.2.3 in 3.1.1).</summary>
    public const int RemainingLengthMax = 268_435_455;

    /// <summary>The longest string or binary field, in bytes (1.5.4, 1.5.6).</summary>
    public const int FieldLengthMax = 65_535;

    /// <summary>Ours: filters in one SUBSCRIBE or UNSUBSCRIBE; each costs an object many times its size on the wire.</summary>
    public const int FiltersPerPacketMax = 2_048;

    /// <summary>Ours: user properties, or subscription identifiers, in one packet; for the same reason.</summary>
    public const int RepeatedPropertiesMax = 128;
}
