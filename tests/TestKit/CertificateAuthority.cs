using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.TestKit;

/// <summary>A certificate authority of a test's own, with PEM files in the test's folder.</summary>
public sealed class CertificateAuthority : IDisposable
{
    private readonly string _folder;
    private readonly X509Certificate2 _authority;

    public CertificateAuthority(string folder, string name = "ca")
    {
        _folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=ZfRepl test {name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        CaFile = Write($"{name}.crt", _authority.ExportCertificatePem());
    }

    public string CaFile { get; }

    /// <summary>A certificate for 127.0.0.1 and localhost, or for another name; as PEM files and as an object with its key.</summary>
    public (string CertificateFile, string KeyFile, X509Certificate2 Certificate) Issue(string name, bool isServer = true, string? host = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        alternatives.AddDnsName(host ?? "localhost");
        if (host is null)
        {
            alternatives.AddIpAddress(IPAddress.Loopback);
        }

        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(isServer ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], false));
        var serial = RandomNumberGenerator.GetBytes(8);
        serial[0] &= 0x7F;
        using var bare = request.Create(_authority, new DateTimeOffset(_authority.NotBefore), new DateTimeOffset(_authority.NotAfter), serial);
        using var ephemeral = bare.CopyWithPrivateKey(key);
        var certificate = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pfx), password: null);
        return (Write($"{name}.crt", bare.ExportCertificatePem()), Write($"{name}.key", key.ExportPkcs8PrivateKeyPem()), certificate);
    }

    public void Dispose() => _authority.Dispose();

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text + "\n");
        return path;
    }
}
