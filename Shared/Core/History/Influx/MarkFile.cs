using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using ZfRepl.Core.History.Sqlite;
using Oid = ZfRepl.Core.Telemetry.Oid;

namespace ZfRepl.Core.History.Influx;

/// <summary>The marks in the ledger's file, and whether the server's data belongs to them.</summary>
internal sealed class MarkFile(InfluxHistoryOptions options, InfluxConnection connection, InfluxStatements statements) : ISeriesMarks, IDisposable
{
    private const int OidsPerQuery = 50;

    private readonly Lock _gate = new();
    private readonly SqliteHistoryOptions _file = new() { Path = Path.GetFullPath(options.LedgerPath) };
    private SqliteSession? _session;
    private SeriesMarks? _marks;

    private string Target => $"{options.Database}/{options.RetentionPolicy}/{options.Measurement}";

    public Task<HistoryResult<bool>> PrepareAsync() => UseAsync<bool>(marks =>
    {
        marks.Prepare(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        return true;
    });

    /// <summary>
    /// Makes sure that the measurement is this ledger's: only then the marks say what is there. A mark in the database, in a measurement
    /// of its own, bears the ledger's name. Where points expire so would the mark: there, every OID is looked up the first time.
    /// </summary>
    public async Task<HistoryError?> ClaimAsync(bool isFinite, CancellationToken cancellation)
    {
        var read = await UseAsync(marks => HistoryResult.Of(marks.Read()));
        if (!read.IsOk)
        {
            return read.Error;
        }

        var (name, target, _) = read.Value;
        var wanted = isFinite ? $"{Target} expiring" : Target;
        if (isFinite)
        {
            return target == wanted ? null : await TakeAsync(target, wanted, isAdopted: true);
        }

        var rows = new TextRows();
        var asked = await connection.QueryAsync($"{statements.ReadOwner()};{statements.ReadAnything()}", options.Database, rows, cancellation);
        if (!asked.IsOk)
        {
            return asked.Error;
        }

        var owner = rows.Rows.Where(r => r.Statement == 0).Select(r => r.Columns[^1]).FirstOrDefault();
        var isEmpty = rows.Rows.TrueForAll(r => r.Statement == 0);
        if (owner == name)
        {
            return target == wanted ? null : await TakeAsync(target, wanted, isAdopted: true);
        }

        if (owner is not null)
        {
            return InfluxErrors.Broken(
                $"{options} belongs to another ledger ({InfluxErrors.Shorten(owner)}), not to {_file.Path} ({name}).",
                $"give a measurement of its own; if the other ledger is gone for good: DROP MEASUREMENT {InfluxStatements.Identifier(statements.OwnerMeasurement)}");
        }

        if (target == wanted && isEmpty)
        {
            return InfluxErrors.Broken(
                $"{options} is empty, and the ledger {_file.Path} says that blocks were written to it: it was dropped, or this is another server.",
                "restore the database; to begin anew, stop the service and move the ledger away");
        }

        var mark = $"{LineWriter.EscapeMeasurement(statements.OwnerMeasurement)} ledger=\"{name}\" 0\n";
        var written = await connection.WriteAsync(System.Text.Encoding.UTF8.GetBytes(mark), cancellation);
        return written.IsOk ? await TakeAsync(target, wanted, isAdopted: !isEmpty) : written.Error;
    }

    public async Task<HistoryResult<long?[]>> FindAsync(IReadOnlyList<Oid> oids, CancellationToken cancellation)
    {
        var found = await UseAsync(marks =>
        {
            var isAdopted = marks.Read().IsAdopted;
            return HistoryResult.Of((IsAdopted: isAdopted, Marks: oids.Select(oid => marks.Find(oid.Text)).ToArray()));
        });
        if (!found.IsOk)
        {
            return found.Error;
        }

        var result = found.Value.Marks;
        var unknown = found.Value.IsAdopted ? Enumerable.Range(0, result.Length).Where(i => result[i] is null).ToArray() : [];
        foreach (var part in unknown.Chunk(OidsPerQuery))
        {
            var rows = new TextRows();
            var text = string.Join(';', part.Select(i => $"{statements.Edge(oids[i], isLast: true)};{statements.AnyBeyond(oids[i])}"));
            var asked = await connection.QueryAsync(text, options.Database, rows, cancellation);
            if (!asked.IsOk)
            {
                return asked.Error;
            }

            foreach (var (statement, _, columns) in rows.Rows)
            {
                var last = statement % 2 == 1 ? long.MaxValue : long.Parse(columns[0]!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                ref var mark = ref result[part[statement / 2]];
                mark = mark is { } known ? Math.Max(known, last) : last;
            }
        }

        return result;
    }

    public Task<HistoryResult<bool>> RaiseAsync(IReadOnlyList<(string Oid, long TimeNs)> marks) => UseAsync<bool>(file =>
    {
        file.Raise(marks);
        return true;
    });

    public void Dispose()
    {
        lock (_gate)
        {
            Drop();
        }
    }

    private async Task<HistoryError?> TakeAsync(string before, string target, bool isAdopted) => (await UseAsync<bool>(marks =>
    {
        marks.Claim(before, target, isAdopted);
        return true;
    })).Error;

    private Task<HistoryResult<T>> UseAsync<T>(Func<SeriesMarks, HistoryResult<T>> work) => Task.Run(() =>
    {
        lock (_gate)
        {
            var isOk = false;
            try
            {
                _session ??= SqliteSession.Open(_file, SqliteAccess.Write);
                _marks ??= new SeriesMarks(_session);
                var result = work(_marks);
                isOk = result.IsOk;
                return result;
            }
            catch (SqliteException e) when (SqliteErrors.Translate(e, _file.Path) is { } error)
            {
                return error;
            }
            finally
            {
                if (!isOk)
                {
                    Drop();
                }
            }
        }
    });

    private void Drop()
    {
        _marks = null;
        _session?.Dispose();
        _session = null;
    }
}
