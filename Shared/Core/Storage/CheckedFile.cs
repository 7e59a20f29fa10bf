using System.Globalization;
using System.Text;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Storage;

/// <summary>
/// Small files of one line of text and one line with its CRC-32C in hexadecimal, written so that after a crash there is the old content or
/// the new one. Stateless.
/// </summary>
public static class CheckedFile
{
    private const int CheckDigits = 8;

    /// <summary>Writes a file durably.</summary>
    /// <param name="storage">The files.</param>
    /// <param name="path">The file.</param>
    /// <param name="line">The content, without a line break.</param>
    public static StorageResult Write(IStorage storage, string path, ReadOnlySpan<byte> line)
    {
        var check = Encoding.ASCII.GetBytes($"\n{Crc32C.Compute(line).ToString("x8", CultureInfo.InvariantCulture)}\n");
        return StorageFiles.WriteDurably(storage, path, [.. line, .. check]);
    }

    /// <summary>Reads a file.</summary>
    /// <param name="storage">The files.</param>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">What is longer counts as damaged.</param>
    /// <param name="damage">What is wrong with the content when it is damaged, else null.</param>
    /// <returns>The line; null when there is no file or it is damaged; an error when it can't be read.</returns>
    public static StorageResult<byte[]?> Read(IStorage storage, string path, int maxBytes, out string? damage)
    {
        damage = null;
        var content = StorageFiles.ReadAll(storage, path, maxBytes);
        if (content is { IsOk: false, Error.Errno: Errno.InputOutput })
        {
            // A cable or a controller may have hung for a moment: a bad place of the disk stays one.
            content = StorageFiles.ReadAll(storage, path, maxBytes);
        }

        if (!content.IsOk)
        {
            if (content.Error.Errno is 0 or Errno.InputOutput)
            {
                // Longer than any such file, or in a bad place of the disk: as good as damaged.
                damage = content.Error.ToString();
                return (byte[]?)null;
            }

            return content.Error.IsNotFound ? (byte[]?)null : content.Error;
        }

        var bytes = content.Value.AsSpan();
        var end = bytes.IndexOf((byte)'\n');
        if (end >= 0
            && bytes.Length > end + CheckDigits
            && uint.TryParse(bytes.Slice(end + 1, CheckDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var check)
            && check == Crc32C.Compute(bytes[..end]))
        {
            return bytes[..end].ToArray();
        }

        damage = "its checksum does not match";
        return (byte[]?)null;
    }
}
