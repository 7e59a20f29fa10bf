using System.Buffers;
using System.Globalization;
using System.Text.Json;
using ZfRepl.Core.History;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Sinks;

/// <summary>
/// How far a file of JSON lines is good: its length, and the sequence numbers of each stream whose events are in it. Kept in a small
/// file beside it, written durably after the lines are.
/// </summary>
internal sealed class JsonLinesPosition
{
    private const int MaxBytes = 64 * 1024 * 1024;

    private readonly Dictionary<ulong, SequenceSet> _written = [];

    /// <summary>The file's length up to which every line is wanted, in bytes.</summary>
    public long LengthBytes { get; set; }

    /// <summary>The sequence numbers written of a stream. Streams are told apart by the tag that frames carry.</summary>
    public SequenceSet Written(ulong streamTag)
    {
        if (!_written.TryGetValue(streamTag, out var set))
        {
            set = new SequenceSet();
            _written.Add(streamTag, set);
        }

        return set;
    }

    /// <summary>Reads a position.</summary>
    /// <returns>The position; null when there is none yet; an error when it can't be read, or is not one.</returns>
    public static StorageResult<JsonLinesPosition?> Read(IStorage storage, string path)
    {
        var bytes = StorageFiles.ReadAll(storage, path, MaxBytes);
        if (!bytes.IsOk)
        {
            return bytes.Error.IsNotFound ? (JsonLinesPosition?)null : bytes.Error;
        }

        try
        {
            using var json = JsonDocument.Parse(bytes.Value);
            return Parse(json.RootElement) ?? Unusable("it does not have the fields of a position");
        }
        catch (JsonException e)
        {
            return Unusable(e.Message);
        }

        StorageResult<JsonLinesPosition?> Unusable(string why) => new StorageError(
            StorageOperation.Read, path, 0, $"{why}; if it is deleted, lines that are repeated from now on are written again");
    }

    /// <summary>Writes the position durably.</summary>
    public StorageResult Write(IStorage storage, string path)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("length_bytes", LengthBytes);
            json.WriteStartObject("streams");
            foreach (var (tag, set) in _written)
            {
                json.WriteStartArray(tag.ToString("x16", CultureInfo.InvariantCulture));
                foreach (var range in set.Ranges)
                {
                    json.WriteStartArray();
                    json.WriteNumberValue(range.First);
                    json.WriteNumberValue(range.Last);
                    json.WriteEndArray();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return StorageFiles.WriteDurably(storage, path, bytes.WrittenSpan);
    }

    private static JsonLinesPosition? Parse(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("length_bytes", out var length)
            || !length.TryGetInt64(out var lengthBytes)
            || lengthBytes < 0
            || !root.TryGetProperty("streams", out var streams)
            || streams.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var position = new JsonLinesPosition { LengthBytes = lengthBytes };
        foreach (var stream in streams.EnumerateObject())
        {
            if (!ulong.TryParse(stream.Name, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var tag)
                || !TryParse(stream.Value, position.Written(tag)))
            {
                return null;
            }
        }

        return position;
    }

    private static bool TryParse(JsonElement ranges, SequenceSet target)
    {
        if (ranges.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        foreach (var range in ranges.EnumerateArray())
        {
            if (range.ValueKind != JsonValueKind.Array
                || range.GetArrayLength() != 2
                || !range[0].TryGetUInt64(out var first)
                || !range[1].TryGetUInt64(out var last)
                || last < first
                || last > long.MaxValue)
            {
                return false;
            }

            target.Add(new SequenceRange(first, last));
        }

        return true;
    }
}
