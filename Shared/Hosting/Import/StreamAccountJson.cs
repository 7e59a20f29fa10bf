using System.Text.Json;
using ZfRepl.Core.History;

namespace ZfRepl.Hosting.Import;

/// <summary>The books of the received streams, as the services' status shows them.</summary>
public static class StreamAccountJson
{
    /// <summary>Writes the property <c>streams</c>.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<StreamAccount> streams)
    {
        json.WriteStartArray("streams");
        foreach (var stream in streams)
        {
            json.WriteStartObject();
            json.WriteString("stream", stream.Facts.Id.ToString());
            json.WriteString("node", stream.Facts.Node);
            json.WriteString("mailbox", stream.Facts.Mailbox);
            json.WriteNumber("highest_sequence", stream.Facts.HighestSequence);
            json.WriteNumber("received", stream.Received);
            json.WriteNumber("missing", stream.MissingCount);
            json.WriteStartArray("missing_ranges");
            foreach (var range in stream.Missing)
            {
                json.WriteStartArray();
                json.WriteNumberValue(range.First);
                json.WriteNumberValue(range.Last);
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteStartArray("losses");
            foreach (var loss in stream.Losses)
            {
                json.WriteStartObject();
                json.WriteString("reason", JsonNamingPolicy.SnakeCaseLower.ConvertName(loss.Reason.ToString()));
                json.WriteString("found_by", JsonNamingPolicy.SnakeCaseLower.ConvertName(loss.Origin.ToString()));
                json.WriteNumber("records", loss.Records);
                json.WriteNumber("events", loss.Events);
                json.WriteBoolean("exact", loss.IsExact);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
