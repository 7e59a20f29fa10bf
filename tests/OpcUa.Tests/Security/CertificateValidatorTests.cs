using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Security;

public sealed class CertificateValidatorTests : IDisposable
{
    private static readonly ExpectedPeer Server = new(TestCertificates.ServerUri, "localhost");

    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly PkiFolder _pki;
    private CertificateValidatorOptions _options = new();

    public CertificateValidatorTests() => _pki = new PkiFolder(_folder["pki"], _time);

    [Fact]
    public void A_self_signed_certificate_that_we_made_is_accepted_once_it_is_trusted()
    {
        using var own = new ApplicationCertificate(CertificateBuilder.Create(TestCertificates.Options(TestCertificates.ServerUri), _time.GetUtcNow()));
        using var peer = TestCertificates.AsPeer(own);
        Expect(CertificateProblem.Untrusted, peer);
        Assert.Null(_pki.Trust(peer));
        Expect(CertificateProblem.None, peer);
        Expect(CertificateProblem.None, peer, Server with { Host = "127.0.0.1" });
        Expect(CertificateProblem.None, peer, default);
    }

    [Fact]
    public void A_rejected_certificate_is_kept_and_trusted_by_moving_its_file()
    {
        using var own = new ApplicationCertificate(CertificateBuilder.Create(TestCertificates.Options(TestCertificates.ServerUri), _time.GetUtcNow()));
        using var peer = TestCertificates.AsPeer(own);
        var verdict = Expect(CertificateProblem.Untrusted, peer);
        var file = Assert.Single(Directory.GetFiles(_folder["pki", "rejected", "certs"]));
        Assert.Contains(file, verdict.Detail, StringComparison.Ordinal);
        Assert.Contains(own.Thumbprint, file, StringComparison.Ordinal);
        File.Move(file, _folder["pki", "trusted", "certs", Path.GetFileName(file)]);
        Expect(CertificateProblem.None, peer);
        File.Delete(_folder["pki", "trusted", "certs", Path.GetFileName(file)]);
        Expect(CertificateProblem.Untrusted, peer);
    }

    [Fact]
    public void A_chain_is_accepted_when_an_issuer_is_trusted()
    {
        using var root = new TestAuthority("Root");
        using var middle = new TestAuthority("Middle", root);
        using var peer = middle.Issue();
        Expect(CertificateProblem.IncompleteChain, peer);
        Put("issuer", root.Certificate);
        Expect(CertificateProblem.IncompleteChain, peer);
        Put("issuer", middle.Certificate);
        Expect(CertificateProblem.Untrusted, peer);
        Put("trusted", root.Certificate);
        Expect(CertificateProblem.None, peer);
    }

    [Fact]
    public void A_certificate_alone_may_be_trusted_when_its_issuers_are_known()
    {
        using var root = new TestAuthority("Root");
        using var peer = root.Issue();
        using var other = root.Issue();
        Put("issuer", root.Certificate);
        Put("trusted", peer.Leaf);
        Expect(CertificateProblem.None, peer);
        Expect(CertificateProblem.Untrusted, other);
    }

    [Fact]
    public void Issuers_that_the_peer_sends_along_help_to_build_the_chain_but_not_to_trust_it()
    {
        using var root = new TestAuthority("Root");
        using var middle = new TestAuthority("Middle", root);
        using var peer = middle.Issue(sentAlong: [middle.Certificate, root.Certificate]);
        Expect(CertificateProblem.Untrusted, peer);
        Put("trusted", root.Certificate);
        Expect(CertificateProblem.None, peer);
    }

    [Fact]
    public void A_trusted_application_is_no_authority()
    {
        // Its certificate is self-signed and so carries the right to sign, but it is not an authority.
        using var application = new TestAuthority("Application", isAuthority: false);
        using var forged = application.Issue();
        Put("trusted", application.Certificate);
        Expect(CertificateProblem.BrokenChain, forged);
    }

    [Fact]
    public void A_certificate_with_a_forged_signature_is_refused()
    {
        using var real = new TestAuthority("Root");
        using var impostor = new TestAuthority("Root");
        using var forged = impostor.Issue();
        Put("trusted", real.Certificate);
        var verdict = Validate(forged, Server);
        Assert.Contains(verdict.Problem, new[] { CertificateProblem.BrokenChain, CertificateProblem.IncompleteChain, CertificateProblem.Untrusted });
        Assert.False(verdict.IsAccepted);
    }

