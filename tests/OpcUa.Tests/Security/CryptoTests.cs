using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Security;

public sealed class CryptoTests
{
    [Fact]
    public void The_key_derivation_gives_the_published_answer()
    {
        // The test vector for the TLS 1.2 pseudo-random function with SHA-256; there the seed is label and seed in one.
        var secret = Hex.Bytes("9bbe436ba940f017b17652849a71db35");
        byte[] seed = [.. "test label"u8, .. Hex.Bytes("a0ba9f936cda311827a6f796ffd5198c")];
        var output = new byte[100];
        KeyDerivation.PSha256(secret, seed, output);
        Assert.Equal(
            "E3F229BA727BE17B8D122620557CD453C2AAB21D07C3D495329B52D4E61EDB5A6B301791E90D35C9C9A46B4E14BAF9AF0FA022F7077DEF17ABFD3797C0564BAB"
            + "4FBC91666E9DEF9B97FCE34F796789BAA48082D122EE42C5A72E5A5110FFF70187347B66",
            Hex.Text(output));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(80)]
    public void A_shorter_output_is_the_beginning_of_a_longer_one(int length)
    {
        var whole = new byte[100];
        var part = new byte[length];
        KeyDerivation.PSha256([1, 2, 3], [4, 5], whole);
        KeyDerivation.PSha256([1, 2, 3], [4, 5], part);
        Assert.Equal(whole[..length], part);
    }

    [Fact]
    public void Outdated_policies_do_not_exist_here()
    {
        Assert.False(SecurityPolicy.TryFind("http://opcfoundation.org/UA/SecurityPolicy#Basic128Rsa15", out _));
        Assert.False(SecurityPolicy.TryFind("Basic256", out _));
        Assert.False(SecurityPolicy.TryFind(null, out _));
        Assert.True(SecurityPolicy.TryFind("http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256", out var policy));
        Assert.Same(SecurityPolicy.Basic256Sha256, policy);
    }

    [Theory]
    [InlineData("Basic256Sha256", 2048, "")]
    [InlineData("Basic256Sha256", 2048, "pässwörd")]
    [InlineData("Aes128_Sha256_RsaOaep", 3072, "secret")]
    [InlineData("Aes256_Sha256_RsaPss", 4096, "a password of sixty-four bytes exactly, which is the longest one")]
    public void A_password_is_read_back_by_the_owner_of_the_key_alone(string policyName, int bits, string password)
    {
        var policy = ChannelPair.Policy(policyName);
        var own = TestCertificates.Server(bits);
        using var peer = TestCertificates.AsPeer(own);
        var nonce = new AnyValue(1).Filled(32);
        var plain = System.Text.Encoding.UTF8.GetBytes(password);
        Assert.Equal(StatusCode.Good, UserTokenSecret.TryEncrypt(policy, peer, plain, nonce, out var cipher));
        var stranger = TestCertificates.Client(bits);
        Assert.Equal(StatusCodes.BadIdentityTokenRejected, UserTokenSecret.TryDecrypt(policy, stranger, cipher!.ToArray(), nonce, out _));
        Assert.Equal(StatusCode.Good, UserTokenSecret.TryDecrypt(policy, own, cipher, nonce, out var read));
        Assert.Equal(password, System.Text.Encoding.UTF8.GetString(read!));
    }

    [Fact]
    public void A_password_encrypted_for_another_nonce_is_a_replay_and_refused()
    {
        var policy = SecurityPolicy.Basic256Sha256;
        var own = TestCertificates.Server();
        using var peer = TestCertificates.AsPeer(own);
        UserTokenSecret.TryEncrypt(policy, peer, "secret"u8, new byte[32], out var cipher);
        var other = new byte[32];
        other[31] = 1;
        var refused = StatusCodes.BadIdentityTokenRejected;
        Assert.Equal(refused, UserTokenSecret.TryDecrypt(policy, own, cipher!.ToArray(), other, out var password));
        Assert.Null(password);
        Assert.Equal(refused, UserTokenSecret.TryDecrypt(policy, own, cipher!.ToArray(), new byte[64], out _));
        Assert.Equal(refused, UserTokenSecret.TryDecrypt(policy, own, null, new byte[32], out _));
        Assert.Equal(refused, UserTokenSecret.TryDecrypt(policy, own, new byte[256], new byte[32], out _));
        Assert.Equal(StatusCodes.BadIdentityTokenInvalid, UserTokenSecret.TryEncrypt(policy, peer, new byte[65], null, out _));
    }

