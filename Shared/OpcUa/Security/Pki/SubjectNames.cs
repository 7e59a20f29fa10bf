using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>The names in a certificate's SubjectAlternativeName extension (RFC 5280, 4.2.1.6; OPC 10000-6, 6.2.2).</summary>
/// <param name="ApplicationUri">The first URI; the specification wants exactly one.</param>
/// <param name="HostNames">DNS names.</param>
/// <param name="Addresses">IP addresses.</param>
internal sealed record SubjectNames(string? ApplicationUri, IReadOnlyList<string> HostNames, IReadOnlyList<IPAddress> Addresses)
{
    public const string ExtensionOid = "2.5.29.17";

    private const int DnsTag = 2;
    private const int UriTag = 6;
    private const int AddressTag = 7;

    private static readonly SubjectNames Empty = new(null, [], []);

    /// <summary>Reads the names; a missing or broken extension gives none.</summary>
    public static SubjectNames Read(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.FirstOrDefault(e => e.Oid?.Value == ExtensionOid);
        try
        {
            return extension is null ? Empty : Parse(extension.RawData);
        }
        catch (AsnContentException)
        {
            return Empty;
        }
    }

    /// <summary>True when the host of a URL is one of the names; a name may begin with <c>*.</c>.</summary>
    public bool Names(string host)
    {
        if (IPAddress.TryParse(host.Trim('[', ']'), out var address))
        {
            return Addresses.Contains(address) || HostNames.Contains(host, StringComparer.OrdinalIgnoreCase);
        }

        return HostNames.Any(name => Matches(name, host));
    }

    /// <summary>
    /// The extension's content. The framework's own builder would change the spelling of the URI, which is compared letter by letter.
    /// </summary>
    public byte[] Encode()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            if (ApplicationUri is not null)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, ApplicationUri, new Asn1Tag(TagClass.ContextSpecific, UriTag));
            }

            foreach (var host in HostNames)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, host, new Asn1Tag(TagClass.ContextSpecific, DnsTag));
            }

            foreach (var address in Addresses)
            {
                writer.WriteOctetString(address.GetAddressBytes(), new Asn1Tag(TagClass.ContextSpecific, AddressTag));
            }
        }

        return writer.Encode();
    }

    private static bool Matches(string name, string host)
    {
        if (!name.StartsWith("*.", StringComparison.Ordinal))
        {
            return name.Equals(host, StringComparison.OrdinalIgnoreCase);
        }

        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && host.AsSpan(dot).Equals(name.AsSpan(1), StringComparison.OrdinalIgnoreCase);
    }

    private static SubjectNames Parse(byte[] extension)
    {
        string? uri = null;
        List<string> hosts = [];
        List<IPAddress> addresses = [];
        var sequence = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
        while (sequence.HasData)
        {
            var tag = sequence.PeekTag();
            switch (tag.TagValue)
            {
                case DnsTag when tag.TagClass == TagClass.ContextSpecific:
                    hosts.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag));
                    break;
                case UriTag when tag.TagClass == TagClass.ContextSpecific:
                    var text = sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag);
                    uri ??= text;
                    break;
                case AddressTag when tag.TagClass == TagClass.ContextSpecific:
                    var bytes = sequence.ReadOctetString(tag);
                    if (bytes.Length is 4 or 16)
                    {
                        addresses.Add(new IPAddress(bytes));
                    }

                    break;
                default:
                    sequence.ReadEncodedValue();
                    break;
            }
        }

        return new SubjectNames(uri, hosts, addresses);
    }
}
