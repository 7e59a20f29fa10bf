namespace ZfRepl.OpcUa.Tests;

/// <summary>Bytes written by hand: blanks may separate them.</summary>
internal static class Hex
{
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static string Text(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);
}
