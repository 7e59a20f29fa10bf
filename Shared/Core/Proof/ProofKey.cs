using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Proof;

/// <summary>
/// The key that a service signs its statements with: ECDSA on P-256, made at its first use, in a file of mode 0600. Thread-safe.
/// </summary>
public sealed class ProofKey : IDisposable
{
    /// <summary>The key's file in the folder of its service.</summary>
    public const string FileName = "proof.key";

    private const int MaxFileBytes = 4096;
    private const int MaxKeyChars = 512;

    private readonly Lock _gate = new();
    private readonly ECDsa _key;

    private ProofKey(ECDsa key)
    {
        _key = key;
        PublicText = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The public key, base64 of its SubjectPublicKeyInfo.</summary>
    public string PublicText { get; }

    /// <summary>The public key as PEM, for other programs.</summary>
    public string PublicPem
    {
        get
        {
            lock (_gate)
            {
                return _key.ExportSubjectPublicKeyInfoPem();
            }
        }
    }

    /// <summary>A key of its own, for tests.</summary>
    public static ProofKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads the key in a folder, or makes it.</summary>
    /// <returns>The key, or why it can't be read or written; a file that holds no key is an error, and stays as it is.</returns>
    public static StorageResult<ProofKey> Open(IStorage storage, string folder)
    {
        var path = Path.Combine(folder, FileName);
        var read = StorageFiles.ReadAll(storage, path, MaxFileBytes);
        if (read.IsOk)
        {
            return Parse(read.Value) is { } known
                ? known
                : new StorageError(StorageOperation.Read, path, 0, "it holds no key of ECDSA on P-256; move it away, and a new key is made");
        }

        if (!read.Error.IsNotFound)
        {
            return read.Error;
        }

        var created = storage.CreateFolder(folder);
        if (!created.IsOk)
        {
            return created.Error;
        }

        var key = Create();
        var written = StorageFiles.WritePrivately(storage, path, System.Text.Encoding.ASCII.GetBytes(key._key.ExportPkcs8PrivateKeyPem() + "\n"));
        if (written.IsOk)
        {
            return key;
        }

        key.Dispose();
        return written.Error;
    }

    /// <summary>Signs bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            return _key.SignData(bytes, HashAlgorithmName.SHA256);
        }
    }

    /// <summary>True when a signature is of these bytes and of this public key; false also for what is no key or signature at all.</summary>
    public static bool Verify(string publicText, ReadOnlySpan<byte> bytes, string signature)
    {
        var value = new byte[64];
        if (!Convert.TryFromBase64String(signature, value, out var length) || length != value.Length
            || Convert.ToBase64String(value) != signature
            || !TryReadPublic(publicText, out var key))
        {
            return false;
        }

        using (key)
        {
            return key.VerifyData(bytes, value, HashAlgorithmName.SHA256);
        }
    }

    /// <summary>
    /// A short name of a public key to compare by eye: the first 128 bits of SHA-256 over its bytes, in groups of four hexadecimal digits.
    /// Empty for what is no key.
    /// </summary>
    public static string Fingerprint(string publicText)
    {
        if (!TryReadPublic(publicText, out var key))
        {
            return "";
        }

        using (key)
        {
            var digits = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo())[..16]);
            return string.Join('-', digits.Chunk(4).Select(c => new string(c)));
        }
    }

    /// <summary>Reads a public key out of a file's text: PEM, or the base64 alone.</summary>
    /// <returns>The key in the form of <see cref="PublicText"/>, or null when there is none.</returns>
    public static string? ParsePublic(string text)
    {
        if (text.Length > MaxFileBytes)
        {
            return null;
        }

        var bare = PemEncoding.TryFind(text, out var fields) ? text[fields.Base64Data] : text;
        bare = string.Concat(bare.Where(c => !char.IsWhiteSpace(c)));
        return TryReadPublic(bare, out var key) ? Release(key, bare) : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static string Release(ECDsa key, string text)
    {
        key.Dispose();
        return text;
    }

    private static ProofKey? Parse(byte[] file)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(System.Text.Encoding.ASCII.GetString(file));
            if (IsP256(key) && key.ExportParameters(includePrivateParameters: true).D is not null)
            {
                return new ProofKey(key);
            }
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException or PlatformNotSupportedException)
        {
            // Whatever it is, it is no such key: the caller says so.
        }

        key.Dispose();
        return null;
    }

    private static bool TryReadPublic(string text, [NotNullWhen(true)] out ECDsa? key)
    {
        key = null;
        var bytes = new byte[MaxKeyChars];
        if (text.Length > MaxKeyChars || !Convert.TryFromBase64String(text, bytes, out var length) || Convert.ToBase64String(bytes.AsSpan(0, length)) != text)
        {
            return false;
        }

        var read = ECDsa.Create();
        try
        {
            read.ImportSubjectPublicKeyInfo(bytes.AsSpan(0, length), out var used);
            if (used == length && IsP256(read))
            {
                key = read;
                return true;
            }
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException or ArgumentException)
        {
            // No key, or one on a curve that nobody here knows.
        }

        read.Dispose();
        return false;
    }

    private static bool IsP256(ECDsa key) => key.KeySize == 256 && key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == "1.2.840.10045.3.1.7";
}
