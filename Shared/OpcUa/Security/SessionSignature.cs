using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The proofs in CreateSession and ActivateSession that both sides own the certificates of the channel: a signature over the receiver's
/// certificate and its last nonce (OPC 10000-4, 5.7.2 and 5.7.3).
/// </summary>
internal static class SessionSignature
{
    /// <summary>Signs for the other side; null with policy None, where nothing is signed.</summary>
    public static byte[]? Create(SecurityPolicy policy, ApplicationCertificate? own, byte[]? receiverCertificate, byte[]? receiverNonce) =>
        policy.IsNone ? null : own!.Sign(policy, [.. PeerCertificate.LeafOf(receiverCertificate), .. receiverNonce ?? []]);

    /// <summary>Checks the other side's signature over our certificate and our nonce.</summary>
    /// <returns>Good, or BadApplicationSignatureInvalid.</returns>
    public static StatusCode Verify(
        SecurityPolicy policy, PeerCertificate? signer, byte[]? ownCertificate, byte[]? ownNonce, string? algorithm, byte[]? signature)
    {
        if (policy.IsNone)
        {
            return StatusCode.Good;
        }

        if (signature is null || algorithm != policy.SignatureUri)
        {
            return StatusCodes.BadApplicationSignatureInvalid;
        }

        // Old implementations sign over the whole chain instead of the leaf.
        var leaf = PeerCertificate.LeafOf(ownCertificate);
        var valid = AsymmetricCrypto.Verify(policy, signer!.PublicKey, [.. leaf, .. ownNonce ?? []], signature)
            || (leaf.Length != ownCertificate?.Length
                && AsymmetricCrypto.Verify(policy, signer.PublicKey, [.. ownCertificate ?? [], .. ownNonce ?? []], signature));
        return valid ? StatusCode.Good : StatusCodes.BadApplicationSignatureInvalid;
    }
}
