using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace ZfRepl.Core.Transfer;

/// <summary>
/// A shared secret of source and target, with an id. Keys in use are random; a text that is too short or too regular to be random is
/// refused, since everything sealed with it could be opened by guessing. Immutable; never printed.
/// </summary>
public sealed class ApiKey
{
    /// <summary>The fewest characters: 22 of base64 carry 128 bits.</summary>
    public const int MinChars = 22;

    /// <summary>The longest id, in bytes.</summary>
    public const int MaxIdBytes = 64;

    private const int MaxChars = 1024;
    private const int MinDistinctChars = 10;
    private const string GeneratedPrefix = "zfk_";
    private const int GeneratedBytes = 32;
    private const int CheckChars = 6;

    private readonly byte[] _secret;

    private ApiKey(string id, string text)
    {
        Id = id;
        _secret = Encoding.UTF8.GetBytes(text);
    }

    /// <summary>The key's id: it names the key on the wire.</summary>
    public string Id { get; }

    /// <summary>Makes a new random key text of 256 bits with a checksum, so that a typing error is noticed.</summary>
    public static string Generate()
    {
        var body = ToBase64Url(RandomNumberGenerator.GetBytes(GeneratedBytes));
        return $"{GeneratedPrefix}{body}{Check(body)}";
    }

    /// <summary>Takes a key text into use.</summary>
    /// <param name="id">The id, 1 to <see cref="MaxIdBytes"/> bytes.</param>
    /// <param name="text">The secret; white space around it is dropped.</param>
    /// <param name="key">The key, when true is returned.</param>
    /// <param name="error">Why not, as a sentence that does not repeat the secret, when false is returned.</param>
    public static bool TryCreate(string id, string text, [NotNullWhen(true)] out ApiKey? key, [NotNullWhen(false)] out string? error)
    {
        key = null;
        text = text.Trim();
        if (id.Length == 0 || Encoding.UTF8.GetByteCount(id) > MaxIdBytes)
        {
            error = $"a key id has 1 to {MaxIdBytes} bytes";
            return false;
        }

        if (text.Length is < MinChars or > MaxChars)
        {
            error = $"key '{id}' has {text.Length} characters; a random key of at least 128 bits has {MinChars} or more";
            return false;
        }

        if (text.Distinct().Count() < MinDistinctChars)
        {
            error = $"key '{id}' repeats so few characters that it can't be random";
            return false;
        }

        if (text.StartsWith(GeneratedPrefix, StringComparison.Ordinal))
        {
            var body = text[GeneratedPrefix.Length..];
            if (body.Length <= CheckChars || !body.EndsWith(Check(body[..^CheckChars]), StringComparison.Ordinal))
            {
                error = $"key '{id}' was mistyped or cut: its checksum does not match";
                return false;
            }
        }

        key = new ApiKey(id, text);
        error = null;
        return true;
    }

    /// <summary>Derives bytes from the secret (HKDF-SHA256, RFC 5869).</summary>
    internal void Derive(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, output, salt, info);

    /// <inheritdoc/>
    public override string ToString() => $"key {Id}";

    private static string Check(string body) => ToBase64Url(SHA256.HashData(Encoding.ASCII.GetBytes(body)))[..CheckChars];

    private static string ToBase64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
