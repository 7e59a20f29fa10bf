using System.Security.Cryptography;

namespace ZfRepl.OpcUa.Security;

/// <summary>The pseudo-random function of the secure channel, the P_SHA256 of TLS (OPC 10000-6, 6.7.5; RFC 5246, 5).</summary>
internal static class KeyDerivation
{
    /// <summary>Fills <paramref name="output"/> with bytes that only who knows the secret can tell.</summary>
    public static void PSha256(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> seed, Span<byte> output)
    {
        const int hashBytes = HMACSHA256.HashSizeInBytes;
        var aAndSeed = new byte[hashBytes + seed.Length];
        var a = aAndSeed.AsSpan(0, hashBytes);
        seed.CopyTo(aAndSeed.AsSpan(hashBytes));
        HMACSHA256.HashData(secret, seed, a);
        Span<byte> block = stackalloc byte[hashBytes];
        while (output.Length > 0)
        {
            HMACSHA256.HashData(secret, aAndSeed, block);
            var count = Math.Min(output.Length, hashBytes);
            block[..count].CopyTo(output);
            output = output[count..];
            HMACSHA256.HashData(secret, a, block);
            block.CopyTo(a);
        }

        CryptographicOperations.ZeroMemory(aAndSeed);
        CryptographicOperations.ZeroMemory(block);
    }
}
