using System.Text;
using System.Text.Json;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Proof;

/// <summary>
/// A JSON document with a signature (docs/proof.md). There is one way to write it down: a file in which a single character differs is
/// refused, wherever the character stands. Immutable.
/// </summary>
public sealed class SignedDocument
{
    /// <summary>The largest document that is taken.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    private const string Algorithm = "ecdsa-p256-sha256";
    private const int MaxDepth = 32;

    private SignedDocument(string format, string content, string key, string signature)
    {
        Format = format;
        Content = content;
        Key = key;
        Text = $"{{\"format\":\"{format}\",\n\"content\":{content},\n\"signature\":{{\"algorithm\":\"{Algorithm}\",\"key\":\"{key}\",\"value\":\"{signature}\"}}}}\n";
    }

    /// <summary>What the document is, with its version: <c>zfrepl-proof/1</c>.</summary>
    public string Format { get; }

    /// <summary>The content, a JSON value, as it was signed.</summary>
    public string Content { get; }

    /// <summary>The public key that the signature fits, as base64 of its SubjectPublicKeyInfo.</summary>
    public string Key { get; }

    /// <summary>The whole document.</summary>
    public string Text { get; }

    /// <summary>Signs a content.</summary>
    public static SignedDocument Sign(string format, string content, ProofKey key) =>
        new(format, content, key.PublicText, Convert.ToBase64String(key.Sign(BytesToSign(format, content))));

    /// <summary>Reads a document and checks its signature by the key that it carries.</summary>
    /// <param name="text">The document.</param>
    /// <param name="format">What it has to be.</param>
    /// <param name="document">The document, when its signature is right.</param>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? TryRead(string text, string format, out SignedDocument? document)
    {
        document = null;
        if (Encoding.UTF8.GetByteCount(text) > MaxBytes)
        {
            return $"it is larger than {MaxBytes} bytes";
        }

        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth });
            var root = json.RootElement;
            if (!JsonUnicode.IsValid(root))
            {
                return "a text in it is none";
            }

            if (root.ValueKind != JsonValueKind.Object || ReadText(root, "format") is not { } found)
            {
                return "it is no signed document of this program";
            }

            if (found != format)
            {
                return $"it is of format '{OneLine(found)}', expected is {format}";
            }

            if (!root.TryGetProperty("content", out var content)
                || !root.TryGetProperty("signature", out var signature) || signature.ValueKind != JsonValueKind.Object
                || ReadText(signature, "key") is not { } key
                || ReadText(signature, "value") is not { } value
                || ReadText(signature, "algorithm") != Algorithm)
            {
                return "its signature is missing or of another kind";
            }

            var read = new SignedDocument(format, content.GetRawText(), key, value);
            if (read.Text != text)
            {
                return "it was changed: it is not written as this program writes it";
            }

            if (!ProofKey.Verify(key, BytesToSign(format, read.Content), value))
            {
                return "the signature does not fit: the content, the key or the signature was changed";
            }

            document = read;
            return null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            // The parser's word for half a surrogate pair in the text itself is an argument that is none.
            return $"it is no JSON: {OneLine(e.Message)}";
        }
    }

    private static string? ReadText(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string OneLine(string text) => text.ReplaceLineEndings(" ") is var line && line.Length <= 200 ? line : line[..200];

    private static byte[] BytesToSign(string format, string content) => Encoding.UTF8.GetBytes($"{format}\n{content}");
}
