using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>How strict certificates are judged.</summary>
public sealed record CertificateValidatorOptions
{
    /// <summary>For tests only: everything that can be read is accepted. Each such verdict says so, and is to be logged loudly.</summary>
    public bool AcceptAnyForTests { get; init; }

    /// <summary>Refuse certificates of issuers for whom there is no revocation list.</summary>
    public bool RequireRevocationLists { get; init; }

    /// <summary>The shortest RSA key, in bits.</summary>
    public int KeyBitsMin { get; init; } = 2048;
}

/// <summary>What the certificate must name.</summary>
/// <param name="ApplicationUri">The URI that the application has announced; null when it is not known yet.</param>
/// <param name="Host">The host of the URL that was connected to; null when host names do not count, as for clients.</param>
public readonly record struct ExpectedPeer(string? ApplicationUri, string? Host);

/// <summary>
/// Judges the certificates of other applications by a PKI folder (OPC 10000-4, 6.1.3). Thread-safe; never uses the network.
/// </summary>
/// <param name="pki">The folder with the trust list; rejected certificates are kept there.</param>
/// <param name="options">How strict to be.</param>
/// <param name="time">Decides what is expired.</param>
public sealed class CertificateValidator(PkiFolder pki, CertificateValidatorOptions options, TimeProvider time)
{
    /// <summary>Findings that have a judgement of their own further down; any other one, known or new, breaks the chain.</summary>
    private const X509ChainStatusFlags JudgedLater =
        X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotTimeValid
        | X509ChainStatusFlags.NotTimeNested | X509ChainStatusFlags.HasWeakSignature;

    private const X509ChainStatusFlags WithoutRoot = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot;

    private static readonly string[] WeakSignatureOids =
    [
        "1.2.840.113549.1.1.2", // MD2
        "1.2.840.113549.1.1.4", // MD5
        "1.2.840.113549.1.1.5", // SHA-1
    ];

    /// <summary>Reads and judges what the other side sent as its certificate.</summary>
    /// <param name="der">The certificate, possibly followed by issuers.</param>
    /// <param name="expected">What it must name.</param>
    /// <param name="certificate">The certificate, for the caller to dispose, whatever the verdict; null when it cannot be read.</param>
    public CertificateVerdict Validate(ReadOnlySpan<byte> der, ExpectedPeer expected, out PeerCertificate? certificate) =>
        PeerCertificate.TryParse(der, out certificate)
            ? Validate(certificate, expected)
            : CertificateVerdict.Of(
                CertificateProblem.Malformed, $"The {der.Length} bytes that the other side sent are no certificate with an RSA key.");

    /// <summary>Judges a certificate. An untrusted one is kept in the folder of rejected certificates.</summary>
    public CertificateVerdict Validate(PeerCertificate certificate, ExpectedPeer expected)
    {
        CertificateVerdict verdict;
        try
        {
            verdict = Judge(certificate, expected, pki.CurrentTrustList());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            verdict = CertificateVerdict.Of(CertificateProblem.Untrusted, $"The trust list in {pki.Path} cannot be read: {e.Message}");
        }

        if (verdict.Problem != CertificateProblem.None && options.AcceptAnyForTests)
        {
            return verdict with { AcceptedAnyway = true };
        }

        return verdict.Problem is CertificateProblem.Untrusted or CertificateProblem.IncompleteChain
            ? WithRejectedFile(verdict, certificate)
            : verdict;
    }

