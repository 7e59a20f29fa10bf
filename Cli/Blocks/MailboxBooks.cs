using System.Text.Json;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Cli.Blocks;

/// <summary>Which stream the books of a mailbox's folder name. Reads each folder once. Not thread-safe.</summary>
internal sealed class MailboxBooks
{
    private const string FileName = "mailbox.state";
    private const int MaxBytes = 16 * 1024 * 1024;

    private readonly Dictionary<string, (string Books, StreamId Stream)?> _known = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];

    /// <summary>Books that are there and can't be read.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>The books beside a file; null where there are none, or they can't be read.</summary>
    public (string Books, StreamId Stream)? Of(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!_known.TryGetValue(folder, out var books))
        {
            books = Read(Path.Combine(folder, FileName));
            _known.Add(folder, books);
        }

        return books;
    }

    private (string Books, StreamId Stream)? Read(string path)
    {
        var line = CheckedFile.Read(DiskStorage.Instance, path, MaxBytes, out var damage);
        if (!line.IsOk)
        {
            _problems.Add($"the folder's books can't be read: {line.Error}");
            return null;
        }

        if (damage is null && line.Value is null)
        {
            return null;
        }

        if (line.Value is { } json && StreamOf(json) is { } stream)
        {
            return (path, stream);
        }

        _problems.Add($"the folder's books are damaged: {path}: {damage ?? "they name no stream"}; the collector makes them anew at its next start");
        return null;
    }

    private static StreamId? StreamOf(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("stream", out var text) && text.ValueKind == JsonValueKind.String
                && StreamId.TryParse(text.GetString()!, out var stream)
                ? stream
                : null;
        }
        catch (JsonException)
        {
            // What it means is said above.
            return null;
        }
    }
}