    [Theory]
    [InlineData("Basic256Sha256")]
    [InlineData("Aes256_Sha256_RsaPss")]
    public void A_session_signature_holds_for_its_certificate_and_nonce_alone(string policyName)
    {
        var policy = ChannelPair.Policy(policyName);
        var signer = TestCertificates.Server();
        using var signerAsPeer = TestCertificates.AsPeer(signer);
        var receiver = TestCertificates.Client().RawData;
        byte[] nonce = [1, 2, 3];
        var signature = SessionSignature.Create(policy, signer, receiver, nonce);
        Assert.Equal(StatusCode.Good, SessionSignature.Verify(policy, signerAsPeer, receiver, nonce, policy.SignatureUri, signature));

        // A chain counts as its first certificate, and some sign over the whole of it.
        byte[] chain = [.. receiver, .. signer.RawData];
        Assert.Equal(StatusCode.Good, SessionSignature.Verify(policy, signerAsPeer, chain, nonce, policy.SignatureUri, signature));
        var overChain = signer.Sign(policy, [.. chain, .. nonce]);
        Assert.Equal(StatusCode.Good, SessionSignature.Verify(policy, signerAsPeer, chain, nonce, policy.SignatureUri, overChain));

        var wrong = StatusCodes.BadApplicationSignatureInvalid;
        Assert.Equal(wrong, SessionSignature.Verify(policy, signerAsPeer, receiver, [1, 2, 4], policy.SignatureUri, signature));
        Assert.Equal(wrong, SessionSignature.Verify(policy, signerAsPeer, signer.RawData, nonce, policy.SignatureUri, signature));
        Assert.Equal(wrong, SessionSignature.Verify(policy, signerAsPeer, receiver, nonce, "http://other", signature));
        Assert.Equal(wrong, SessionSignature.Verify(policy, signerAsPeer, receiver, nonce, policy.SignatureUri, null));
        Assert.Equal(wrong, SessionSignature.Verify(policy, signerAsPeer, receiver, nonce, policy.SignatureUri, [1]));
        Assert.Null(SessionSignature.Create(SecurityPolicy.None, null, null, null));
    }

    [Fact]
    public void Bytes_that_are_no_certificate_are_refused()
    {
        var good = TestCertificates.Client().RawData;
        Assert.False(PeerCertificate.TryParse([], out _));
        Assert.False(PeerCertificate.TryParse(new byte[100], out _));
        Assert.False(PeerCertificate.TryParse(new byte[100_000], out _));
        Assert.False(PeerCertificate.TryParse([.. good, 1], out _));
        for (var length = 0; length < good.Length; length += 7)
        {
            Assert.False(PeerCertificate.TryParse(good.AsSpan(0, length), out _));
        }

        var random = new Random(4);
        for (var round = 0; round < 300; round++)
        {
            var changed = good.ToArray();
            changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
            if (PeerCertificate.TryParse(changed, out var parsed))
            {
                parsed.Dispose();
            }
        }
    }

    [Fact]
    public void A_chain_is_read_as_its_first_certificate_with_issuers()
    {
        byte[] chain = [.. TestCertificates.Client().RawData, .. TestCertificates.Server().RawData];
        Assert.True(PeerCertificate.TryParse(chain, out var peer));
        using (peer)
        {
            Assert.Equal(TestCertificates.Client().Thumbprint, peer.Leaf.Thumbprint);
            Assert.Equal(TestCertificates.Client().RawData, PeerCertificate.LeafOf(chain).ToArray());
        }

        byte[] tooLong = [.. Enumerable.Repeat(TestCertificates.Client().RawData, 9).SelectMany(c => c)];
        Assert.False(PeerCertificate.TryParse(tooLong, out _));
    }
}
