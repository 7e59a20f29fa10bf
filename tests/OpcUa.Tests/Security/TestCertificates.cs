using System.Collections.Concurrent;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;

namespace ZfRepl.OpcUa.Tests.Security;

/// <summary>Own certificates made once for the whole run, because making keys is slow.</summary>
internal static class TestCertificates
{
    public const string ClientUri = "urn:test:client";
    public const string ServerUri = "urn:test:server";

    private static readonly ConcurrentDictionary<(string Uri, int Bits), Lazy<ApplicationCertificate>> Made = new();

    public static ApplicationCertificate Client(int bits = 2048) => Of(ClientUri, bits);

    public static ApplicationCertificate Server(int bits = 2048) => Of(ServerUri, bits);

    public static ApplicationCertificate Of(string uri, int bits) => Made.GetOrAdd((uri, bits), key => new(() => new ApplicationCertificate(
        CertificateBuilder.Create(Options(key.Uri, key.Bits), TimeProvider.System.GetUtcNow())))).Value;

    public static CertificateRequestOptions Options(string uri, int bits = 2048) => new()
    {
        ApplicationName = "Test " + uri,
        ApplicationUri = uri,
        HostNames = ["localhost"],
        Addresses = [System.Net.IPAddress.Loopback],
        KeyBits = bits,
    };

    public static PeerCertificate AsPeer(ApplicationCertificate certificate) =>
        PeerCertificate.TryParse(certificate.RawData, out var peer) ? peer : throw new InvalidOperationException("Not a certificate.");
}
