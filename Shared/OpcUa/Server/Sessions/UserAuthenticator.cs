using System.Security.Cryptography;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>Checks who the user of a session is (OPC 10000-4, 7.40). Thread-safe.</summary>
internal sealed class UserAuthenticator(UaServerOptions options)
{
    public const string AnonymousPolicyId = "anonymous";
    public const string UserNamePolicyId = "username";

    /// <summary>The kinds of users that an endpoint takes.</summary>
    public UserTokenPolicy[] PoliciesOf(SecurityPolicy policy)
    {
        var list = new List<UserTokenPolicy>();
        if (options.AllowAnonymous)
        {
            list.Add(new UserTokenPolicy { PolicyId = AnonymousPolicyId, TokenType = UserTokenType.Anonymous });
        }

        if (options.Users.Count > 0)
        {
            list.Add(new UserTokenPolicy
            {
                PolicyId = UserNamePolicyId,
                TokenType = UserTokenType.UserName,
                SecurityPolicyUri = SecretPolicyOf(policy).Uri,
            });
        }

        return [.. list];
    }

    /// <summary>Judges an identity token.</summary>
    /// <param name="token">What the client sent.</param>
    /// <param name="channelPolicy">The policy of the channel.</param>
    /// <param name="nonce">The nonce that this server gave out last.</param>
    /// <param name="user">The user; null for nobody in particular.</param>
    /// <returns>Good; BadIdentityTokenInvalid, BadIdentityTokenRejected or BadUserAccessDenied.</returns>
    public StatusCode Check(ExtensionObject? token, SecurityPolicy channelPolicy, byte[] nonce, out string? user)
    {
        user = null;
        if (token is null || token.TypeId.IsNull || ExtensionCodec.Is<AnonymousIdentityToken>(token))
        {
            return options.AllowAnonymous ? StatusCode.Good : StatusCodes.BadIdentityTokenRejected;
        }

        if (!ExtensionCodec.Is<UserNameIdentityToken>(token) || options.Users.Count == 0)
        {
            return StatusCodes.BadIdentityTokenRejected;
        }

        _ = ExtensionCodec.TryUnpack<UserNameIdentityToken>(token, DecodeLimits.Default, out var name);
        if (name?.UserName is null || (!string.IsNullOrEmpty(name.PolicyId) && name.PolicyId != UserNamePolicyId))
        {
            return StatusCodes.BadIdentityTokenInvalid;
        }

        var status = TryReadPassword(name, SecretPolicyOf(channelPolicy), nonce, out var password);
        if (status.IsBad)
        {
            return status;
        }

        status = IsRight(name.UserName, password) ? StatusCode.Good : StatusCodes.BadUserAccessDenied;
        CryptographicOperations.ZeroMemory(password);
        user = status.IsGood ? name.UserName : null;
        return status;
    }

    /// <summary>Passwords are encrypted whenever there is a key for it, over an open channel too.</summary>
    private SecurityPolicy SecretPolicyOf(SecurityPolicy channelPolicy) =>
        channelPolicy.IsNone && options.Certificate is not null ? SecurityPolicy.Basic256Sha256 : channelPolicy;

    private StatusCode TryReadPassword(UserNameIdentityToken token, SecurityPolicy policy, byte[] nonce, out byte[] password)
    {
        password = [];
        if (policy.IsNone)
        {
            password = token.Password ?? [];
            return string.IsNullOrEmpty(token.EncryptionAlgorithm) ? StatusCode.Good : StatusCodes.BadIdentityTokenInvalid;
        }

        if (token.EncryptionAlgorithm != policy.EncryptionUri)
        {
            return StatusCodes.BadIdentityTokenInvalid;
        }

        var status = UserTokenSecret.TryDecrypt(policy, options.Certificate!, token.Password, nonce, out var plain);
        password = plain ?? [];
        return status;
    }

    /// <summary>Takes as long for an unknown user as for a wrong password.</summary>
    private bool IsRight(string user, byte[] password)
    {
        var known = options.Users.TryGetValue(user, out var expected);
        var same = CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(password), SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(expected ?? "")));
        return known && same;
    }
}
