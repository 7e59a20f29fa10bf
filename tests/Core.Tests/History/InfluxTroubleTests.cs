using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>Servers that die, hang, refuse and forget, and processes that end in the middle of a write.</summary>
public sealed class InfluxTroubleTests
{
    private static readonly StreamFacts Stream = new(new StreamId(1, 2), "n", "m", 3000);

    [RequiresTheory(InfluxServer.Program)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(29)]
    public async Task A_server_that_is_killed_in_the_middle_of_a_write_has_every_event_once_in_the_end(int atRequest)
    {
        await using var server = await InfluxServer.StartAsync();
        await using var place = new InfluxPlace(server);
        var history = await place.OpenAsync(place.Options with { LinesPerRequest = 100 });
        var write = Write(3000);
        history.Probe = request =>
        {
            if (request == atRequest)
            {
                server.Process.KillAsync().GetAwaiter().GetResult();
            }
        };
        var failed = await history.WriteAsync(write, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Unavailable, failed.Error?.Trouble);
        Assert.Empty(Ok(await history.ReadStreamsAsync(null, 1, CancellationToken.None)));
        history.Probe = null;
        Assert.Equal(HistoryTrouble.Unavailable, (await history.WriteAsync(write, CancellationToken.None)).Error?.Trouble);

        await server.StartAgainAsync();
        var counts = Ok(await history.WriteAsync(write, CancellationToken.None)).Counts;
        Assert.Equal((3000, 3000), (counts.Events, counts.Inserted + counts.Replays));
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => write.Events[i]), await ReadAsync(history));
        Assert.Equal(3000UL, (await AccountAsync(history, Stream.Id)).Received);
    }

    [RequiresTheory(InfluxServer.Program)]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(9)]
    public async Task A_process_that_ends_in_the_middle_of_a_write_completes_it_the_next_time_without_a_trace(int atRequest)
    {
        await using var server = await InfluxServer.StartAsync();
        await using var place = new InfluxPlace(server);

        // Three different events at each instant: what was written of them before must be recognised, and nothing overwritten.
        var write = Write(3000, perInstant: 3);
        await using (var first = await place.OpenAsync(place.Options with { LinesPerRequest = 100 }))
        {
            first.Probe = request => HistoryVerbs.Break(request == atRequest);
            await Assert.ThrowsAsync<InvalidTimeZoneException>(() => first.WriteAsync(write, CancellationToken.None).AsTask());
            Assert.Empty(Ok(await first.ReadStreamsAsync(null, 1, CancellationToken.None)));
        }

        var second = await place.OpenAsync();
        var counts = Ok(await second.WriteAsync(write, CancellationToken.None)).Counts;
        Assert.Equal((3000 - (100 * atRequest), 100 * atRequest), (counts.Inserted, counts.Replays));
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => write.Events[i]), await ReadAsync(second));
        Assert.Equal(3000, Ok(await second.WriteAsync(write, CancellationToken.None)).Counts.Replays);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task Without_its_marks_a_ledger_would_overwrite_an_event_that_shares_an_instant()
    {
        await using var server = await InfluxServer.StartAsync();
        await using var place = new InfluxPlace(server);
        await WriteAsync(await place.OpenAsync(), Event(5, TelemetryValue.From("first"), 1));
        using (var session = SqliteSession.Open(new SqliteHistoryOptions { Path = place.Options.LedgerPath }, SqliteAccess.Write))
        {
            session.Execute("DELETE FROM influx_mark; UPDATE influx_ledger SET generation = generation + 1");
        }

        // The control of the tests above: it is the marks that keep the first one.
        var history = await place.OpenAsync();
        await WriteAsync(history, Event(5, TelemetryValue.From("second"), 2));
        Assert.Equal(TelemetryValue.From("second"), Assert.Single(await ReadAsync(history)).Value);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task A_server_that_hangs_is_unavailable_and_has_every_event_once_when_it_goes_on()
    {
        await using var server = await InfluxServer.StartAsync();
        await using var place = new InfluxPlace(server);
        var history = await place.OpenAsync(place.Options with { RequestTimeout = TimeSpan.FromSeconds(1) });
        await WriteAsync(history, Event(-1, TelemetryValue.From(1), 5000));
        var write = Write(200);
        server.Process.Freeze();
        var failed = await history.WriteAsync(write, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Unavailable, failed.Error?.Trouble);
        Assert.Contains("within 1 s", failed.Error!.Detail, StringComparison.Ordinal);
        using (var cancelled = new CancellationTokenSource())
        {
            var hanging = history.WriteAsync(write, cancelled.Token).AsTask();
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hanging);
        }

        server.Process.Thaw();
        var counts = default(WriteCounts);
        await Eventually.TrueAsync(
            async () =>
            {
                var result = await history.WriteAsync(write, CancellationToken.None);
                counts = result.IsOk ? result.Value.Counts : default;
                return result.IsOk;
            },
            "the server is back");
        Assert.Equal(200, counts.Inserted + counts.Replays);
        Assert.Equal(201, (await ReadAsync(history)).Count);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task What_a_retention_policy_would_drop_is_an_error_until_it_is_lengthened()
    {
        await using var server = await InfluxServer.StartAsync();
        await using var place = new InfluxPlace(server);
        await server.QueryAsync($"CREATE DATABASE \"{place.Database}\" WITH DURATION 1d NAME short");
        var history = await place.OpenAsync();
        var now = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
        TelemetryEvent[] events = [Event(now, TelemetryValue.From("new"), 2), Event(1, TelemetryValue.From("old"), 1)];
        var batch = Batch(events);
        var write = new HistoryWrite { Events = batch, Count = 2, Stream = Stream, Received = [new SequenceRange(1, 2)] };
        for (var i = 0; i < 2; i++)
        {
            var failed = await history.WriteAsync(write, CancellationToken.None);
            Assert.Equal(HistoryTrouble.Broken, failed.Error?.Trouble);
            Assert.Contains("retention policy is shorter", failed.Error!.Remedy, StringComparison.Ordinal);
            Assert.Empty(Ok(await history.ReadStreamsAsync(null, 1, CancellationToken.None)));
        }

        // Where points expire the ledger can't leave its name; what is there is looked up, so that a new ledger recognises it too.
        await using (var other = await place.OpenAsync(place.Options with { LedgerPath = Path.Combine(place.Folder, "other.db") }))
        {
            Assert.Equal(1, (await WriteAsync(other, events[0])).Replays);
        }

        await server.QueryAsync($"ALTER RETENTION POLICY short ON \"{place.Database}\" DURATION INF");
        var counts = Ok(await history.WriteAsync(write, CancellationToken.None)).Counts;
        Assert.Equal((1, 1), (counts.Inserted, counts.Replays));
        Assert.Equal(events.Reverse(), await ReadAsync(history));
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task What_the_server_refuses_in_part_is_an_error_with_a_remedy_and_nothing_is_noted_as_imported()
    {
        await using var server = await InfluxServer.StartAsync(data: ["  max-values-per-tag = 4"]);
        await using var place = new InfluxPlace(server);
        var history = await place.OpenAsync();
        await WriteAsync(history, Event(1, TelemetryValue.From("text"), 1));
        await WriteAsync(history, Enumerable.Range(0, 9).Select(i => Event(1, TelemetryValue.From(i), 1, oid: Oid.Parse($"sensor:x{i}"))));
        await ExpectAsync([Event(1, TelemetryValue.From(1), 1, oid: Oid.Parse("sensor:one/more"))], "max-values-per-tag = 0");
        Assert.StartsWith("204", await server.WriteAsync("zfrepl,oid=sensor:x1 f=\"text\" 1", place.Database), StringComparison.Ordinal);
        await ExpectAsync([Event(2, TelemetryValue.From(1.5), 1)], "measurement of its own");

        async Task ExpectAsync(IEnumerable<TelemetryEvent> events, string remedy)
        {
            var batch = Batch(events);
            var write = new HistoryWrite { Events = batch, Count = batch.Count, Stream = Stream, Received = [new SequenceRange(1, 2)] };
            var failed = await history.WriteAsync(write, CancellationToken.None);
            Assert.Equal(HistoryTrouble.Broken, failed.Error?.Trouble);
            Assert.Contains(remedy, failed.Error!.Remedy, StringComparison.Ordinal);
            Assert.Empty(Ok(await history.ReadStreamsAsync(null, 1, CancellationToken.None)));
        }
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task A_measurement_belongs_to_one_ledger_until_somebody_says_otherwise()
    {
        await using var server = await InfluxServer.StartAsync();
        await using var place = new InfluxPlace(server);
        TelemetryEvent[] events = [Event(1, TelemetryValue.From(1), 1), Event(5, TelemetryValue.From(2), 2), Event(long.MaxValue, TelemetryValue.From(3), 3)];
        await WriteAsync(await place.OpenAsync(), events);
        var second = await place.OpenAsync(place.Options with { LedgerPath = Path.Combine(place.Folder, "second.db") });
        var refused = await second.CountByOidAsync(null, 1, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Broken, refused.Error?.Trouble);
        Assert.Contains("belongs to another ledger", refused.Error!.Detail, StringComparison.Ordinal);

        // A measurement of its own is the remedy; to take the other over is one too.
        var own = await place.OpenAsync(place.Options with { LedgerPath = Path.Combine(place.Folder, "second.db"), Measurement = "own" });
        Assert.Equal(3, (await WriteAsync(own, events)).Inserted);
        await place.QueryAsync("DROP MEASUREMENT zfrepl_owner");
        Assert.Equal(3, (await WriteAsync(second, events)).Replays);
        Assert.Equal(1, (await WriteAsync(second, Event(5, TelemetryValue.From(9), 9))).Inserted);
        Assert.Equal(4, (await ReadAsync(second)).Count);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task A_database_that_was_dropped_is_noticed_instead_of_filled_with_what_comes_next()
    {
        await using var server = await InfluxServer.StartAsync();
        await using var place = new InfluxPlace(server);
        await using (var history = await place.OpenAsync())
        {
            await WriteAsync(history, Event(1, TelemetryValue.From(1), 1));
        }

        await place.QueryAsync($"DROP DATABASE \"{place.Database}\"");
        var batch = Batch(Event(2, TelemetryValue.From(2), 2));
        var failed = await (await place.OpenAsync()).WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Broken, failed.Error?.Trouble);
        Assert.Contains("was dropped", failed.Error!.Detail, StringComparison.Ordinal);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task A_server_that_syncs_later_than_it_confirms_is_refused_unless_allowed()
    {
        await using var server = await InfluxServer.StartAsync(data: ["  wal-fsync-delay = \"100ms\""]);
        await using var place = new InfluxPlace(server);
        var refused = await (await place.OpenAsync()).CountByOidAsync(null, 1, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Broken, refused.Error?.Trouble);
        Assert.Contains("wal-fsync-delay = \"0s\"", refused.Error!.Remedy, StringComparison.Ordinal);
        await WriteAsync(await place.OpenAsync(place.Options with { AllowsUnsafeServer = true }), Event(1, TelemetryValue.From(1), 1));
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task Logins_are_checked_and_passwords_are_shown_nowhere()
    {
        await using var server = await InfluxServer.StartAsync(_ => ["  auth-enabled = true"]);
        await using var place = new InfluxPlace(server);
        await server.QueryAsync("CREATE USER admin WITH PASSWORD 'root:hunter2' WITH ALL PRIVILEGES");
        const string admin = "admin:root:hunter2";
        await server.QueryAsync("CREATE USER writer WITH PASSWORD 'wrïter\"'", login: admin);
        await ExpectAsync(null, null, "password");
        await ExpectAsync("writer", "hunter2", "password");
        await ExpectAsync("writer", "wrïter\"", "grant the user");

        await server.QueryAsync($"CREATE DATABASE \"{place.Database}\"", login: admin);
        await ExpectAsync("writer", "wrïter\"", "grant the user");
        await server.QueryAsync($"GRANT ALL ON \"{place.Database}\" TO writer", login: admin);
        var history = await place.OpenAsync(place.Options with { Username = "writer", Password = "wrïter\"" });
        await WriteAsync(history, Event(1, TelemetryValue.From(1), 1));
        Assert.Equal(1, (await WriteAsync(history, Event(1, TelemetryValue.From(1), 1))).Replays);
        var other = await place.OpenAsync(
            place.Options with { Username = "admin", Password = "root:hunter2", Database = "made by the product", LedgerPath = Path.Combine(place.Folder, "o.db") });
        await WriteAsync(other, Event(1, TelemetryValue.From(1), 1));
        Assert.DoesNotContain("hunter2", server.Process.Output.Replace("'root:hunter2'", "", StringComparison.Ordinal), StringComparison.Ordinal);

        async Task ExpectAsync(string? user, string? password, string remedy)
        {
            await using var refused = await place.OpenAsync(place.Options with { Username = user, Password = password });
            var result = await refused.CountByOidAsync(null, 1, CancellationToken.None);
            Assert.Equal(HistoryTrouble.Broken, result.Error?.Trouble);
            Assert.Contains(remedy, result.Error!.Remedy, StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", result.Error.ToString(), StringComparison.Ordinal);
        }
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task Tls_is_checked_against_the_authority_that_was_named()
    {
        using var folder = new TempFolder();
        using var authority = new CertificateAuthority(folder.Path);
        using var stranger = new CertificateAuthority(folder.Path, "stranger");
        var (certificate, key, _) = authority.Issue("influx");
        await using var server = await InfluxServer.StartAsync(
            _ => ["  https-enabled = true", $"  https-certificate = \"{certificate}\"", $"  https-private-key = \"{key}\""], scheme: "https");
        await using var place = new InfluxPlace(server);
        var history = await place.OpenAsync(place.Options with { CaFile = authority.CaFile });
        await WriteAsync(history, Event(1, TelemetryValue.From(1), 1));
        Assert.Single(await ReadAsync(history));
        foreach (var ca in new[] { stranger.CaFile, null })
        {
            await using var refused = await place.OpenAsync(place.Options with { CaFile = ca });
            var result = await refused.CountByOidAsync(null, 1, CancellationToken.None);
            Assert.Equal(HistoryTrouble.Broken, result.Error?.Trouble);
            Assert.Contains("ca_certs", result.Error!.Remedy, StringComparison.Ordinal);
        }

        var absent = await InfluxHistory.OpenAsync(place.Options with { CaFile = folder["none.pem"] }, TimeProvider.System);
        Assert.Equal(HistoryTrouble.Broken, absent.Error?.Trouble);
    }

    [Theory]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", HistoryTrouble.Unavailable)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"results\":[", HistoryTrouble.Unavailable)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>", HistoryTrouble.Broken)]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", HistoryTrouble.Broken)]
    [InlineData("", HistoryTrouble.Unavailable)]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n", HistoryTrouble.Unavailable)]
    public async Task A_server_that_is_none_is_an_error_and_never_an_exception(string answer, HistoryTrouble trouble)
    {
        using var folder = new TempFolder();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var end = new CancellationTokenSource();
        var serving = ServeAsync(listener, answer, end.Token);
        var url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"));
        await using (var history = Ok(await InfluxHistory.OpenAsync(new InfluxHistoryOptions { Url = url, LedgerPath = folder["l.db"] }, TimeProvider.System)))
        {
            var batch = Batch(Event(1, TelemetryValue.From(1), 1));
            var result = await history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
            Assert.Equal(trouble, result.Error?.Trouble);
        }

        await end.CancelAsync();
        await serving;
    }

    [Fact]
    public async Task A_server_that_is_not_there_keeps_nothing_from_opening_and_the_books_can_be_read()
    {
        using var folder = new TempFolder();
        var url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}"));
        await using var history = Ok(await InfluxHistory.OpenAsync(new InfluxHistoryOptions { Url = url, LedgerPath = folder["l.db"] }, TimeProvider.System));
        var batch = Batch(Event(1, TelemetryValue.From(1), 1));
        var result = await history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
        Assert.True(result.Error?.IsTransient);
        Assert.Empty(Ok(await history.ReadStreamsAsync(null, 1, CancellationToken.None)));
    }

    private static async Task ServeAsync(TcpListener listener, string answer, CancellationToken end)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(end);
                await using var stream = client.GetStream();

                // The request is read as far as it is there at once; then the connection is closed.
                _ = await stream.ReadAsync(new byte[65_536], end);
                await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), end);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private static HistoryWrite Write(int count, int perInstant = 1)
    {
        var batch = Batch(Enumerable.Range(0, count).Select(i => Event(i / perInstant, TelemetryValue.From($"value {i}"), (ulong)i + 1)));
        return new HistoryWrite { Events = batch, Count = count, Stream = Stream, Received = [new SequenceRange(1, (ulong)count)] };
    }
}
