using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZfRepl.OpcUa.Security.Pki;

namespace ZfRepl.OpcUa.Security;

/// <summary>This application's own certificate with its private key. Thread-safe; the private key never leaves it.</summary>
public sealed class ApplicationCertificate : IDisposable
{
    private readonly RSA _privateKey;
    private readonly Lock _gate = new();

    /// <param name="certificate">A certificate with an RSA private key; owned from now on.</param>
    /// <exception cref="ArgumentException">There is no RSA private key.</exception>
    public ApplicationCertificate(X509Certificate2 certificate)
    {
        _privateKey = certificate.GetRSAPrivateKey()
            ?? throw new ArgumentException("The certificate has no RSA private key.", nameof(certificate));
        Certificate = certificate;
        ThumbprintBytes = certificate.GetCertHash();
        KeyBytes = AsymmetricCrypto.KeyBytes(_privateKey);
    }

    /// <summary>The certificate.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The certificate as it travels, in DER.</summary>
    public byte[] RawData => Certificate.RawData;

    /// <summary>SHA-1 over the certificate in hexadecimal, as operators know it from file names.</summary>
    public string Thumbprint => Certificate.Thumbprint;

    /// <summary>The application URI in the certificate; null when there is none.</summary>
    public string? ApplicationUri => SubjectNames.Read(Certificate).ApplicationUri;

    internal byte[] ThumbprintBytes { get; }

    internal int KeyBytes { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _privateKey.Dispose();
        Certificate.Dispose();
    }

    internal byte[] Sign(SecurityPolicy policy, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            return AsymmetricCrypto.Sign(policy, _privateKey, data);
        }
    }

    internal bool TryDecryptInPlace(SecurityPolicy policy, Span<byte> data, out int plainBytes)
    {
        lock (_gate)
        {
            return AsymmetricCrypto.TryDecryptInPlace(policy, _privateKey, data, out plainBytes);
        }
    }
}
