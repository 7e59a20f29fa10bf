using ZfRepl.Core.History;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.History.Sqlite;

namespace ZfRepl.Hosting.History;

/// <summary>Opens the history database that a configuration names. The one place that knows all kinds.</summary>
public static class HistoryDatabases
{
    /// <summary>
    /// Opens it. A file has to be there; a server that can't be reached now keeps no service from starting: each call says so until it
    /// is back.
    /// </summary>
    /// <returns>The database; an error when a person has to act before it can be of use.</returns>
    public static async ValueTask<HistoryResult<IHistoryDatabase>> OpenAsync(HistoryOptions options, CancellationToken cancellation)
    {
        switch (options)
        {
            case SqliteHistoryOptions sqlite:
                var file = await SqliteHistory.OpenAsync(sqlite, cancellation);
                return file.IsOk ? HistoryResult.Of<IHistoryDatabase>(file.Value) : file.Error;
            case PostgresHistoryOptions postgres:
                var server = new PostgresHistory(postgres);
                var ready = await server.PrepareAsync(cancellation);
                if (ready.IsOk || ready.Error.IsTransient)
                {
                    return HistoryResult.Of<IHistoryDatabase>(server);
                }

                await server.DisposeAsync();
                return ready.Error;
            case InfluxHistoryOptions influx:
                var points = await InfluxHistory.OpenAsync(influx, TimeProvider.System, cancellation);
                return points.IsOk ? HistoryResult.Of<IHistoryDatabase>(points.Value) : points.Error;
            default:
                throw new ArgumentOutOfRangeException(nameof(options), options.GetType().Name, "There is no such kind of history database.");
        }
    }
}
