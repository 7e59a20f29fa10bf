using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Security;

public sealed class PkiFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly PkiFolder _pki;

    public PkiFolderTests() => _pki = new PkiFolder(_folder["pki"], _time);

    [Fact]
    public void The_first_run_makes_a_certificate_and_the_second_opens_it()
    {
        var first = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:a"));
        using var made = first.Certificate!;
        Assert.True(first.Created);
        Assert.Null(first.Problem);
        var second = new PkiFolder(_folder["pki"], _time).OpenOrCreateOwn(TestCertificates.Options("urn:a"));
        using var opened = second.Certificate!;
        Assert.False(second.Created);
        Assert.Equal(made.Thumbprint, opened.Thumbprint);
        Assert.Equal("urn:a", opened.ApplicationUri);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Only_the_owner_may_read_the_private_key()
    {
        using var own = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:a")).Certificate!;
        var key = Assert.Single(Directory.GetFiles(_folder["pki", "own", "private"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder["pki", "own", "private"]));
        Assert.EndsWith($"[{own.Thumbprint}].pem", key, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder["pki"], "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void The_certificate_has_what_other_stacks_look_for()
    {
        using var own = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:machine:ZfRepl") with { KeyBits = 3072 }).Certificate!;
        var certificate = own.Certificate;
        var names = SubjectNames.Read(certificate);
        Assert.Equal("urn:machine:ZfRepl", names.ApplicationUri);
        Assert.Equal(["localhost"], names.HostNames);
        Assert.Equal([System.Net.IPAddress.Loopback], names.Addresses);
        Assert.Equal(3072, certificate.GetRSAPublicKey()!.KeySize);
        Assert.Equal(3, certificate.Version);
        Assert.Equal("1.2.840.113549.1.1.11", certificate.SignatureAlgorithm.Value);
        Assert.Equal(_time.GetUtcNow().AddHours(-1).UtcDateTime, certificate.NotBefore.ToUniversalTime());
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        var usage = certificate.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages;
        const X509KeyUsageFlags wanted = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation
            | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.DataEncipherment;
        Assert.True(usage.HasFlag(wanted));
        var extended = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>();
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], extended.Select(o => o.Value!));
        Assert.Single(certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>());
    }

    [Fact]
    public void An_application_uri_is_written_letter_by_letter()
    {
        using var own = _pki.OpenOrCreateOwn(TestCertificates.Options("http://HOST/Mixed Case%20?x")).Certificate!;
        Assert.Equal("http://HOST/Mixed Case%20?x", own.ApplicationUri);
    }

    [Fact]
    public void Another_application_uri_gets_another_certificate()
    {
        using var a = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:a")).Certificate!;
        var second = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:b"));
        using var b = second.Certificate!;
        Assert.True(second.Created);
        Assert.NotEqual(a.Thumbprint, b.Thumbprint);
        using var again = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:a")).Certificate!;
        Assert.Equal(a.Thumbprint, again.Thumbprint);
    }

    [Fact]
    public void A_certificate_whose_key_is_lost_or_broken_is_replaced_and_named()
    {
        using (_pki.OpenOrCreateOwn(TestCertificates.Options("urn:a")).Certificate)
        {
            File.Delete(Assert.Single(Directory.GetFiles(_folder["pki", "own", "private"])));
        }

        var second = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:a"));
        using (second.Certificate)
        {
            Assert.True(second.Created);
            Assert.Contains("Passed over", second.Problem, StringComparison.Ordinal);
            File.WriteAllText(Assert.Single(Directory.GetFiles(_folder["pki", "own", "private"])), "no key");
        }

        using var third = _pki.OpenOrCreateOwn(TestCertificates.Options("urn:a")).Certificate;
        Assert.NotNull(third);
    }

    [Fact]
    public void A_crash_while_writing_leaves_no_half_file_behind()
    {
        Directory.CreateDirectory(_folder["x"]);
        var path = _folder["x", "file.der"];
        File.WriteAllText(path + ".tmp", "half of an older attempt, longer than the new content");
        PkiFile.Write(path, "whole"u8);
        Assert.Equal("whole", File.ReadAllText(path));
        Assert.False(File.Exists(path + ".tmp"));
    }

    [Fact]
    public void A_folder_that_cannot_be_used_is_a_result_with_a_sentence()
    {
        File.WriteAllText(_folder["occupied"], "a file where the folder should be");
        var result = new PkiFolder(_folder["occupied"], _time).OpenOrCreateOwn(TestCertificates.Options("urn:a"));
        Assert.Null(result.Certificate);
        Assert.Contains("occupied", result.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_do_not_fit_into_a_certificate_are_a_programming_error()
    {
        Assert.Throws<ArgumentException>(() => _pki.OpenOrCreateOwn(TestCertificates.Options("urn:ä")));
        Assert.Throws<ArgumentOutOfRangeException>(() => _pki.OpenOrCreateOwn(TestCertificates.Options("urn:a") with { KeyBits = 1024 }));
    }

    public void Dispose() => _folder.Dispose();
}
