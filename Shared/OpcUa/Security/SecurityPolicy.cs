using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// A set of algorithms under one name (OPC 10000-7, security policies). The old policies that rest on SHA-1 are left out on purpose.
/// </summary>
public sealed class SecurityPolicy
{
    private const string UriPrefix = "http://opcfoundation.org/UA/SecurityPolicy#";

    private SecurityPolicy(string name) => Name = name;

    /// <summary>No protection at all.</summary>
    public static SecurityPolicy None { get; } = new("None");

    /// <summary>The policy that nearly every server offers.</summary>
    public static SecurityPolicy Basic256Sha256 { get; } = Rsa("Basic256Sha256", 32, pss: false, RSAEncryptionPadding.OaepSHA1);

    /// <summary>As <see cref="Basic256Sha256"/> with shorter AES keys.</summary>
    public static SecurityPolicy Aes128Sha256RsaOaep { get; } = Rsa("Aes128_Sha256_RsaOaep", 16, pss: false, RSAEncryptionPadding.OaepSHA1);

    /// <summary>The strongest of the RSA policies.</summary>
    public static SecurityPolicy Aes256Sha256RsaPss { get; } = Rsa("Aes256_Sha256_RsaPss", 32, pss: true, RSAEncryptionPadding.OaepSHA256);

    /// <summary>Every policy there is here, from weak to strong.</summary>
    public static IReadOnlyList<SecurityPolicy> All { get; } = [None, Aes128Sha256RsaOaep, Basic256Sha256, Aes256Sha256RsaPss];

    /// <summary>The name, for example <c>Basic256Sha256</c>.</summary>
    public string Name { get; }

    /// <summary>The name as it travels.</summary>
    public string Uri => UriPrefix + Name;

    /// <summary>True for the policy without protection.</summary>
    public bool IsNone => SignaturePadding is null;

    internal const int NonceBytes = 32;

    internal const int SymmetricSignatureBytes = 32;

    internal const int SigningKeyBytes = 32;

    internal const int BlockBytes = 16;

    internal const int KeyBitsMin = 2048;

    internal const int KeyBitsMax = 4096;

    internal RSASignaturePadding? SignaturePadding { get; private init; }

    internal RSAEncryptionPadding? EncryptionPadding { get; private init; }

    /// <summary>The part of each RSA block that the OAEP padding takes.</summary>
    internal int EncryptionOverheadBytes { get; private init; }

    internal int EncryptingKeyBytes { get; private init; }

    internal string? SignatureUri { get; private init; }

    internal string? EncryptionUri { get; private init; }

    /// <summary>Finds a policy by its URI or its bare name.</summary>
    /// <returns>False for policies that do not exist here, among them the outdated ones.</returns>
    public static bool TryFind(string? uriOrName, [NotNullWhen(true)] out SecurityPolicy? policy)
    {
        policy = All.FirstOrDefault(p => p.Uri == uriOrName || p.Name == uriOrName);
        return policy is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static SecurityPolicy Rsa(string name, int encryptingKeyBytes, bool pss, RSAEncryptionPadding encryption) => new(name)
    {
        EncryptingKeyBytes = encryptingKeyBytes,
        SignaturePadding = pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1,
        SignatureUri = pss ? "http://opcfoundation.org/UA/security/rsa-pss-sha2-256" : "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        EncryptionPadding = encryption,
        EncryptionOverheadBytes = encryption == RSAEncryptionPadding.OaepSHA1 ? 42 : 66,
        EncryptionUri = encryption == RSAEncryptionPadding.OaepSHA1
            ? "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
            : "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256",
    };
}
