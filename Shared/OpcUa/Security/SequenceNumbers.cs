namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The numbers of the chunks in one direction (OPC 10000-6, 6.7.2.4): one more each time, never reset by a renewal; close to the end of
/// the 32 bits they start again below 1024.
/// </summary>
internal static class SequenceNumbers
{
    /// <summary>The wrap is allowed only above this number.</summary>
    public const uint WrapAbove = uint.MaxValue - 1024;

    /// <summary>The first number after a wrap must be below this one.</summary>
    public const uint AfterWrapBelow = 1024;

    /// <summary>The number that we send after <paramref name="previous"/>.</summary>
    public static uint Next(uint previous) => previous > WrapAbove ? 1 : previous + 1;

    /// <summary>True when the other side may send this number after the previous one.</summary>
    public static bool IsNext(uint previous, uint number) =>
        (previous != uint.MaxValue && number == previous + 1) || (previous >= WrapAbove && number < AfterWrapBelow);
}
