using System.Globalization;

namespace ZfRepl.OpcUa.Types;

/// <summary>A short text of a value for logs and error messages; not meant to be read back.</summary>
internal static class VariantText
{
    private const int CharactersMax = 100;

    public static string Format(Variant value) => value.Shape switch
    {
        VariantShape.Array => value.Elements is { } list ? $"{value.Type}[{list.Length}]" : $"{value.Type}[] null",
        VariantShape.Matrix => $"{value.Type}[{string.Join(',', value.Dimensions)}]",
        _ => value.IsNull ? "Null" : $"{value.Type} {Cut(Scalar(value))}",
    };

    private static string Scalar(Variant value) => value.Type switch
    {
        BuiltInType.Boolean => value.ScalarBits != 0 ? "true" : "false",
        BuiltInType.SByte or BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64 =>
            unchecked((long)value.ScalarBits).ToString(CultureInfo.InvariantCulture),
        BuiltInType.Float => value.GetFloat().ToString("R", CultureInfo.InvariantCulture),
        BuiltInType.Double => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        BuiltInType.DateTime => value.GetDateTime().ToString(),
        BuiltInType.StatusCode => value.GetStatusCode().ToString(),
        BuiltInType.ByteString => value.Reference is byte[] bytes ? $"({bytes.Length} bytes)" : "null",
        _ when Variant.IsBitsType(value.Type) => value.ScalarBits.ToString(CultureInfo.InvariantCulture),
        _ => value.Reference?.ToString() ?? "null",
    };

    private static string Cut(string text) => text.Length <= CharactersMax ? text : text[..CharactersMax] + "…";
}
