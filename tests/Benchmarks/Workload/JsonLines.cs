using System.Globalization;
using System.Text;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Workload;

/// <summary>W1 as lines of JSON, as it would be handed to something that takes text.</summary>
internal static class JsonLines
{
    /// <summary>One event, without the end of the line.</summary>
    public static string Line(EventBatch events, int i, bool microseconds = false)
    {
        var value = (ValueKind)events.Kinds[i] switch
        {
            ValueKind.Double => BitConverter.UInt64BitsToDouble(events.Bits[i]).ToString("0.0#", CultureInfo.InvariantCulture),
            ValueKind.Boolean => events.Bits[i] != 0 ? "true" : "false",
            _ => events.Bits[i].ToString(CultureInfo.InvariantCulture),
        };
        var time = (events.TimesNs[i] / 1e9).ToString(microseconds ? "0.000000" : "0.000", CultureInfo.InvariantCulture);
        return $$"""{"oid":"{{events.Oids[events.Items[i]]}}","status":1,"value":{{value}},"t":{{time}},"ieid":[{{events.Boots[i]}},{{events.Counters[i]}}]}""";
    }

    /// <summary>Writes a file.</summary>
    public static void Write(EventBatch events, string path)
    {
        using var file = new StreamWriter(path, append: false, Encoding.ASCII);
        for (var i = 0; i < events.Count; i++)
        {
            file.Write(Line(events, i));
            file.Write('\n');
        }
    }
}
