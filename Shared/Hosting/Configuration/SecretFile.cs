using System.Text;

namespace ZfRepl.Hosting.Configuration;

/// <summary>Reads a secret from a file that only its owner can read.</summary>
internal static class SecretFile
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>The secret without the line end behind it, or null with what is wrong and what to do.</summary>
    public static string? Read(string path, out string problem, out string remedy)
    {
        remedy = "give the path of a file that the service's account can read";
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(stream.SafeFileHandle) & Others) != UnixFileMode.None)
            {
                problem = $"the secret's file {path} is open to other accounts";
                remedy = $"chmod 600 {path}";
                return null;
            }

            return Content(stream, path, out problem, ref remedy);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problem = $"the secret's file {path} is not there";
            remedy = "write the secret into it, mode 0600 (a key: zfrepl key new), or give another path";
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"the secret's file cannot be read: {e.Message}";
            return null;
        }
    }

    private static string? Content(FileStream stream, string path, out string problem, ref string remedy)
    {
        problem = "";
        if (!stream.CanSeek || stream.Length > ConfigLimits.SecretBytesMax)
        {
            problem = $"the secret's file {path} is not a file of at most {ConfigLimits.SecretBytesMax} bytes";
            return null;
        }

        using var reader = new StreamReader(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        var buffer = new char[ConfigLimits.SecretBytesMax];
        var secret = new string(buffer, 0, reader.ReadBlock(buffer)).TrimEnd('\r', '\n');
        if (secret.Length > 0)
        {
            return secret;
        }

        problem = $"the secret's file {path} is empty";
        remedy = "write the secret into it (a key: zfrepl key new)";
        return null;
    }
}
