using System.Globalization;
using System.Text;
using System.Text.Json;
using ZfRepl.Core.Bytes;

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
    public static StorageResult Write<T>(IStorage storage, string path, T content)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(content, Json);
        var check = Encoding.ASCII.GetBytes($"\n{Crc32C.Compute(line).ToString("x8", CultureInfo.InvariantCulture)}\n");
        return StorageFiles.WriteDurably(storage, path, [.. line, .. check]);
    }

    /// <summary>Reads the file.</summary>
    /// <param name="storage">Where it is.</param>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">The most bytes that it may have.</param>
    /// <param name="damage">How it is damaged, or null.</param>
    /// <returns>The content; null when there is no file or it is damaged; an error when it can't be read.</returns>
    public static StorageResult<T?> Read<T>(IStorage storage, string path, int maxBytes, out string? damage)
        where T : class
    {
        damage = null;
        var content = StorageFiles.ReadAll(storage, path, maxBytes);
        if (!content.IsOk)
        {
            if (content.Error.Errno is 0 or Errno.InputOutput)
            {
                // Longer than any such file, or in a bad place of the disk: as good as damaged.
                damage = content.Error.Detail;
                return (T?)null;
            }

            return content.Error.IsNotFound ? (T?)null : content.Error;
        }

        var bytes = content.Value.AsSpan();
        var end = bytes.IndexOf((byte)'\n');
        if (end < 0
            || bytes.Length < end + 9
            || !uint.TryParse(bytes.Slice(end + 1, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var check)
            || check != Crc32C.Compute(bytes[..end]))
        {
            damage = "its checksum does not match";
            return (T?)null;
        }

        try
        {
            var value = JsonSerializer.Deserialize<T>(bytes[..end], Json);
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
