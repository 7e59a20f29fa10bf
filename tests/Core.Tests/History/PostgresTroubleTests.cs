using Npgsql;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>Servers that are killed, down, wrong, or used by somebody else.</summary>
public sealed class PostgresTroubleTests
{
    private static readonly StreamFacts Stream = new(new StreamId(1, 2), "n", "m", 3000);

    [RequiresFact(PostgresServer.Programs)]
    public async Task A_server_that_is_killed_in_the_middle_of_a_write_has_all_of_it_or_nothing_and_once_in_the_end()
    {
        await using var server = await PostgresServer.StartAsync();
        foreach (var atStep in Enum.GetValues<PostgresHistoryStep>())
        {
            await using var place = new PostgresPlace(server);
            var history = await place.OpenAsync();
            await WriteAsync(history, Event(-1, TelemetryValue.From("before"), 5000));
            var write = Part();
            history.Probe = step => step == atStep ? server.KillAsync() : Task.CompletedTask;
            var killed = await history.WriteAsync(write, CancellationToken.None);
            history.Probe = null;
            var isThere = atStep == PostgresHistoryStep.Committed;
            Assert.Equal(isThere, killed.IsOk);
            Assert.True(isThere || killed.Error!.IsTransient, killed.Error?.ToString());

            var down = await history.WriteAsync(write, CancellationToken.None);
            Assert.Equal(HistoryTrouble.Unavailable, down.Error?.Trouble);
            await server.StartAgainAsync();
            Assert.Equal(isThere ? 3001 : 1, (await EventuallyReadAsync(history)).Count);

            // The same object goes on, without having been opened anew.
            var again = Ok(await history.WriteAsync(write, CancellationToken.None)).Counts;
            Assert.Equal(isThere ? (0, 3000) : (3000, 0), (again.Inserted, again.Replays));
            Assert.Equal(3001, (await ReadAsync(history)).Count);
            Assert.Equal(3000UL, (await AccountAsync(history, Stream.Id)).Received);
        }
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task A_commit_whose_answer_is_lost_is_an_error_and_is_recognised_when_it_is_repeated()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var place = new PostgresPlace(server);
        var history = await place.OpenAsync();
        var block = new BlockKey(Stream.Id, 1, new BlockHash(new byte[32]));
        var write = Part(new AppliedBlock(block, 1, 3001, default, 5, IsComplete: true, IsDelivered: false));
        history.Probe = step => step == PostgresHistoryStep.Committed
            ? throw new NpgsqlException("Exception while reading from stream", new EndOfStreamException("the network was cut"))
            : Task.CompletedTask;
        var lost = await history.WriteAsync(write, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Unavailable, lost.Error?.Trouble);
        history.Probe = null;
        Assert.Equal(3000, Ok(await history.FindAppliedAsync(block, CancellationToken.None))?.Counts.Inserted);
        Assert.Equal(3000, Ok(await history.WriteAsync(write, CancellationToken.None)).Counts.Replays);
        Assert.Equal(3000, (await ReadAsync(history)).Count);

        // And one that dies before it commits leaves nothing.
        history.Probe = step => step == PostgresHistoryStep.BeforeCommit
            ? server.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'zfrepl' AND state LIKE 'idle in%'")
            : Task.CompletedTask;
        var batch = Batch(Event(9000, TelemetryValue.From(1), 9000));
        var died = await history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Unavailable, died.Error?.Trouble);
        history.Probe = null;
        Assert.Equal(3000, (await ReadAsync(history)).Count);
        Assert.Equal(1, (await WriteAsync(history, Event(9000, TelemetryValue.From(1), 9000))).Inserted);
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task Another_program_of_ours_may_write_the_same_items_meanwhile()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var place = new PostgresPlace(server);
        var (one, two) = (await place.OpenAsync(), await place.OpenAsync());
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(1, (await WriteAsync(one, Event(i, TelemetryValue.From(i), (ulong)i + 1))).Inserted);
            Assert.Equal(1, (await WriteAsync(two, Event(i, TelemetryValue.From(i), (ulong)i + 1))).Replays);
            Assert.Equal(1, (await WriteAsync(two, Event(i + 100, TelemetryValue.From(i), (ulong)i + 101))).Inserted);
            Assert.Equal(1, (await WriteAsync(one, Event(i + 100, TelemetryValue.From(i), (ulong)i + 101))).Replays);
        }

        Assert.Equal(10, (await ReadAsync(one)).Count);

        // Who holds the turn keeps others waiting, who say so and go on afterwards.
        await using var patient = new PostgresHistory(place.Options with { Timeout = TimeSpan.FromSeconds(1) });
        Ok(await patient.PrepareAsync(CancellationToken.None));
        await using (var holder = Ok(await PostgresSession.OpenAsync(place.Options, CancellationToken.None)))
        {
            await holder.BeginAsync();
            var batch = Batch(Event(500, TelemetryValue.From(1), 500));
            var busy = await patient.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
            Assert.Equal(HistoryTrouble.Busy, busy.Error?.Trouble);
            Assert.Equal(10, (await ReadAsync(patient)).Count);
        }

        await WriteAsync(patient, Event(500, TelemetryValue.From(1), 500));
    }

    /// <summary>
    /// The negative controls: what the turn and the key are for. A foreign writer puts a row where ours is about to write; without the turn
    /// the key refuses the double, and without the key it is there.
    /// </summary>
    [RequiresFact(PostgresServer.Programs)]
    public async Task Without_the_turn_the_key_refuses_a_double_and_without_the_key_there_are_doubles()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var place = new PostgresPlace(server);
        var (one, two) = (await place.OpenAsync(), await place.OpenAsync());
        await WriteAsync(one, Event(1, TelemetryValue.From(1), 1));
        await WriteAsync(two, Event(2, TelemetryValue.From(2), 2));
        await WriteAsync(one, Event(3, TelemetryValue.From(3), 3));
        await server.ExecuteAsync($"DELETE FROM {place.Schema}.turn");
        await WriteAsync(two, Event(4, TelemetryValue.From(4), 4));
        var batch = Batch(Event(4, TelemetryValue.From(4), 4));
        var refused = await one.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Busy, refused.Error?.Trouble);
        Assert.Equal(1, (await WriteAsync(one, Event(4, TelemetryValue.From(4), 4))).Replays);
        Assert.Equal(4, (await ReadAsync(one)).Count);

        await server.ExecuteAsync($"ALTER TABLE {place.Schema}.event DROP CONSTRAINT event_pkey");
        await WriteAsync(two, Event(5, TelemetryValue.From(5), 5));
        await WriteAsync(one, Event(5, TelemetryValue.From(5), 5));
        Assert.Equal(["2"], await place.QueryAsync("SELECT count(*) FROM event WHERE t = 5"));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task A_server_that_can_lose_what_it_confirmed_is_refused_unless_it_is_allowed()
    {
        await using var server = await PostgresServer.StartAsync("fsync=off", "full_page_writes=off");
        var refused = await PostgresHistory.OpenAsync(server.Options);
        Assert.Equal(HistoryTrouble.Broken, refused.Error?.Trouble);
        Assert.Contains("runs with fsync and full_page_writes off", refused.Error!.Detail, StringComparison.Ordinal);
        Assert.Contains("allow_unsafe_server", refused.Error.Remedy, StringComparison.Ordinal);
        await using var allowed = Ok(await PostgresHistory.OpenAsync(server.Options with { AllowUnsafeServer = true }));
        await WriteAsync(allowed, Event(1, TelemetryValue.From(1), 1));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task Settings_of_the_role_can_not_take_durability_away()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("ALTER ROLE zfrepl SET synchronous_commit = off; ALTER ROLE zfrepl SET default_transaction_isolation = 'serializable'");
        await using var session = Ok(await PostgresSession.OpenAsync(server.Options, CancellationToken.None));
        Assert.Equal("on", await session.ValueAsync("SELECT current_setting('synchronous_commit')", CancellationToken.None));
        Assert.Equal("read committed", await session.ValueAsync("SELECT current_setting('transaction_isolation')", CancellationToken.None));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task Wrong_servers_databases_roles_and_schemas_are_named_with_what_to_do_and_without_the_password()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE ROLE guest LOGIN PASSWORD 'guest'");
        await server.ExecuteAsync("CREATE DATABASE latin ENCODING 'SQL_ASCII' TEMPLATE template0");
        await server.ExecuteAsync("CREATE SCHEMA taken AUTHORIZATION zfrepl; CREATE TABLE taken.event(x int); CREATE SCHEMA late AUTHORIZATION zfrepl");
        await server.ExecuteAsync("""
            CREATE TABLE late.schema_version(application text PRIMARY KEY, version integer); INSERT INTO late.schema_version VALUES('zfrepl history', 99);
            GRANT SELECT ON late.schema_version TO zfrepl
            """);
        var options = server.Options;
        await RefusesAsync(options with { Password = "wrong secret" }, HistoryTrouble.Broken, "refuses the login", "password_file");
        await RefusesAsync(options with { Database = "nowhere" }, HistoryTrouble.Broken, "does not have the database", "createdb -O zfrepl -E UTF8 nowhere");
        await RefusesAsync(options with { Database = "latin" }, HistoryTrouble.Broken, "is in the encoding SQL_ASCII", "UTF8");
        await RefusesAsync(options with { UserName = "guest", Password = "guest" }, HistoryTrouble.Broken, "refuses the role guest", "CREATE SCHEMA IF NOT EXISTS \"zfrepl\" AUTHORIZATION \"guest\"");
        await RefusesAsync(options with { Schema = "taken" }, HistoryTrouble.Broken, "holds something of another program", "choose another `schema`");
        await RefusesAsync(options with { Schema = "late" }, HistoryTrouble.Broken, "has version 99 of the tables, this program knows up to 1", "update the program");
        await RefusesAsync(options with { Port = FreePort.Next() }, HistoryTrouble.Unavailable, "can't be reached", "tried again");
        await RefusesAsync(options with { Host = "/nowhere" }, HistoryTrouble.Unavailable, "can't be reached", "tried again");
        await RefusesAsync(options with { Tls = PostgresTls.Require }, HistoryTrouble.Unavailable, "SSL", "");

        // With the schema made for it the role needs no further right.
        await server.ExecuteAsync("CREATE SCHEMA guest AUTHORIZATION guest");
        await using var guest = Ok(await PostgresHistory.OpenAsync(options with { UserName = "guest", Password = "guest", Schema = "guest" }));
        await WriteAsync(guest, Event(1, TelemetryValue.From(1), 1), Event(1, TelemetryValue.From(2), 2));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task Tables_that_somebody_dropped_are_not_quietly_made_anew()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var place = new PostgresPlace(server);
        var history = await place.OpenAsync();
        await WriteAsync(history, Event(1, TelemetryValue.From(1), 1));
        await server.ExecuteAsync($"DROP TABLE {place.Schema}.event CASCADE");
        var batch = Batch(Event(2, TelemetryValue.From(2), 2));
        var result = await history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Broken, result.Error?.Trouble);
        Assert.Contains("does not have the tables that it should", result.Error!.Detail, StringComparison.Ordinal);
        Assert.Equal(HistoryTrouble.Broken, (await PostgresHistory.OpenAsync(place.Options)).Error is { } reopened ? reopened.Trouble : result.Error.Trouble);
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task A_statement_that_takes_too_long_is_an_error_that_passes()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var place = new PostgresPlace(server);
        await WriteAsync(await place.OpenAsync(), Event(1, TelemetryValue.From(1), 1));
        await using var hasty = new PostgresHistory(place.Options with { Timeout = TimeSpan.FromSeconds(1) });
        Ok(await hasty.PrepareAsync(CancellationToken.None));
        await using (var blocker = await server.ConnectAsync())
        {
            await using var transaction = await blocker.BeginTransactionAsync();
            await using var block = new NpgsqlCommand($"LOCK TABLE {place.Schema}.event IN ACCESS EXCLUSIVE MODE", blocker, transaction);
            await block.ExecuteNonQueryAsync();
            var batch = Batch(Event(2, TelemetryValue.From(2), 2));
            var result = await hasty.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
            Assert.True(result.Error?.IsTransient);
        }

        await WriteAsync(hasty, Event(2, TelemetryValue.From(2), 2));
        Assert.Equal(2, (await ReadAsync(hasty)).Count);
    }

    private static HistoryWrite Part(AppliedBlock? applied = null)
    {
        var batch = Batch(Enumerable.Range(0, 3000).Select(i => Event(i, TelemetryValue.From($"value {i}"), (ulong)i + 1)));
        return new HistoryWrite { Events = batch, Count = batch.Count, Stream = Stream, Received = [new SequenceRange(1, 3000)], Applied = applied };
    }

    private static async Task<List<TelemetryEvent>> EventuallyReadAsync(PostgresHistory history)
    {
        // The first call after the server went away finds the old connection dead and says so.
        await history.ReadEventsAsync(Sensor, HistoryCursor.Before(0), 0, 1, Batch(), CancellationToken.None);
        return await ReadAsync(history);
    }

    private static async Task RefusesAsync(PostgresHistoryOptions options, HistoryTrouble trouble, string because, string remedy)
    {
        var result = await PostgresHistory.OpenAsync(options);
        Assert.Equal((trouble, true), (result.Error?.Trouble, result.Error is not null));
        Assert.Contains(because, result.Error!.Detail, StringComparison.Ordinal);
        Assert.Contains(remedy, result.Error.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", result.Error.ToString(), StringComparison.Ordinal);
    }
}
