namespace ZfRepl.Mqtt.Tests.Support;

internal static class Hex
{
    /// <summary>"10 02 4D51" as bytes; blanks are for the reader.</summary>
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static string Text(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);
}
