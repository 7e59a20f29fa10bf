using System.Security.Cryptography.X509Certificates;

namespace ZfRepl.OpcUa.Security.Pki;

/// <summary>
/// Files of a PKI folder. A file is written aside, straight through to the disk, and then renamed, so that under its name there is either
/// the whole content or nothing. (A lost rename only means that the file is made again.)
/// </summary>
internal static class PkiFile
{
    public const string CertificatePattern = "*.der";
    public const string KeyExtension = ".pem";

    private const int NameCharactersMax = 60;

    /// <summary>Makes a folder, readable for the owner alone when it holds keys.</summary>
    public static void CreateFolder(string path, bool secret = false)
    {
        if (secret && !OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        else
        {
            Directory.CreateDirectory(path);
        }
    }

    /// <summary>Writes a file; with <paramref name="secret"/> only the owner may ever read it, also while it is being written.</summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, bool secret = false)
    {
        var aside = path + ".tmp";
        File.Delete(aside);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Options = FileOptions.WriteThrough,
            BufferSize = 0,
        };
        if (secret && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(aside, options))
        {
            file.Write(content);
        }

        File.Move(aside, path, overwrite: true);
    }

    /// <summary>A file's content, or null when it is larger than allowed.</summary>
    public static byte[]? ReadBounded(FileInfo file, int bytesMax) => file.Length > bytesMax ? null : File.ReadAllBytes(file.FullName);

    /// <summary><c>Name [THUMBPRINT]</c> without an extension; the name is a stranger's, so only harmless characters are kept.</summary>
    public static string NameOf(X509Certificate2 certificate)
    {
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        var kept = name.Where(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '_').Take(NameCharactersMax).ToArray();
        return $"{new string(kept).Trim()} [{certificate.Thumbprint}]".TrimStart();
    }
}
