using System.Text;

namespace ZfRepl.Hosting.Configuration;

/// <summary>Reads a text file of bounded size; all that can go wrong is reported.</summary>
internal static class ConfigFile
{
    /// <summary>The text, or null after an error was reported.</summary>
    public static string? Read(string path, ConfigReport report, out bool isOpenToOthers)
    {
        isOpenToOthers = false;
        if (Directory.Exists(path))
        {
            report.Error(ConfigCodes.Unreadable, ConfigPlace.Start, "", "this is a folder", "name the service files in it");
            return null;
        }

        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            isOpenToOthers = !OperatingSystem.IsWindows() &&
                (File.GetUnixFileMode(stream.SafeFileHandle) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != UnixFileMode.None;
            return ReadBytes(stream, report) is { } bytes ? Decode(bytes, report) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            report.Error(
                ConfigCodes.Unreadable, ConfigPlace.Start, "", $"the file cannot be read: {e.Message}", "check the path and the account's rights");
            return null;
        }
    }

    public static void ReportTooLarge(ConfigReport report) => report.Error(
        ConfigCodes.Limit, ConfigPlace.Start, "", $"the file is larger than {ConfigLimits.FileBytesMax / 1024 / 1024} MiB", "split it");

    private static byte[]? ReadBytes(FileStream stream, ConfigReport report)
    {
        // A pipe or a device tells no length, so the read itself is bounded as well.
        if (!stream.CanSeek || stream.Length <= ConfigLimits.FileBytesMax)
        {
            var bytes = new byte[ConfigLimits.FileBytesMax + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length <= ConfigLimits.FileBytesMax)
            {
                return bytes[..length];
            }
        }

        ReportTooLarge(report);
        return null;
    }

    private static string? Decode(byte[] bytes, ConfigReport report)
    {
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\ufeff');
        }
        catch (DecoderFallbackException e)
        {
            var before = bytes.AsSpan(0, Math.Clamp(e.Index, 0, bytes.Length));
            var place = new ConfigPlace(before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n'));
            report.Error(ConfigCodes.Syntax, place, "", "the text is not UTF-8", "save the file as UTF-8");
            return null;
        }
    }
}
