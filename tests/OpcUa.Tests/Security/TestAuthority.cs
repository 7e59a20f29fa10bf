using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;

namespace ZfRepl.OpcUa.Tests.Security;

/// <summary>A certificate authority of a test, with what it can get wrong.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset From = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset To = new(2035, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Making keys is slow, and no test looks at the keys of the applications.</summary>
    private static readonly ConcurrentDictionary<int, RSA> LeafKeys = new();

    private readonly RSA _key = RSA.Create(2048);
    private byte _serial;

    public TestAuthority(string name, TestAuthority? issuer = null, bool isAuthority = true)
    {
        var request = new CertificateRequest("CN=" + name, _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.DataEncipherment, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Certificate = issuer is null
            ? request.CreateSelfSigned(From, To)
            : request.Create(issuer.Certificate.SubjectName, issuer.Signer, From, To, [7, ++issuer._serial]);
    }

    public X509Certificate2 Certificate { get; }

    private X509SignatureGenerator Signer => X509SignatureGenerator.CreateForRSA(_key, RSASignaturePadding.Pkcs1);

    /// <summary>A certificate of an application.</summary>
    public PeerCertificate Issue(
        string uri = TestCertificates.ServerUri,
        string host = "localhost",
        int bits = 2048,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        bool outdatedSignature = false,
        X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment,
        params X509Certificate2[] sentAlong)
    {
        var request = new CertificateRequest("CN=Device", LeafKeys.GetOrAdd(bits, RSA.Create), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509Extension(SubjectNames.ExtensionOid, new SubjectNames(uri, [host], []).Encode(), false));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, true));
        var signer = outdatedSignature ? new Sha1Signer(_key) : Signer;
        using var certificate = request.Create(Certificate.SubjectName, signer, from ?? From, to ?? To, [1, ++_serial]);
        byte[] chain = [.. certificate.RawData, .. sentAlong.SelectMany(c => c.RawData)];
        return PeerCertificate.TryParse(chain, out var peer) ? peer : throw new InvalidOperationException("Not a certificate.");
    }

    /// <summary>A revocation list with these certificates.</summary>
    public byte[] Revoke(params X509Certificate2[] certificates)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var certificate in certificates)
        {
            builder.AddEntry(certificate.SerialNumberBytes.Span);
        }

        using var withKey = Certificate.HasPrivateKey ? new X509Certificate2(Certificate) : Certificate.CopyWithPrivateKey(_key);
        return builder.Build(withKey, 1, To, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    public void Dispose()
    {
        _key.Dispose();
        Certificate.Dispose();
    }

    /// <summary>Signs as nobody should any more; the framework refuses to.</summary>
    private sealed class Sha1Signer(RSA key) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
            Convert.FromHexString("300D06092A864886F70D0101050500");

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) =>
            key.SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

        protected override PublicKey BuildPublicKey() => CreateForRSA(key, RSASignaturePadding.Pkcs1).PublicKey;
    }
}
