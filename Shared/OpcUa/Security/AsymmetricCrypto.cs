using System.Security.Cryptography;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The RSA half of a policy: signatures, and encryption block by block (OPC 10000-6, 6.7.4). Failures are results without a reason,
/// because a reason would help only an attacker.
/// </summary>
internal static class AsymmetricCrypto
{
    public static byte[] Sign(SecurityPolicy policy, RSA privateKey, ReadOnlySpan<byte> data) =>
        privateKey.SignData(data, HashAlgorithmName.SHA256, policy.SignaturePadding!);

    public static bool Verify(SecurityPolicy policy, RSA publicKey, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        try
        {
            return publicKey.VerifyData(data, signature, HashAlgorithmName.SHA256, policy.SignaturePadding!);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    public static int KeyBytes(RSA key) => key.KeySize / 8;

    /// <summary>How many plain bytes go into one block of the receiver's key.</summary>
    public static int PlainBlockBytes(SecurityPolicy policy, RSA key) => KeyBytes(key) - policy.EncryptionOverheadBytes;

    /// <summary>
    /// Encrypts data whose length is a multiple of the plain block, or any length when <paramref name="lastMayBeShort"/>.
    /// </summary>
    /// <returns>The cipher text, one key length for each block.</returns>
    public static byte[] Encrypt(SecurityPolicy policy, RSA publicKey, ReadOnlySpan<byte> plain, bool lastMayBeShort = false)
    {
        var plainBlock = PlainBlockBytes(policy, publicKey);
        if (!lastMayBeShort && plain.Length % plainBlock != 0)
        {
            throw new ArgumentException("The length must be a multiple of the block.", nameof(plain));
        }

        var keyBytes = KeyBytes(publicKey);
        var cipher = new byte[(plain.Length + plainBlock - 1) / plainBlock * keyBytes];
        for (var (from, to) = (0, 0); from < plain.Length; from += plainBlock, to += keyBytes)
        {
            var block = plain[from..Math.Min(from + plainBlock, plain.Length)];
            publicKey.Encrypt(block, cipher.AsSpan(to, keyBytes), policy.EncryptionPadding!);
        }

        return cipher;
    }

    /// <summary>Decrypts in place; the plain text moves to the beginning of <paramref name="data"/>.</summary>
    public static bool TryDecryptInPlace(SecurityPolicy policy, RSA privateKey, Span<byte> data, out int plainBytes)
    {
        plainBytes = 0;
        var keyBytes = KeyBytes(privateKey);
        if (data.Length == 0 || data.Length % keyBytes != 0)
        {
            return false;
        }

        Span<byte> block = stackalloc byte[SecurityPolicy.KeyBitsMax / 8];
        try
        {
            for (var from = 0; from < data.Length; from += keyBytes)
            {
                if (!privateKey.TryDecrypt(data.Slice(from, keyBytes), block, policy.EncryptionPadding!, out var count))
                {
                    return false;
                }

                block[..count].CopyTo(data[plainBytes..]);
                plainBytes += count;
            }

            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(block);
        }
    }
}
