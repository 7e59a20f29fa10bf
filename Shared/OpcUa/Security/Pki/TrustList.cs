using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>
/// What the trust list folders held at one moment. The certificates live as long as the list is referenced from anywhere; the runtime
/// finalizes them, because a validation on another thread may still use an older list.
/// </summary>
internal sealed class TrustList
{
    private const int FilesMax = 2000;
    private const int CertificateFileBytesMax = 64 * 1024;
    private const int RevocationFileBytesMax = 4 << 20;

    private readonly HashSet<string> _trustedThumbprints;

    private TrustList(
        X509Certificate2Collection trusted,
        X509Certificate2Collection issuers,
        List<RevocationList> revocationLists,
        List<string> unreadable)
    {
        Trusted = trusted;
        Issuers = issuers;
        RevocationLists = revocationLists;
        Unreadable = unreadable;
        _trustedThumbprints = trusted.Select(Fingerprint).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Certificates that are trusted, and all that they have issued.</summary>
    public X509Certificate2Collection Trusted { get; }

    /// <summary>Certificates that only help to build chains.</summary>
    public X509Certificate2Collection Issuers { get; }

    public IReadOnlyList<RevocationList> RevocationLists { get; }

    /// <summary>Files that could not be read or understood, for the log.</summary>
    public IReadOnlyList<string> Unreadable { get; }

    /// <summary>True when exactly this certificate is in the trusted folder.</summary>
    public bool Trusts(X509Certificate2 certificate) => _trustedThumbprints.Contains(Fingerprint(certificate));

    public static TrustList Read(PkiLayout layout)
    {
        List<string> unreadable = [];
        var trusted = ReadCertificates(layout.TrustedCertificates, unreadable);
        var issuers = ReadCertificates(layout.IssuerCertificates, unreadable);
        List<RevocationList> lists = [];
        ReadRevocationLists(layout.TrustedRevocations, lists, unreadable);
        ReadRevocationLists(layout.IssuerRevocations, lists, unreadable);
        return new TrustList(trusted, issuers, lists, unreadable);
    }

    /// <summary>A text that differs when any file was added, removed or replaced.</summary>
    public static string StampOf(PkiLayout layout)
    {
        var stamp = new StringBuilder();
        string[] folders = [layout.TrustedCertificates, layout.IssuerCertificates, layout.TrustedRevocations, layout.IssuerRevocations];
        foreach (var file in folders.SelectMany(Files))
        {
            stamp.Append(CultureInfo.InvariantCulture, $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}\n");
        }

        return stamp.ToString();
    }

    private static IEnumerable<FileInfo> Files(string folder)
    {
        var info = new DirectoryInfo(folder);
        return info.Exists
            ? info.EnumerateFiles().Where(f => f.Extension != ".tmp").OrderBy(f => f.Name, StringComparer.Ordinal).Take(FilesMax)
            : [];
    }

    private static X509Certificate2Collection ReadCertificates(string folder, List<string> unreadable)
    {
        var certificates = new X509Certificate2Collection();
        foreach (var file in Files(folder))
        {
            try
            {
                if (PkiFile.ReadBounded(file, CertificateFileBytesMax) is { } bytes)
                {
                    // DER and PEM both; either may come from an operator's tool.
                    certificates.Add(X509CertificateLoader.LoadCertificate(bytes));
                    continue;
                }
            }
            catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
            {
                // Named below; one bad file must not take the rest of the list away.
            }

            unreadable.Add(file.FullName);
        }

        return certificates;
    }

    private static void ReadRevocationLists(string folder, List<RevocationList> lists, List<string> unreadable)
    {
        foreach (var file in Files(folder))
        {
            try
            {
                if (PkiFile.ReadBounded(file, RevocationFileBytesMax) is { } bytes && RevocationList.TryParse(bytes) is { } list)
                {
                    lists.Add(list);
                    continue;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Named below; one bad file must not take the rest of the list away.
            }

            unreadable.Add(file.FullName);
        }
    }

    private static string Fingerprint(X509Certificate2 certificate) => Convert.ToHexString(SHA256.HashData(certificate.RawDataMemory.Span));
}
