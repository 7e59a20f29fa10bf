using System.Globalization;

namespace ZfRepl.OpcUa.Types;

/// <summary>The upper two bits of a <see cref="StatusCode"/> (OPC 10000-4, clause 7).</summary>
public enum StatusSeverity
{
    /// <summary>Usable without reserve.</summary>
    Good = 0,

    /// <summary>Usable with care.</summary>
    Uncertain = 1,

    /// <summary>Not usable.</summary>
    Bad = 2,

    /// <summary>Reserved by the specification; treat as <see cref="Bad"/>.</summary>
    Reserved = 3,
}

/// <summary>A result of a service or the quality of a value (OPC 10000-4, clause 7); all 32 bits are kept.</summary>
/// <remarks>Two codes are equal when all bits are equal; to ask "is it this error?" use <see cref="Is"/>.</remarks>
/// <param name="Value">The 32 bits as they travel.</param>
public readonly record struct StatusCode(uint Value)
{
    private const uint CodeBits = 0xFFFF_0000;
    private const uint InfoTypeDataValue = 0x0000_0400;
    private const uint InfoTypeBits = 0x0000_0C00;
    private const uint OverflowBit = 0x0000_0080;

    /// <summary>Zero: everything is well.</summary>
    public static StatusCode Good => default;

    /// <summary>Good, uncertain or bad.</summary>
    public StatusSeverity Severity => (StatusSeverity)(Value >> 30);

    /// <summary>True when <see cref="Severity"/> is good.</summary>
    public bool IsGood => Value >> 30 == 0;

    /// <summary>True when <see cref="Severity"/> is uncertain.</summary>
    public bool IsUncertain => Value >> 30 == 1;

    /// <summary>True when <see cref="Severity"/> is bad or reserved.</summary>
    public bool IsBad => Value >= 0x8000_0000;

    /// <summary>Severity and sub code without the flag bits.</summary>
    public StatusCode Code => new(Value & CodeBits);

    /// <summary>
    /// True when the server says that values of this item were lost because its queue was full (info type "data value" and the
    /// overflow bit).
    /// </summary>
    public bool HasOverflow => (Value & (InfoTypeBits | OverflowBit)) == (InfoTypeDataValue | OverflowBit);

    /// <summary>True when the structure of the value has changed since the last one (bit 15).</summary>
    public bool StructureChanged => (Value & 0x8000) != 0;

    /// <summary>True when the meaning of the value has changed, for example its unit or range (bit 14).</summary>
    public bool SemanticsChanged => (Value & 0x4000) != 0;

    /// <summary>The name of the code in the specification, or null when it is not in our table.</summary>
    public string? Name => StatusCodeNames.Find(Value & CodeBits);

    /// <summary>True when severity and sub code are those of <paramref name="other"/>, whatever the flag bits say.</summary>
    public bool Is(StatusCode other) => (Value & CodeBits) == (other.Value & CodeBits);

    /// <summary>The same code with the overflow mark set, as a server sends it for a full queue.</summary>
    public StatusCode WithOverflow() => new((Value & ~InfoTypeBits) | InfoTypeDataValue | OverflowBit);

    /// <summary>The same code without the overflow mark; other flag bits stay.</summary>
    public StatusCode WithoutOverflow() => HasOverflow ? new(Value & ~OverflowBit & ~WithoutOrphanedInfoType()) : this;

    /// <summary>The name and, where there are any, the flag bits: <c>BadTimeout</c>, <c>Good|0480</c>, <c>0x80FF0000</c>.</summary>
    public override string ToString()
    {
        var flags = Value & ~CodeBits;
        var name = Name ?? "0x" + (Value & CodeBits).ToString("X8", CultureInfo.InvariantCulture);
        return flags == 0 ? name : name + "|" + flags.ToString("X4", CultureInfo.InvariantCulture);
    }

    /// <summary>The info type has nothing left to announce when no limit and no history bit is set.</summary>
    private uint WithoutOrphanedInfoType() => (Value & 0x031F) == 0 ? InfoTypeDataValue : 0;
}
