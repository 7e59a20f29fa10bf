using System.Net;
using System.Text;
using System.Text.Json;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.History;

/// <summary>What is said to InfluxDB and what is understood of it, without a server.</summary>
public sealed class InfluxFormTests
{
    [Fact]
    public void No_two_events_stand_at_one_place_and_every_place_tells_its_event()
    {
        const int seed = 20261126;
        var random = new Random(seed);
        long[] bases = [long.MinValue, long.MinValue + 2, -5000, 0, 1_763_690_000_000_000_000, PointPlace.LastPlainNs, long.MaxValue - 3000];
        var seen = new Dictionary<PointPlace, HistoryCursor>();
        for (var i = 0; i < 200_000; i++)
        {
            var near = bases[random.Next(bases.Length)];
            var time = (long)Int128.Min((Int128)near + random.Next(3001), long.MaxValue);
            var place = new HistoryCursor(time, random.Next(4) == 0 ? random.Next(5_000) : random.Next(3));
            var point = PointPlace.Of(place.TimeNs, place.Number);
            Assert.InRange(point.PointNs, PointPlace.MinNs, PointPlace.MaxNs);
            Assert.True(PointPlace.TryRead(point.PointNs, Encoding.UTF8.GetBytes(point.Tag ?? ""), out var read), $"seed {seed}: {place} at {point}");
            Assert.Equal(place, read);
            Assert.True(seen.TryAdd(point, place) || seen[point] == place, $"seed {seed}: {place} and {seen[point]} at {point}");
        }
    }

    [Theory]
    [InlineData(0, "x")]
    [InlineData(0, "0")]
    [InlineData(0, ".0")]
    [InlineData(0, "0.")]
    [InlineData(0, "0.1000")]
    [InlineData(0, "-1.0")]
    [InlineData(0, "0.-1")]
    [InlineData(0, "0@0")]
    [InlineData(0, "9223372036854775807.0")]
    [InlineData(0, "0@9223372036854775807")]
    [InlineData(long.MinValue, "0.999")]
    [InlineData(0, "0.0 ")]
    public void A_tag_that_this_program_did_not_write_is_refused(long pointNs, string tag) =>
        Assert.False(PointPlace.TryRead(pointNs, Encoding.UTF8.GetBytes(tag), out _));

    [Fact]
    public void Tag_values_hold_nothing_that_means_something_else_and_tell_their_text()
    {
        string[] texts = ["a", "a\\", "\\", "a b", "a,b=c", "%", "%5C", "a\nb", "\u0085", "grad °C \U0001F321", "it's", "\"", "\\,\\=\\ "];
        var encoded = texts.Select(OidTag.Encode).ToArray();
        Assert.Equal(texts.Length, encoded.Distinct().Count());
        Assert.Equal(texts, encoded.Select(OidTag.DecodeText));
        Assert.All(encoded, e => Assert.DoesNotContain(e, c => "\\,= \n\"'".Contains(c, StringComparison.Ordinal)));
        Assert.All(["%", "%5", "%5c", "%41", "a\\"], foreign => Assert.Null(OidTag.DecodeText(foreign)));
    }

