using Npgsql;
using NpgsqlTypes;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// The baseline of an import into PostgreSQL: the same rows into a table of the same shape with the driver's own binary importer, in the order of the
/// key, in transactions of the same size, with a sync at each commit, and nothing else.
/// </summary>
internal static class RawPostgres
{
    private const int EventsPerTransaction = 65_536;
    private const string Columns = "t, boot, counter, \"integer\", number, oid_id, n, quality, status, kind, flags, \"boolean\", text, bytes, digest";

    /// <summary>Idempotent.</summary>
    public static Task MergeAsync(PostgresServer server, EventBatch events) => LoadAsync(
        server,
        events,
        "CREATE TEMPORARY TABLE part(LIKE raw.event) ON COMMIT DELETE ROWS",
        $"COPY part({Columns}) FROM STDIN (FORMAT BINARY)",
        "INSERT INTO raw.event SELECT * FROM part ON CONFLICT DO NOTHING");

    /// <summary>Not idempotent.</summary>
    public static Task CopyAsync(PostgresServer server, EventBatch events) =>
        LoadAsync(server, events, "SELECT 1", $"COPY raw.event({Columns}) FROM STDIN (FORMAT BINARY)", "SELECT 1");

    private static async Task LoadAsync(PostgresServer server, EventBatch events, string before, string copy, string after)
    {
        await using var connection = await server.ConnectAsync();
        await ExecuteAsync(connection, "SET synchronous_commit = on");
        await ExecuteAsync(connection, "SET temp_buffers = '32MB'");
        await ExecuteAsync(connection, before);
        for (var start = 0; start < events.Count; start += EventsPerTransaction)
        {
            var order = Enumerable.Range(start, Math.Min(EventsPerTransaction, events.Count - start)).ToArray();
            var keys = Array.ConvertAll(order, i => (events.Items[i], events.TimesNs[i]));
            Array.Sort(keys, order);
            await using var transaction = await connection.BeginTransactionAsync();
            await using (var importer = await connection.BeginBinaryImportAsync(copy))
            {
                foreach (var i in order)
                {
                    await importer.StartRowAsync();
                    Write(importer, events, i);
                }

                await importer.CompleteAsync();
            }

            await ExecuteAsync(connection, after);
            await transaction.CommitAsync();
        }
    }

    private static void Write(NpgsqlBinaryImporter importer, EventBatch events, int i)
    {
        var kind = (ValueKind)events.Kinds[i];
        importer.Write(events.TimesNs[i], NpgsqlDbType.Bigint);
        importer.Write(unchecked((long)events.Boots[i]), NpgsqlDbType.Bigint);
        importer.Write(unchecked((long)events.Counters[i]), NpgsqlDbType.Bigint);
        Either(kind is not (ValueKind.Double or ValueKind.Boolean), unchecked((long)events.Bits[i]), NpgsqlDbType.Bigint);
        Either(kind == ValueKind.Double, BitConverter.UInt64BitsToDouble(events.Bits[i]), NpgsqlDbType.Double);
        importer.Write(events.Items[i], NpgsqlDbType.Integer);
        importer.Write(0, NpgsqlDbType.Integer);
        importer.Write(unchecked((int)events.Qualities[i]), NpgsqlDbType.Integer);
        importer.Write(events.Statuses[i], NpgsqlDbType.Smallint);
        importer.Write((short)events.Kinds[i], NpgsqlDbType.Smallint);
        importer.WriteNull();
        Either(kind == ValueKind.Boolean, events.Bits[i] != 0, NpgsqlDbType.Boolean);
        importer.WriteNull();
        importer.WriteNull();
        importer.WriteNull();

        void Either<T>(bool isSet, T value, NpgsqlDbType type)
        {
            if (isSet)
            {
                importer.Write(value, type);
            }
            else
            {
                importer.WriteNull();
            }
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
