using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>What is wrong with a peer's certificate; the order is the order of the checks (OPC 10000-4, 6.1.3).</summary>
public enum CertificateProblem
{
    /// <summary>Nothing: it may be used.</summary>
    None = 0,

    /// <summary>It cannot be read, or its key is of no usable kind.</summary>
    Malformed,

    /// <summary>An issuer is missing, so that no chain can be built.</summary>
    IncompleteChain,

    /// <summary>A signature or a constraint in the chain is broken.</summary>
    BrokenChain,

    /// <summary>Key or signature algorithm is weaker than the policies demand.</summary>
    WeakKey,

    /// <summary>Neither it nor one of its issuers is in the trust list.</summary>
    Untrusted,

    /// <summary>It or an issuer is expired or not yet valid.</summary>
    OutOfTime,

    /// <summary>It does not name the host that was connected to.</summary>
    WrongHost,

    /// <summary>It does not name the application's URI.</summary>
    WrongApplicationUri,

    /// <summary>It is not meant for this use.</summary>
    WrongUse,

    /// <summary>There is no revocation list for its issuer, and the settings demand one.</summary>
    RevocationUnknown,

    /// <summary>Its issuer has revoked it, or an issuer is revoked.</summary>
    Revoked,
}

/// <summary>The result of judging a peer's certificate.</summary>
/// <param name="Problem">What is wrong.</param>
/// <param name="Status">The status code for it.</param>
/// <param name="Detail">A sentence for the operator that says what to do; null when nothing is wrong.</param>
/// <param name="AcceptedAnyway">
/// True when the switch for tests let an untrusted or unsuitable certificate pass: to be logged loudly.
/// </param>
public readonly record struct CertificateVerdict(CertificateProblem Problem, StatusCode Status, string? Detail, bool AcceptedAnyway = false)
{
    /// <summary>Nothing is wrong.</summary>
    public static CertificateVerdict Fine => default;

    /// <summary>True when the certificate may be used.</summary>
    public bool IsAccepted => Problem == CertificateProblem.None || AcceptedAnyway;

    internal static CertificateVerdict Of(CertificateProblem problem, string detail) => new(problem, StatusOf(problem), detail);

    private static StatusCode StatusOf(CertificateProblem problem) => problem switch
    {
        CertificateProblem.None => StatusCode.Good,
        CertificateProblem.IncompleteChain => StatusCodes.BadCertificateChainIncomplete,
        CertificateProblem.WeakKey => StatusCodes.BadCertificatePolicyCheckFailed,
        CertificateProblem.Untrusted => StatusCodes.BadCertificateUntrusted,
        CertificateProblem.OutOfTime => StatusCodes.BadCertificateTimeInvalid,
        CertificateProblem.WrongHost => StatusCodes.BadCertificateHostNameInvalid,
        CertificateProblem.WrongApplicationUri => StatusCodes.BadCertificateUriInvalid,
        CertificateProblem.WrongUse => StatusCodes.BadCertificateUseNotAllowed,
        CertificateProblem.RevocationUnknown => StatusCodes.BadCertificateRevocationUnknown,
        CertificateProblem.Revoked => StatusCodes.BadCertificateRevoked,
        _ => StatusCodes.BadCertificateInvalid,
    };
}