    [Theory]
    [InlineData(400, "partial write: points beyond retention policy dropped=1", HistoryTrouble.Broken, "retention policy is shorter")]
    [InlineData(400, "partial write: field type conflict: input field \"f\" on measurement", HistoryTrouble.Broken, "measurement of its own")]
    [InlineData(400, "partial write: max-values-per-tag limit exceeded (3/3)", HistoryTrouble.Broken, "max-values-per-tag = 0")]
    [InlineData(400, "unable to parse 'x'", HistoryTrouble.Broken, "report it")]
    [InlineData(400, "something new", HistoryTrouble.Broken, "server's log")]
    [InlineData(401, "authorization failed", HistoryTrouble.Broken, "password")]
    [InlineData(403, "\"u\" user is not authorized to write to database \"d\"", HistoryTrouble.Broken, "grant")]
    [InlineData(404, "database not found: \"d\"", HistoryTrouble.Broken, "create")]
    [InlineData(404, "<html>", HistoryTrouble.Broken, "no InfluxDB 1.x")]
    [InlineData(413, "Request Entity Too Large", HistoryTrouble.Broken, "max-body-size")]
    [InlineData(301, "", HistoryTrouble.Broken, "redirects")]
    [InlineData(429, "", HistoryTrouble.Unavailable, "by itself")]
    [InlineData(500, "engine is closed", HistoryTrouble.Unavailable, "by itself")]
    [InlineData(500, "retention policy not found: x", HistoryTrouble.Broken, "retention policy")]
    [InlineData(503, "", HistoryTrouble.Unavailable, "by itself")]
    public void Every_answer_says_who_can_help(int status, string message, HistoryTrouble trouble, string remedy)
    {
        var error = InfluxErrors.OfAnswer("influxdb http://h d/m", (HttpStatusCode)status, message);
        Assert.Equal(trouble, error.Trouble);
        Assert.Contains(remedy, error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_server_says_is_shown_short_and_on_one_line()
    {
        var error = InfluxErrors.OfAnswer("name", HttpStatusCode.BadRequest, new string('x', 100_000) + "\n\u001b[31m");
        Assert.InRange(error.Detail.Length, 1, 500);
        Assert.DoesNotContain(InfluxErrors.Shorten("a\nb\u001b[31m\u0000"), char.IsControl);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"results\":{}}")]
    [InlineData("{\"results\":[{\"statement_id\":0,\"series\":[{\"values\":[[1,2]]")]
    [InlineData("{\"results\":[{\"statement_id\":\"x\"}]}")]
    [InlineData("<html></html>")]
    public void What_is_no_answer_is_said_to_be_none(string document) =>
        Assert.ThrowsAny<JsonException>(() => InfluxDocument.Read(Encoding.UTF8.GetBytes(document), "name", new TextRows()));

    [Theory]
    [InlineData("[0,null,null,null,null,null,null,null,null,null,null,null,null]", "no status")]
    [InlineData("[0,null,1.5,null,null,null,null,1,12,null,null,null,null]", "no value of kind String")]
    [InlineData("[0,null,null,null,null,\"-1\",null,1,9,null,null,null,null]", "no UInt64")]
    [InlineData("[0,null,null,null,null,null,\"!\",1,32,null,null,null,null]", "no base64")]
    [InlineData("[0,null,null,null,null,null,\"AAAA\",1,33,null,null,null,null]", "left over")]
    [InlineData("[0,\"y\",null,1,null,null,null,1,null,null,null,null,null]", "tag k")]
    [InlineData("[0,null,null,1]", "4 columns")]
    [InlineData("[0,null,null,1.5,null,null,null,1,null,null,null,null,null]", "column 3")]
    public void A_row_of_another_program_is_named(string row, string reason)
    {
        var document = $$"""{"results":[{"statement_id":0,"series":[{"name":"m","columns":[],"values":[{{row}}]}]}]}""";
        var rows = new RowCollector(new EventBatch(new OidTable()), HistoryVerbs.Sensor);
        var error = InfluxDocument.Read(Encoding.UTF8.GetBytes(document), "name", rows);
        Assert.Equal(HistoryTrouble.Broken, error?.Trouble);
        Assert.Contains(reason, error!.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://h", "zfrepl", null, "http")]
    [InlineData("http://u:hunter2@h", "zfrepl", null, "no user")]
    [InlineData("http://h/?p=hunter2", "zfrepl", null, "no parameters")]
    [InlineData("http://h", "a\\b", null, "backslash")]
    [InlineData("http://h", "", null, "empty")]
    [InlineData("http://h", "#x", null, "begins")]
    [InlineData("http://h", "zfrepl", "a:b", "colon")]
    public async Task Options_that_can_t_be_used_are_wrong_use_and_show_no_secret(string url, string measurement, string? user, string reason)
    {
        var options = new InfluxHistoryOptions
        {
            Url = new Uri(url),
            Measurement = measurement,
            Username = user,
            Password = user is null ? null : "hunter2",
            LedgerPath = "/nowhere/l.db",
        };
        var error = await Assert.ThrowsAsync<ArgumentException>(() => InfluxHistory.OpenAsync(options, TimeProvider.System).AsTask());
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_show_no_password() => Assert.DoesNotContain(
        "hunter2",
        new InfluxHistoryOptions { Url = new Uri("http://h"), Username = "u", Password = "hunter2", LedgerPath = "l" }.ToString(),
        StringComparison.Ordinal);
}
