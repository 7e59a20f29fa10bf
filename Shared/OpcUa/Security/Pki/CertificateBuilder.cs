using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>What goes into a new application certificate.</summary>
public sealed record CertificateRequestOptions
{
    /// <summary>The subject's common name, as operators see it.</summary>
    public required string ApplicationName { get; init; }

    /// <summary>The URI that names this instance of the application in the whole plant.</summary>
    public required string ApplicationUri { get; init; }

    /// <summary>DNS names of this machine.</summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    /// <summary>IP addresses of this machine.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    /// <summary>2048, 3072 or 4096.</summary>
    public int KeyBits { get; init; } = 3072;

    /// <summary>How long the certificate is valid, in days.</summary>
    public int ValidDays { get; init; } = 3650;
}

/// <summary>Makes self-signed application certificates (OPC 10000-6, 6.2.2).</summary>
internal static class CertificateBuilder
{
    private static readonly TimeSpan BackDating = TimeSpan.FromHours(1);

    /// <summary>Makes a key and a certificate for it. Takes a second or more, for the key.</summary>
    /// <exception cref="ArgumentException">The key length is not one of the three, or a name is not plain ASCII.</exception>
    public static X509Certificate2 Create(CertificateRequestOptions options, DateTimeOffset now)
    {
        if (options.KeyBits is not (2048 or 3072 or 4096))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.KeyBits, "The key must have 2048, 3072 or 4096 bits.");
        }

        if (!System.Text.Ascii.IsValid(options.ApplicationUri) || !options.HostNames.All(host => System.Text.Ascii.IsValid(host)))
        {
            throw new ArgumentException("Application URI and host names must be plain ASCII.", nameof(options));
        }

        using var key = RSA.Create(options.KeyBits);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(options.ApplicationName);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        AddExtensions(request, options);

        // Back-dated, because the clock of the other side may be behind ours.
        return request.CreateSelfSigned(now - BackDating, now.AddDays(options.ValidDays));
    }

    private static void AddExtensions(CertificateRequest request, CertificateRequestOptions options)
    {
        var names = new SubjectNames(options.ApplicationUri, options.HostNames, options.Addresses);
        request.CertificateExtensions.Add(new X509Extension(SubjectNames.ExtensionOid, names.Encode(), critical: false));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation | X509KeyUsageFlags.KeyEncipherment
                | X509KeyUsageFlags.DataEncipherment | X509KeyUsageFlags.KeyCertSign,
            critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
    }
}
