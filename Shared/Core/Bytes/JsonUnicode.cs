using System.Text.Json;

namespace ZfRepl.Core.Bytes;

/// <summary>
/// The parser of JSON takes bytes and escapes for text that are none (half a surrogate pair, broken UTF-8), and throws only when somebody asks
/// for the string. What comes from outside is asked once, here, before anybody works with it. Stateless.
/// </summary>
public static class JsonUnicode
{
    /// <summary>True if every text and every name in a value is text.</summary>
    /// <param name="json">The value; its depth is what its parser allowed.</param>
    public static bool IsValid(JsonElement json)
    {
        try
        {
            Read(json);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static void Read(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in json.EnumerateObject())
                {
                    _ = property.Name;
                    Read(property.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray())
                {
                    Read(item);
                }

                break;
            case JsonValueKind.String:
                _ = json.GetString();
                break;
            default:
                break;
        }
    }
}
