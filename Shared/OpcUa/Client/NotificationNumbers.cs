namespace ZfRepl.OpcUa.Client;

/// <summary>The numbers of notifications: 1 to 4294967295, then 1 again; 0 is never used (OPC 10000-4, 7.8).</summary>
internal static class NotificationNumbers
{
    public static uint Next(uint number) => number == uint.MaxValue ? 1 : number + 1;

    public static uint Previous(uint number) => number <= 1 ? uint.MaxValue : number - 1;

    /// <summary>True when <paramref name="number"/> comes after <paramref name="other"/>, seen over the shorter way around.</summary>
    public static bool IsAfter(uint number, uint other) => unchecked((int)(number - other)) > 0;

    /// <summary>How many steps lead from one number to a later one.</summary>
    public static uint Distance(uint from, uint to) => to >= from ? to - from : to + (uint.MaxValue - from);
}
