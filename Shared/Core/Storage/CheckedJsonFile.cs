using System.Text.Json;

namespace ZfRepl.Core.Storage;

/// <summary>A small file of one line of JSON and one line with its CRC-32C in hexadecimal, written durably. Stateless.</summary>
public static class CheckedJsonFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
    };

    /// <summary>Writes the file aside, durably, and renames it into its place.</summary>
    public static StorageResult Write<T>(IStorage storage, string path, T content) =>
        CheckedFile.Write(storage, path, JsonSerializer.SerializeToUtf8Bytes(content, Json));

    /// <summary>Reads the file.</summary>
    /// <param name="storage">Where it is.</param>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">The most bytes that it may have.</param>
    /// <param name="damage">How it is damaged, or null.</param>
    /// <returns>The content; null when there is no file or it is damaged; an error when it can't be read.</returns>
    public static StorageResult<T?> Read<T>(IStorage storage, string path, int maxBytes, out string? damage)
        where T : class
    {
        var line = CheckedFile.Read(storage, path, maxBytes, out damage);
        if (!line.IsOk)
        {
            return line.Error;
        }

        if (line.Value is not { } bytes)
        {
            return (T?)null;
        }

        try
        {
            var value = JsonSerializer.Deserialize<T>(bytes, Json);
            damage = value is null ? "it is empty" : null;
            return value;
        }
        catch (JsonException e)
        {
            damage = e.Message;
            return (T?)null;
        }
    }
}