    private CertificateVerdict Judge(PeerCertificate certificate, ExpectedPeer expected, TrustList list)
    {
        using var chain = new X509Chain();
        var flags = Build(chain, certificate, list);
        try
        {
            return JudgeChain(certificate, flags)
                ?? JudgeTrust(certificate.Leaf, chain, flags, list)
                ?? JudgeNames(certificate.Leaf, expected)
                ?? JudgeUse(certificate.Leaf)
                ?? JudgeRevocation(chain, list)
                ?? CertificateVerdict.Fine;
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    /// <summary>Roots come from our folders only; issuers that the peer sent along may help to find the way to one.</summary>
    private X509ChainStatusFlags Build(X509Chain chain, PeerCertificate certificate, TrustList list)
    {
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTimeIgnored = false;
        policy.VerificationTime = time.GetUtcNow().UtcDateTime;
        foreach (var known in list.Trusted.Concat(list.Issuers))
        {
            var isRoot = known.SubjectName.RawData.AsSpan().SequenceEqual(known.IssuerName.RawData);
            (isRoot ? policy.CustomTrustStore : policy.ExtraStore).Add(known);
        }

        policy.ExtraStore.AddRange(certificate.Issuers);
        chain.Build(certificate.Leaf);
        return chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);
    }

    private CertificateVerdict? JudgeChain(PeerCertificate certificate, X509ChainStatusFlags flags)
    {
        var leaf = certificate.Leaf;
        var selfSigned = leaf.SubjectName.RawData.AsSpan().SequenceEqual(leaf.IssuerName.RawData);
        if (!selfSigned && flags.HasFlag(X509ChainStatusFlags.PartialChain))
        {
            return CertificateVerdict.Of(
                CertificateProblem.IncompleteChain,
                $"The issuer '{leaf.Issuer}' is not known; put its certificate into issuer/certs or trusted/certs.");
        }

        var broken = flags & ~JudgedLater;
        if (broken != X509ChainStatusFlags.NoError)
        {
            return CertificateVerdict.Of(CertificateProblem.BrokenChain, $"The chain of '{leaf.Subject}' is not valid: {broken}.");
        }

        var keyBits = certificate.PublicKey.KeySize;
        return keyBits < options.KeyBitsMin || flags.HasFlag(X509ChainStatusFlags.HasWeakSignature)
            || WeakSignatureOids.Contains(leaf.SignatureAlgorithm.Value, StringComparer.Ordinal)
            ? CertificateVerdict.Of(
                CertificateProblem.WeakKey,
                $"'{leaf.Subject}' has {keyBits} bits and {leaf.SignatureAlgorithm.FriendlyName}; "
                    + $"at least {options.KeyBitsMin} bits and SHA-256 are needed.")
            : null;
    }

    private static CertificateVerdict? JudgeTrust(X509Certificate2 leaf, X509Chain chain, X509ChainStatusFlags flags, TrustList list)
    {
        var trusted = (flags & WithoutRoot) == X509ChainStatusFlags.NoError
            && chain.ChainElements.Any(element => list.Trusts(element.Certificate));
        if (!trusted)
        {
            return CertificateVerdict.Of(CertificateProblem.Untrusted, $"'{leaf.Subject}' is not in the trust list.");
        }

        return (flags & (X509ChainStatusFlags.NotTimeValid | X509ChainStatusFlags.NotTimeNested)) != X509ChainStatusFlags.NoError
            ? CertificateVerdict.Of(
                CertificateProblem.OutOfTime,
                $"'{leaf.Subject}' or an issuer is not valid now; "
                    + $"it is valid from {leaf.NotBefore.ToUniversalTime():u} to {leaf.NotAfter.ToUniversalTime():u}.")
            : null;
    }

    private static CertificateVerdict? JudgeNames(X509Certificate2 leaf, ExpectedPeer expected)
    {
        var names = SubjectNames.Read(leaf);
        if (expected.Host is not null && !names.Names(expected.Host))
        {
            var named = string.Join(", ", names.HostNames.Concat(names.Addresses.Select(a => a.ToString())));
            return CertificateVerdict.Of(
                CertificateProblem.WrongHost, $"'{leaf.Subject}' does not name the host '{expected.Host}' but {named}.");
        }

        return expected.ApplicationUri is not null && names.ApplicationUri != expected.ApplicationUri
            ? CertificateVerdict.Of(
                CertificateProblem.WrongApplicationUri,
                $"'{leaf.Subject}' names the application '{names.ApplicationUri}', "
                    + $"but the application calls itself '{expected.ApplicationUri}'.")
            : null;
    }

    private static CertificateVerdict? JudgeUse(X509Certificate2 leaf)
    {
        const X509KeyUsageFlags encipher = X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.DataEncipherment;
        var usage = leaf.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault()?.KeyUsages;
        var fits = usage is not { } flags
            || (flags.HasFlag(X509KeyUsageFlags.DigitalSignature) && (flags & encipher) != X509KeyUsageFlags.None);
        return fits
            ? null
            : CertificateVerdict.Of(CertificateProblem.WrongUse, $"'{leaf.Subject}' is meant for {usage}, not for signing and encrypting.");
    }

    private CertificateVerdict? JudgeRevocation(X509Chain chain, TrustList list)
    {
        for (var i = 0; i + 1 < chain.ChainElements.Count; i++)
        {
            var subject = chain.ChainElements[i].Certificate;
            var lists = list.RevocationLists.Where(l => l.IsFrom(chain.ChainElements[i + 1].Certificate)).ToList();
            if (lists.Exists(l => l.Revokes(subject)))
            {
                return CertificateVerdict.Of(CertificateProblem.Revoked, $"'{subject.Subject}' was revoked by its issuer.");
            }

            if (lists.Count == 0 && options.RequireRevocationLists)
            {
                return CertificateVerdict.Of(
                    CertificateProblem.RevocationUnknown,
                    $"There is no revocation list of '{subject.Issuer}'; put it into issuer/crl or trusted/crl.");
            }
        }

        return null;
    }

    private CertificateVerdict WithRejectedFile(CertificateVerdict verdict, PeerCertificate certificate)
    {
        var (file, problem) = pki.KeepRejected(certificate);
        return verdict with
        {
            Detail = file is null
                ? $"{verdict.Detail} {problem}"
                : $"{verdict.Detail} It was kept as {file}; move it to trusted/certs to trust it.",
        };
    }
}
