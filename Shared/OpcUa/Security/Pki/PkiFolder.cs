using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>The application's own certificate as found or made in a PKI folder.</summary>
/// <param name="Certificate">Null when there is none and none could be made.</param>
/// <param name="Created">True when it was made just now: the other side does not trust it yet.</param>
/// <param name="Problem">A sentence for the operator: why there is none, or which files of the folder were passed over.</param>
public sealed record OwnCertificateResult(ApplicationCertificate? Certificate, bool Created, string? Problem);

/// <summary>
/// A folder with the application's own certificate, the certificates it trusts and those it has rejected: <c>own/{certs,private}</c>,
/// <c>trusted/{certs,crl}</c>, <c>issuer/{certs,crl}</c>, <c>rejected/certs</c>. Trust is given by moving a file from <c>rejected</c> to
/// <c>trusted</c>; changes are noticed without a restart. Thread-safe.
/// </summary>
public sealed class PkiFolder
{
    private const int RejectedFilesMax = 100;

    private readonly PkiLayout _layout;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private string? _stamp;
    private TrustList? _trustList;

    /// <param name="path">The folder; it is created when it is first needed.</param>
    /// <param name="time">For the dates of a new certificate.</param>
    public PkiFolder(string path, TimeProvider time)
    {
        _layout = new PkiLayout(path);
        _time = time;
    }

    /// <summary>The folder.</summary>
    public string Path => _layout.Root;

    /// <summary>
    /// Opens the own certificate for the application URI of <paramref name="options"/>, the one with the latest end if there are several;
    /// makes one when there is none. An expired one is opened too: replacing it silently would lose the trust of every server.
    /// </summary>
    public OwnCertificateResult OpenOrCreateOwn(CertificateRequestOptions options)
    {
        try
        {
            lock (_gate)
            {
                _layout.CreateFolders();
                List<string> skipped = [];
                var found = FindOwn(options.ApplicationUri, skipped);
                var problem = skipped.Count == 0 ? null : "Passed over: " + string.Join("; ", skipped);
                return found is not null
                    ? new OwnCertificateResult(found, Created: false, problem)
                    : new OwnCertificateResult(CreateOwn(options), Created: true, problem);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new OwnCertificateResult(null, Created: false, $"The PKI folder {Path} cannot be used: {e.Message}");
        }
    }

    /// <summary>Puts a certificate into the trust list, as an operator does by copying the file.</summary>
    /// <returns>Null when done; else a sentence that says why not.</returns>
    public string? Trust(PeerCertificate certificate)
    {
        try
        {
            _layout.CreateFolders();
            var name = PkiFile.NameOf(certificate.Leaf) + ".der";
            PkiFile.Write(System.IO.Path.Combine(_layout.TrustedCertificates, name), certificate.LeafBytes);
            File.Delete(System.IO.Path.Combine(_layout.Rejected, name));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The certificate could not be added to {_layout.TrustedCertificates}: {e.Message}";
        }
    }

    /// <summary>Keeps a rejected certificate for the operator to look at; the oldest ones make room.</summary>
    /// <returns>The file, or null with a sentence that says why it could not be kept.</returns>
    internal (string? File, string? Problem) KeepRejected(PeerCertificate certificate)
    {
        try
        {
            lock (_gate)
            {
                _layout.CreateFolders();
                var path = System.IO.Path.Combine(_layout.Rejected, PkiFile.NameOf(certificate.Leaf) + ".der");
                if (!File.Exists(path))
                {
                    MakeRoomForRejected();
                    PkiFile.Write(path, certificate.LeafBytes);
                }

                return (path, null);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"It could not be kept in {_layout.Rejected}: {e.Message}");
        }
    }

    /// <summary>The trust list as it is now; read again only when a file has changed.</summary>
    /// <exception cref="IOException">A folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder may not be read.</exception>
    internal TrustList CurrentTrustList()
    {
        lock (_gate)
        {
            var stamp = TrustList.StampOf(_layout);
            if (_trustList is null || stamp != _stamp)
            {
                _trustList = TrustList.Read(_layout);
                _stamp = stamp;
            }

            return _trustList;
        }
    }

    private void MakeRoomForRejected()
    {
        var files = new DirectoryInfo(_layout.Rejected).GetFiles(PkiFile.CertificatePattern);
        foreach (var file in files.OrderBy(f => f.LastWriteTimeUtc).Take(files.Length - RejectedFilesMax + 1))
        {
            file.Delete();
        }
    }

    private ApplicationCertificate? FindOwn(string applicationUri, List<string> skipped)
    {
        ApplicationCertificate? best = null;
        foreach (var file in new DirectoryInfo(_layout.OwnCertificates).GetFiles(PkiFile.CertificatePattern))
        {
            var candidate = TryOpenOwn(file, applicationUri, skipped);
            if (candidate is not null && (best is null || candidate.Certificate.NotAfter > best.Certificate.NotAfter))
            {
                best?.Dispose();
                best = candidate;
            }
            else
            {
                candidate?.Dispose();
            }
        }

        return best;
    }

    private ApplicationCertificate? TryOpenOwn(FileInfo file, string applicationUri, List<string> skipped)
    {
        var keyFile = System.IO.Path.Combine(_layout.OwnKeys, System.IO.Path.GetFileNameWithoutExtension(file.Name) + PkiFile.KeyExtension);
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(file.FullName);
            if (SubjectNames.Read(certificate).ApplicationUri != applicationUri)
            {
                return null;
            }

            using var key = RSA.Create();
            key.ImportFromPem(File.ReadAllText(keyFile));
            return new ApplicationCertificate(certificate.CopyWithPrivateKey(key));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or FileNotFoundException)
        {
            skipped.Add($"{file.Name} ({e.Message})");
            return null;
        }
    }

    /// <summary>The key first: a certificate without its key would be of no use.</summary>
    private ApplicationCertificate CreateOwn(CertificateRequestOptions options)
    {
        var certificate = CertificateBuilder.Create(options, _time.GetUtcNow());
        using var key = certificate.GetRSAPrivateKey()!;
        var name = PkiFile.NameOf(certificate);
        var pem = System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem());
        PkiFile.Write(System.IO.Path.Combine(_layout.OwnKeys, name + PkiFile.KeyExtension), pem, secret: true);
        CryptographicOperations.ZeroMemory(pem);
        PkiFile.Write(System.IO.Path.Combine(_layout.OwnCertificates, name + ".der"), certificate.RawDataMemory.Span);
        return new ApplicationCertificate(certificate);
    }
}
