using System.Buffers.Binary;
using System.Security.Cryptography;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The encryption of a password in an identity token: its length and the server's last nonce go in with it, so that it cannot be replayed
/// (OPC 10000-4, 7.40.2.2). It protects the password even on an open channel.
/// </summary>
internal static class UserTokenSecret
{
    /// <summary>What exceeds this needs a newer format, which is not supported.</summary>
    public const int PasswordBytesMax = 64;

    /// <summary>Encrypts a password for the server.</summary>
    /// <returns>BadIdentityTokenInvalid when the password is too long; BadCertificateInvalid when the server's key is unusable.</returns>
    public static StatusCode TryEncrypt(
        SecurityPolicy policy, PeerCertificate server, ReadOnlySpan<byte> password, byte[]? serverNonce, out byte[]? cipher)
    {
        cipher = null;
        if (password.Length > PasswordBytesMax)
        {
            return StatusCodes.BadIdentityTokenInvalid;
        }

        var nonce = serverNonce ?? [];
        var plain = new byte[sizeof(uint) + password.Length + nonce.Length];
        BinaryPrimitives.WriteInt32LittleEndian(plain, password.Length + nonce.Length);
        password.CopyTo(plain.AsSpan(sizeof(uint)));
        nonce.CopyTo(plain.AsSpan(sizeof(uint) + password.Length));
        try
        {
            cipher = AsymmetricCrypto.Encrypt(policy, server.PublicKey, plain, lastMayBeShort: true);
            return StatusCode.Good;
        }
        catch (CryptographicException)
        {
            return StatusCodes.BadCertificateInvalid;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>
    /// Decrypts what a client sent; <paramref name="cipher"/> is overwritten. The caller wipes the password when it has compared it.
    /// </summary>
    /// <param name="policy">The policy of the user token.</param>
    /// <param name="own">The server's certificate.</param>
    /// <param name="cipher">The encrypted password.</param>
    /// <param name="serverNonce">The nonce that this server gave out last.</param>
    /// <param name="password">The password in UTF-8.</param>
    /// <returns>BadIdentityTokenRejected whatever went wrong.</returns>
    public static StatusCode TryDecrypt(
        SecurityPolicy policy, ApplicationCertificate own, byte[]? cipher, ReadOnlySpan<byte> serverNonce, out byte[]? password)
    {
        password = null;
        if (cipher is null || !own.TryDecryptInPlace(policy, cipher, out var plainBytes) || plainBytes < sizeof(uint))
        {
            return StatusCodes.BadIdentityTokenRejected;
        }

        // Some clients pad the last block, so more bytes than announced may follow.
        var announced = BinaryPrimitives.ReadUInt32LittleEndian(cipher);
        var passwordBytes = announced - (long)serverNonce.Length;
        if (announced > plainBytes - sizeof(uint) || passwordBytes < 0)
        {
            return StatusCodes.BadIdentityTokenRejected;
        }

        var secret = cipher.AsSpan(sizeof(uint), (int)announced);
        if (!CryptographicOperations.FixedTimeEquals(secret[(int)passwordBytes..], serverNonce))
        {
            return StatusCodes.BadIdentityTokenRejected;
        }

        password = secret[..(int)passwordBytes].ToArray();
        CryptographicOperations.ZeroMemory(cipher);
        return StatusCode.Good;
    }
}
