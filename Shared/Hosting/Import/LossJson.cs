using System.Text.Json;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Hosting.Import;

/// <summary>An entry of the loss ledger as the services' methods show it.</summary>
public static class LossJson
{
    /// <summary>Writes the entry's own properties into an object that is open.</summary>
    public static void Write(Utf8JsonWriter json, LossRecord record)
    {
        json.WriteString("reason", JsonNamingPolicy.SnakeCaseLower.ConvertName(record.Reason.ToString()));
        json.WriteNumber("events", record.Count);
        json.WriteBoolean("exact", record.IsExact);
        if (record.FirstSequence > 0)
        {
            json.WriteNumber("first_sequence", record.FirstSequence);
            json.WriteNumber("last_sequence", record.LastSequence);
        }

        WriteTime(json, "from", record.FromNs);
        WriteTime(json, "to", record.ToNs);
        WriteTime(json, "recorded", record.RecordedNs);
        json.WriteString("source", record.Source);
        json.WriteString("detail", record.Detail);
    }

    private static void WriteTime(Utf8JsonWriter json, string name, long timeNs)
    {
        if (timeNs != 0)
        {
            json.WriteString(name, UnixTime.FormatIso(timeNs));
        }
    }
}
