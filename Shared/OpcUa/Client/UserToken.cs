using System.Security.Cryptography;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Who the user is, in the form that ActivateSession takes; passwords are encrypted for the server.</summary>
internal static class UserToken
{
    public static UaResult<ExtensionObject> Create(UaClientOptions options, EndpointChoice choice, byte[]? serverNonce)
    {
        if (options.UserName is null)
        {
            return ExtensionCodec.Pack(new AnonymousIdentityToken { PolicyId = choice.Token.PolicyId });
        }

        var password = System.Text.Encoding.UTF8.GetBytes(options.Password ?? "");
        if (choice.TokenPolicy.IsNone)
        {
            return Pack(options, choice, password, null);
        }

        try
        {
            if (!PeerCertificate.TryParse(choice.Endpoint.ServerCertificate, out var server))
            {
                return new UaError(StatusCodes.BadCertificateInvalid, "the server gave no certificate to encrypt the password for");
            }

            using (server)
            {
                var status = UserTokenSecret.TryEncrypt(choice.TokenPolicy, server, password, serverNonce, out var cipher);
                return status.IsBad
                    ? new UaError(status, $"the password cannot be encrypted; at most {UserTokenSecret.PasswordBytesMax} bytes are possible")
                    : Pack(options, choice, cipher, choice.TokenPolicy.EncryptionUri);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(password);
        }
    }

    private static ExtensionObject Pack(UaClientOptions options, EndpointChoice choice, byte[]? password, string? algorithm) =>
        ExtensionCodec.Pack(new UserNameIdentityToken
        {
            PolicyId = choice.Token.PolicyId,
            UserName = options.UserName,
            Password = password,
            EncryptionAlgorithm = algorithm,
        });
}