    [Fact]
    public void Time_decides_by_the_clock_that_was_given()
    {
        using var root = new TestAuthority("Root");
        Put("trusted", root.Certificate);
        using var expired = root.Issue(to: _time.GetUtcNow().AddDays(-1));
        using var early = root.Issue(from: _time.GetUtcNow().AddDays(1));
        Expect(CertificateProblem.OutOfTime, expired);
        Expect(CertificateProblem.OutOfTime, early);
        _time.Advance(TimeSpan.FromDays(2));
        Expect(CertificateProblem.None, early);
    }

    [Fact]
    public void Names_must_be_those_of_the_host_and_of_the_application()
    {
        using var root = new TestAuthority("Root");
        Put("trusted", root.Certificate);
        using var peer = root.Issue(uri: "urn:other");
        Expect(CertificateProblem.WrongApplicationUri, peer);
        Expect(CertificateProblem.WrongHost, peer, new ExpectedPeer("urn:other", "elsewhere"));
        Expect(CertificateProblem.None, peer, new ExpectedPeer("urn:other", "LOCALHOST"));
        using var wildcard = root.Issue(host: "*.plant.example");
        Expect(CertificateProblem.None, wildcard, Server with { Host = "plc1.plant.example" });
        Expect(CertificateProblem.WrongHost, wildcard, Server with { Host = "a.plc1.plant.example" });
        Expect(CertificateProblem.WrongHost, wildcard, Server with { Host = "plant.example" });
    }

    [Fact]
    public void Weak_keys_and_signatures_are_refused()
    {
        using var root = new TestAuthority("Root");
        Put("trusted", root.Certificate);
        using var shortKey = root.Issue(bits: 1024);
        Expect(CertificateProblem.WeakKey, shortKey);
        using var outdated = root.Issue(outdatedSignature: true);
        Expect(CertificateProblem.WeakKey, outdated);
    }

    [Fact]
    public void A_certificate_for_something_else_is_refused()
    {
        using var root = new TestAuthority("Root");
        Put("trusted", root.Certificate);
        using var peer = root.Issue(usage: X509KeyUsageFlags.CrlSign);
        Expect(CertificateProblem.WrongUse, peer);
    }

    [Fact]
    public void Revoked_certificates_are_refused()
    {
        using var root = new TestAuthority("Root");
        using var middle = new TestAuthority("Middle", root);
        Put("trusted", root.Certificate);
        Put("issuer", middle.Certificate);
        using var good = middle.Issue();
        using var bad = middle.Issue();
        Expect(CertificateProblem.None, bad);
        PutRevocationList("issuer", middle.Revoke(bad.Leaf));
        Expect(CertificateProblem.Revoked, bad);
        Expect(CertificateProblem.None, good);
        PutRevocationList("trusted", root.Revoke(middle.Certificate));
        Expect(CertificateProblem.Revoked, good);
    }

    [Fact]
    public void A_revocation_list_that_the_issuer_did_not_sign_counts_for_nothing()
    {
        using var root = new TestAuthority("Root");
        using var impostor = new TestAuthority("Root");
        Put("trusted", root.Certificate);
        using var peer = root.Issue();
        PutRevocationList("trusted", impostor.Revoke(peer.Leaf));
        Expect(CertificateProblem.None, peer);
        _options = new CertificateValidatorOptions { RequireRevocationLists = true };
        Expect(CertificateProblem.RevocationUnknown, peer);
        PutRevocationList("trusted", root.Revoke());
        Expect(CertificateProblem.None, peer);
    }

    [Fact]
    public void The_switch_for_tests_accepts_anything_and_says_what_was_wrong()
    {
        using var root = new TestAuthority("Root");
        using var peer = root.Issue(to: _time.GetUtcNow().AddDays(-1));
        _options = new CertificateValidatorOptions { AcceptAnyForTests = true };
        var verdict = Validate(peer, Server);
        Assert.True(verdict.IsAccepted);
        Assert.True(verdict.AcceptedAnyway);
        Assert.NotEqual(CertificateProblem.None, verdict.Problem);
        Assert.NotNull(verdict.Detail);
    }

