using System.Text;
using System.Text.Json;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Core.Tests.Fuzzing;

/// <summary>What an InfluxDB, or whatever listens on its port, answers.</summary>
internal static class InfluxTargets
{
    private static readonly string[] Answers =
    [
        """{"results":[{"statement_id":0,"series":[{"name":"e","tags":{"oid":"sensor:a"},"columns":["time","f"],"values":[[1700000000000000000,1.5],[1700000000000000001,null]]}]}]}""",
        """{"results":[{"statement_id":0,"error":"database not found: x"}]}""",
        """{"error":"partial write: field type conflict"}""",
    ];

    public static IEnumerable<(FuzzTarget Target, int Rounds)> All =>
    [
        (new FuzzTarget("influx-answer", [.. Answers.Select(Encoding.UTF8.GetBytes)], Read)
        {
            Words = [.. new[] { "\"", "\\ud800", "{", "[", "]", "}", "null", "1e999", "99999999999999999999", "\"results\":", "\"series\":" }.Select(Encoding.UTF8.GetBytes)],
        }, 20_000),
    ];

    private static void Read(byte[] input)
    {
        _ = InfluxDocument.ErrorOf(input);
        try
        {
            _ = InfluxDocument.Read(input, "db", new TextRows());
            _ = InfluxDocument.Read(input, "db", new RowCollector(new EventBatch(new OidTable()), Oid.Parse("sensor:a")));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // What the connection takes for nonsense, and says so.
        }
    }
}
