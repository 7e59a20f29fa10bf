using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>
/// A certificate revocation list (RFC 5280, 5) as far as it is needed: who issued it, and which serial numbers are revoked.
/// </summary>
internal sealed class RevocationList
{
    private readonly byte[] _issuerName;
    private readonly byte[] _signedPart;
    private readonly byte[] _signature;
    private readonly string _signatureOid;
    private readonly HashSet<string> _revokedSerials;

    private RevocationList(byte[] issuerName, byte[] signedPart, string signatureOid, byte[] signature, HashSet<string> revokedSerials)
    {
        _issuerName = issuerName;
        _signedPart = signedPart;
        _signatureOid = signatureOid;
        _signature = signature;
        _revokedSerials = revokedSerials;
    }

    /// <summary>Reads a list in DER; null when it is none.</summary>
    public static RevocationList? TryParse(byte[] der)
    {
        try
        {
            var list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            var signedPart = list.PeekEncodedValue().ToArray();
            var body = list.ReadSequence();
            var signatureOid = list.ReadSequence().ReadObjectIdentifier();
            var signature = list.ReadBitString(out _);
            var (issuer, serials) = ReadBody(body);
            return new RevocationList(issuer, signedPart, signatureOid, signature, serials);
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    /// <summary>True when this list was issued and signed by the owner of that certificate.</summary>
    public bool IsFrom(X509Certificate2 issuer)
    {
        if (!issuer.SubjectName.RawData.AsSpan().SequenceEqual(_issuerName) || HashOf(_signatureOid) is not { } hash)
        {
            return false;
        }

        try
        {
            using var key = issuer.GetRSAPublicKey();
            return key is not null && key.VerifyData(_signedPart, _signature, hash, RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    public bool Revokes(X509Certificate2 certificate) => _revokedSerials.Contains(Convert.ToHexString(certificate.SerialNumberBytes.Span));

    private static HashAlgorithmName? HashOf(string signatureOid) => signatureOid switch
    {
        "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
        "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
        "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
        _ => null,
    };

    private static (byte[] Issuer, HashSet<string> Serials) ReadBody(AsnReader body)
    {
        if (body.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
        {
            body.ReadInteger();
        }

        body.ReadSequence();
        var issuer = body.ReadEncodedValue().ToArray();
        body.ReadEncodedValue();
        if (body.HasData && IsTime(body.PeekTag()))
        {
            body.ReadEncodedValue();
        }

        var serials = new HashSet<string>(StringComparer.Ordinal);
        if (body.HasData && body.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
        {
            var entries = body.ReadSequence();
            while (entries.HasData)
            {
                serials.Add(Convert.ToHexString(entries.ReadSequence().ReadIntegerBytes().Span));
            }
        }

        return (issuer, serials);
    }

    private static bool IsTime(Asn1Tag tag) =>
        tag.HasSameClassAndValue(Asn1Tag.UtcTime) || tag.HasSameClassAndValue(Asn1Tag.GeneralizedTime);
}
