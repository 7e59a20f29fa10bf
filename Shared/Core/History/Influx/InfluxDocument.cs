using System.Text.Json;

namespace ZfRepl.Core.History.Influx;

/// <summary>Takes the rows of an answer, one by one.</summary>
internal interface IInfluxReader
{
    /// <summary>A series of a statement begins, or goes on in another document.</summary>
    /// <param name="statement">The statement's number in the request, from 0.</param>
    /// <param name="tags">The tags that the answer is grouped by.</param>
    /// <param name="columns">The names of the columns.</param>
    void Series(int statement, IReadOnlyDictionary<string, string> tags, IReadOnlyList<string> columns);

    /// <summary>A row of the series; the reader stands on its opening bracket, and has to be left on its closing one.</summary>
    /// <returns>Null, or why the row can't be read.</returns>
    string? Row(ref Utf8JsonReader json);
}

/// <summary>
/// Reads one document of an answer: <c>{"results":[{"statement_id":0,"series":[{"name":…,"tags":{…},"columns":[…],"values":[[…]]}]}]}</c>.
/// </summary>
internal static class InfluxDocument
{
    /// <summary>Shows every row to the reader.</summary>
    /// <returns>Null, or the error that the document tells or holds.</returns>
    /// <exception cref="JsonException">It is no such document.</exception>
    public static HistoryError? Read(ReadOnlySpan<byte> document, string name, IInfluxReader reader)
    {
        var json = new Utf8JsonReader(document);
        Expect(ref json, JsonTokenType.StartObject);
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("results"u8))
            {
                Expect(ref json, JsonTokenType.StartArray);
                while (Next(ref json) == JsonTokenType.StartObject)
                {
                    if (ReadResult(ref json, name, reader) is { } error)
                    {
                        return error;
                    }
                }
            }
            else if (json.ValueTextEquals("error"u8))
            {
                return Told(ref json, name);
            }
            else
            {
                Skip(ref json);
            }
        }

        return null;
    }

    /// <summary>The member "error" of a document, or null: for answers that are no success.</summary>
    public static string? ErrorOf(ReadOnlySpan<byte> document)
    {
        try
        {
            var json = new Utf8JsonReader(document);
            while (json.Read())
            {
                if (json.TokenType == JsonTokenType.PropertyName && json.ValueTextEquals("error"u8) && json.Read() && json.TokenType == JsonTokenType.String)
                {
                    return json.GetString();
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // A proxy's page, cut off, or no text: shown as it is.
        }

        return null;
    }

    private static HistoryError? ReadResult(ref Utf8JsonReader json, string name, IInfluxReader reader)
    {
        var statement = 0;
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("statement_id"u8))
            {
                Expect(ref json, JsonTokenType.Number);
                statement = json.GetInt32();
            }
            else if (json.ValueTextEquals("error"u8))
            {
                return Told(ref json, name);
            }
            else if (json.ValueTextEquals("series"u8))
            {
                Expect(ref json, JsonTokenType.StartArray);
                while (Next(ref json) == JsonTokenType.StartObject)
                {
                    if (ReadSeries(ref json, statement, reader) is { } wrong)
                    {
                        return InfluxErrors.Broken(
                            $"{name} holds a row that can't be read: {wrong}.",
                            "it was not written by this program, or by a newer one: update it, or delete what was written");
                    }
                }
            }
            else
            {
                Skip(ref json);
            }
        }

        return null;
    }

    private static string? ReadSeries(ref Utf8JsonReader json, int statement, IInfluxReader reader)
    {
        var tags = new Dictionary<string, string>(StringComparer.Ordinal);
        var columns = new List<string>();
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("tags"u8))
            {
                Expect(ref json, JsonTokenType.StartObject);
                while (Next(ref json) == JsonTokenType.PropertyName)
                {
                    var tag = json.GetString()!;
                    Expect(ref json, JsonTokenType.String);
                    tags[tag] = json.GetString()!;
                }
            }
            else if (json.ValueTextEquals("columns"u8))
            {
                Expect(ref json, JsonTokenType.StartArray);
                while (Next(ref json) == JsonTokenType.String)
                {
                    columns.Add(json.GetString()!);
                }
            }
            else if (json.ValueTextEquals("values"u8))
            {
                // The server writes name, tags and columns before the values.
                reader.Series(statement, tags, columns);
                Expect(ref json, JsonTokenType.StartArray);
                while (Next(ref json) == JsonTokenType.StartArray)
                {
                    if (reader.Row(ref json) is { } wrong)
                    {
                        return wrong;
                    }
                }
            }
            else
            {
                Skip(ref json);
            }
        }

        return null;
    }

    private static HistoryError Told(ref Utf8JsonReader json, string name)
    {
        Expect(ref json, JsonTokenType.String);
        var message = json.GetString()!;
        return InfluxErrors.OfMessage(name, message)
            ?? InfluxErrors.Unavailable($"{name}: {InfluxErrors.Shorten(message)}.", "it is tried again; look at the server's log if it stays so");
    }

    private static JsonTokenType Next(ref Utf8JsonReader json) =>
        json.Read() ? json.TokenType : throw new JsonException("the document ends early");

    private static void Expect(ref Utf8JsonReader json, JsonTokenType type)
    {
        if (Next(ref json) != type)
        {
            throw new JsonException($"there is a {json.TokenType} where a {type} belongs");
        }
    }

    private static void Skip(ref Utf8JsonReader json)
    {
        Next(ref json);
        json.Skip();
    }
}
