using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The certificate that the other side sent: its own first, possibly followed by issuers, all in DER without anything between them
/// (OPC 10000-6, 6.2.6). Being parsed says nothing about trust.
/// </summary>
public sealed class PeerCertificate : IDisposable
{
    /// <summary>The largest certificate field that is looked at, in bytes.</summary>
    internal const int BytesMax = 32 * 1024;

    private const int ChainLengthMax = 8;

    private PeerCertificate(X509Certificate2 leaf, X509Certificate2Collection issuers, RSA publicKey)
    {
        Leaf = leaf;
        Issuers = issuers;
        PublicKey = publicKey;
        Thumbprint = leaf.GetCertHash();
    }

    /// <summary>The other side's own certificate.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>The issuers that it sent along; may help to build a chain, never to trust it.</summary>
    internal X509Certificate2Collection Issuers { get; }

    internal RSA PublicKey { get; }

    /// <summary>SHA-1 over the own certificate; a name, not a protection.</summary>
    internal byte[] Thumbprint { get; }

    internal ReadOnlySpan<byte> LeafBytes => Leaf.RawDataMemory.Span;

    /// <summary>Reads what the other side sent.</summary>
    /// <returns>False when it is not a chain of X.509 certificates, or its first key is not an RSA key of 1024 to 4096 bits.</returns>
    public static bool TryParse(ReadOnlySpan<byte> der, [NotNullWhen(true)] out PeerCertificate? certificate)
    {
        certificate = null;
        if (der.Length > BytesMax || !TryLoadChain(der, out var chain))
        {
            return false;
        }

        var leaf = chain[0];
        chain.RemoveAt(0);
        var key = TryGetKey(leaf);
        if (key is null)
        {
            leaf.Dispose();
            DisposeAll(chain);
            return false;
        }

        certificate = new PeerCertificate(leaf, chain, key);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        PublicKey.Dispose();
        Leaf.Dispose();
        DisposeAll(Issuers);
    }

    /// <summary>The first certificate of a field that may hold a chain; empty when the bytes are no DER.</summary>
    internal static ReadOnlySpan<byte> LeafOf(ReadOnlySpan<byte> der) =>
        TryMeasure(der, out var length) ? der[..length] : default;

    private static bool TryLoadChain(ReadOnlySpan<byte> der, out X509Certificate2Collection chain)
    {
        chain = [];
        while (der.Length > 0)
        {
            if (chain.Count == ChainLengthMax || !TryMeasure(der, out var length) || !TryLoad(der[..length], chain))
            {
                DisposeAll(chain);
                return false;
            }

            der = der[length..];
        }

        return chain.Count > 0;
    }

    private static bool TryMeasure(ReadOnlySpan<byte> der, out int length) =>
        AsnDecoder.TryReadEncodedValue(der, AsnEncodingRules.DER, out _, out _, out _, out length);

    private static bool TryLoad(ReadOnlySpan<byte> der, X509Certificate2Collection chain)
    {
        try
        {
            chain.Add(X509CertificateLoader.LoadCertificate(der));
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static RSA? TryGetKey(X509Certificate2 certificate)
    {
        RSA? key = null;
        try
        {
            key = certificate.GetRSAPublicKey();
            if (key is { KeySize: >= 1024 and <= SecurityPolicy.KeyBitsMax } && key.KeySize % 8 == 0)
            {
                return key;
            }
        }
        catch (CryptographicException)
        {
            // The key in the certificate cannot be read; the caller reports that as "no usable key".
        }

        key?.Dispose();
        return null;
    }

    private static void DisposeAll(X509Certificate2Collection certificates)
    {
        foreach (var certificate in certificates)
        {
            certificate.Dispose();
        }
    }
}
