using System.Security.Cryptography;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The keys that protect one direction under one token, with the two operations on them (OPC 10000-6, 6.7.5). Not thread-safe.
/// </summary>
internal sealed class SymmetricKeys : IDisposable
{
    private readonly byte[] _signingKey;
    private readonly byte[] _initializationVector;
    private readonly Aes _aes;

    private SymmetricKeys(byte[] signingKey, byte[] encryptingKey, byte[] initializationVector)
    {
        _signingKey = signingKey;
        _initializationVector = initializationVector;
        _aes = Aes.Create();
        _aes.Key = encryptingKey;
    }

    /// <summary>The keys that protect what the owner of <paramref name="seed"/> sends; the secret is the other side's nonce.</summary>
    public static SymmetricKeys Derive(SecurityPolicy policy, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> seed)
    {
        var material = new byte[SecurityPolicy.SigningKeyBytes + policy.EncryptingKeyBytes + SecurityPolicy.BlockBytes];
        KeyDerivation.PSha256(secret, seed, material);
        var encryptingEnd = SecurityPolicy.SigningKeyBytes + policy.EncryptingKeyBytes;
        var keys = new SymmetricKeys(
            material[..SecurityPolicy.SigningKeyBytes],
            material[SecurityPolicy.SigningKeyBytes..encryptingEnd],
            material[encryptingEnd..]);
        CryptographicOperations.ZeroMemory(material);
        return keys;
    }

    public void Sign(ReadOnlySpan<byte> data, Span<byte> signature) => HMACSHA256.HashData(_signingKey, data, signature);

    /// <summary>Compares in a time that does not depend on where the difference is.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        Span<byte> expected = stackalloc byte[SecurityPolicy.SymmetricSignatureBytes];
        HMACSHA256.HashData(_signingKey, data, expected);
        return CryptographicOperations.FixedTimeEquals(expected, signature);
    }

    /// <summary>In place; the length must be a multiple of the block.</summary>
    public void Encrypt(Span<byte> data) => _aes.EncryptCbc(data, _initializationVector, data, PaddingMode.None);

    /// <summary>In place; the length must be a multiple of the block.</summary>
    public void Decrypt(Span<byte> data) => _aes.DecryptCbc(data, _initializationVector, data, PaddingMode.None);

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_signingKey);
        _aes.Dispose();
    }
}
