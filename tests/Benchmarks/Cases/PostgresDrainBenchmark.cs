using ZfRepl.Benchmarks.Running;
using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// As <see cref="DrainBenchmark"/>, into a PostgreSQL cluster of the benchmark's own. Baselines on the same server: the same rows, sorted, by
/// COPY into a temporary table and INSERT … ON CONFLICT DO NOTHING, which is the usual idempotent load; and by COPY straight into the table,
/// which is not idempotent.
/// </summary>
internal static class PostgresDrainBenchmark
{
    private const string Name = "drain_postgres";

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        if (ProgramLookup.WhyMissing(PostgresServer.Programs) is { } missing)
        {
            throw new InvalidOperationException(missing);
        }

        await using var server = await PostgresServer.StartAsync();
        var bus = new InProcessBus();
        var key = Edge.NewKey(ApiKey.Generate());
        var history = await PostgresHistory.OpenAsync(server.Options with { Timeout = TimeSpan.FromMinutes(5) });
        await using var centre = Centre.Open(bus.Second, key, bench.Folder.New("centre"), history.Value);
        await server.ExecuteAsync("CHECKPOINT");
        var (figures, events, drained) = await DrainBenchmark.DrainAsync(bench, Name, bus.First, key, centre, target: 200_000);

        var merged = await RawAsync(RawPostgres.MergeAsync);
        var direct = await RawAsync(RawPostgres.CopyAsync);
        figures.AddRange(
        [
            new($"{Name}_raw_rows_per_s", events.Count / merged.Seconds, "rows/s, raw COPY and merge, sorted"),
            new($"{Name}_raw_direct_rows_per_s", events.Count / direct.Seconds, "rows/s, raw COPY into the table, not idempotent"),
            new("w1_drain_postgres_ratio", merged.Seconds / drained.Seconds, "x the speed of raw COPY and merge", AtLeast: 0.8),
            new($"{Name}_ratio_direct", direct.Seconds / drained.Seconds, "x the speed of raw COPY into the table"),
        ]);
        return figures;

        async Task<Taken> RawAsync(Func<PostgresServer, Core.Telemetry.EventBatch, Task> load)
        {
            await server.ExecuteAsync(
                "DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw; CREATE TABLE raw.event(LIKE zfrepl.event INCLUDING ALL); CHECKPOINT");
            return await Meter.MeasureAsync(() => load(server, events));
        }
    }
}