    [Fact]
    public void Bytes_that_are_no_certificate_are_refused_even_by_the_switch_for_tests()
    {
        var validator = new CertificateValidator(_pki, new CertificateValidatorOptions { AcceptAnyForTests = true }, _time);
        var verdict = validator.Validate([1, 2, 3], Server, out var certificate);
        Assert.Equal((CertificateProblem.Malformed, StatusCodes.BadCertificateInvalid), (verdict.Problem, verdict.Status));
        Assert.False(verdict.IsAccepted);
        Assert.Null(certificate);
        using var root = new TestAuthority("Root");
        using var peer = root.Issue();
        Assert.True(validator.Validate(peer.Leaf.RawData, Server, out certificate).IsAccepted);
        using (certificate)
        {
            Assert.NotNull(certificate);
        }
    }

    [Fact]
    public void One_unreadable_file_does_not_take_the_trust_list_away()
    {
        using var root = new TestAuthority("Root");
        Put("trusted", root.Certificate);
        File.WriteAllText(_folder["pki", "trusted", "certs", "a note.txt"], "not a certificate");
        File.WriteAllBytes(_folder["pki", "trusted", "crl", "broken.crl"], [0x30, 0x82, 1]);
        using var peer = root.Issue();
        Expect(CertificateProblem.None, peer);
        Assert.Equal(2, _pki.CurrentTrustList().Unreadable.Count);
    }

    [Fact]
    public void Rejected_certificates_make_room_for_new_ones()
    {
        using var root = new TestAuthority("Root");
        for (var i = 0; i < 100; i++)
        {
            Directory.CreateDirectory(_folder["pki", "rejected", "certs"]);
            var file = _folder["pki", "rejected", "certs", $"old {i} [00].der"];
            File.WriteAllText(file, "x");
            File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(i));
        }

        using var peer = root.Issue();
        Expect(CertificateProblem.IncompleteChain, peer);
        var files = Directory.GetFiles(_folder["pki", "rejected", "certs"]).Select(Path.GetFileName).ToList();
        Assert.Equal(100, files.Count);
        Assert.DoesNotContain("old 0 [00].der", files);
        Assert.Contains($"Device [{peer.Leaf.Thumbprint}].der", files);
    }

    [Fact]
    public void A_strangers_name_cannot_lead_out_of_the_folder()
    {
        using var evil = new TestAuthority("../../../etc/passwd\u0000\n*");
        using var peer = PeerCertificate.TryParse(evil.Certificate.RawData, out var parsed) ? parsed : throw new InvalidOperationException();
        Assert.False(Validate(peer, Server).IsAccepted);
        var file = Assert.Single(Directory.GetFiles(_folder["pki", "rejected", "certs"]));
        Assert.Equal($"etcpasswd [{peer.Leaf.Thumbprint}].der", Path.GetFileName(file));
    }

    public void Dispose() => _folder.Dispose();

    private CertificateVerdict Validate(PeerCertificate peer, ExpectedPeer expected) => new CertificateValidator(_pki, _options, _time).Validate(peer, expected);

    private CertificateVerdict Expect(CertificateProblem problem, PeerCertificate peer, ExpectedPeer? expected = null)
    {
        var verdict = Validate(peer, expected ?? Server);
        Assert.True(verdict.Problem == problem, $"expected {problem}, got {verdict}");
        Assert.Equal(problem == CertificateProblem.None, verdict.Status == StatusCode.Good);
        return verdict;
    }

    private void Put(string room, X509Certificate2 certificate)
    {
        Directory.CreateDirectory(_folder["pki", room, "certs"]);
        Directory.CreateDirectory(_folder["pki", room, "crl"]);
        File.WriteAllBytes(_folder["pki", room, "certs", certificate.Thumbprint + ".der"], certificate.RawData);
    }

    private void PutRevocationList(string room, byte[] list)
    {
        Directory.CreateDirectory(_folder["pki", room, "crl"]);
        File.WriteAllBytes(_folder["pki", room, "crl", Convert.ToHexString(SHA256.HashData(list))[..16] + ".crl"], list);
    }
}
