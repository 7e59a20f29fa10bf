namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>Where things stand in a PKI folder (OPC 10000-12, annex F.1 names the same rooms).</summary>
internal sealed class PkiLayout(string root)
{
    public string Root { get; } = root;

    public string OwnCertificates => Path.Combine(Root, "own", "certs");

    public string OwnKeys => Path.Combine(Root, "own", "private");

    public string TrustedCertificates => Path.Combine(Root, "trusted", "certs");

    public string TrustedRevocations => Path.Combine(Root, "trusted", "crl");

    public string IssuerCertificates => Path.Combine(Root, "issuer", "certs");

    public string IssuerRevocations => Path.Combine(Root, "issuer", "crl");

    public string Rejected => Path.Combine(Root, "rejected", "certs");

    public void CreateFolders()
    {
        string[] open = [OwnCertificates, TrustedCertificates, TrustedRevocations, IssuerCertificates, IssuerRevocations, Rejected];
        foreach (var folder in open)
        {
            PkiFile.CreateFolder(folder);
        }

        PkiFile.CreateFolder(OwnKeys, secret: true);
    }
}
