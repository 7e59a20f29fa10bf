using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.Telemetry;
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
        await using var server = await PostgresServer.StartAsync();
        var bus = new InProcessBus();
        var history = await PostgresHistory.OpenAsync(server.Options with { Timeout = TimeSpan.FromMinutes(5) });
        await server.ExecuteAsync("CHECKPOINT");
        var drained = await Drain.RunAsync(
            bench, bus.First, bus.Second, oids => ReferenceWorkload.Generate(oids, bench.Events), history: history.Value);
        var events = drained.Events;

        var merged = await RawAsync(RawPostgres.MergeAsync);
        var direct = await RawAsync(RawPostgres.CopyAsync);
        return
        [
            .. DrainBenchmark.Figures(Name, drained),
            new($"{Name}_raw_rows_per_s", events.Count / merged.Seconds, "rows/s, raw COPY and merge, sorted"),
            new($"{Name}_raw_direct_rows_per_s", events.Count / direct.Seconds, "rows/s, raw COPY into the table, not idempotent"),
            new("w1_drain_postgres_ratio", merged.Seconds / drained.Taken.Seconds, "x the speed of raw COPY and merge"),
            new($"{Name}_ratio_direct", direct.Seconds / drained.Taken.Seconds, "x the speed of raw COPY into the table"),
        ];

        async Task<Taken> RawAsync(Func<PostgresServer, EventBatch, Task> load)
        {
            await server.ExecuteAsync(
                "DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw; CREATE TABLE raw.event(LIKE zfrepl.event INCLUDING ALL); CHECKPOINT");
            return await Meter.MeasureAsync(() => load(server, events));
        }
    }
}
