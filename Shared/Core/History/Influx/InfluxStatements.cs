using System.Globalization;
using System.Text;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>The InfluxQL of a history. Pure.</summary>
internal sealed class InfluxStatements(InfluxHistoryOptions options)
{
    /// <summary>The measurement of the mark that says which ledger the data belongs to.</summary>
    public string OwnerMeasurement => options.Measurement + "_owner";

    /// <summary>An identifier in its quotes.</summary>
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    public string CreateDatabase() => $"CREATE DATABASE {Identifier(options.Database)}";

    public string ShowPolicies() => $"SHOW RETENTION POLICIES ON {Identifier(options.Database)}";

    public string ReadOwner() => $"SELECT \"ledger\" FROM {Source(OwnerMeasurement)} WHERE time = 0 LIMIT 1";

    public string ReadAnything() => $"SELECT \"status\" FROM {Source(options.Measurement)} LIMIT 1";

    /// <summary>The rows of an OID in a span of point times, with or without those that share an instant with another.</summary>
    public string Rows(Oid oid, long fromNs, long toNs, bool? isShifted, int? limit)
    {
        var statement = Select(InfluxRow.Columns, oid).Append(CultureInfo.InvariantCulture, $" AND time >= {fromNs} AND time <= {toNs}");
        statement.Append(isShifted switch
        {
            true => " AND \"k\" != ''",
            false => " AND \"k\" = ''",
            _ => "",
        });
        return Limit(statement, limit);
    }

    /// <summary>The rows of one run of an instant, from a point time on.</summary>
    public string RowsOfRun(Oid oid, long timeNs, long run, long fromNs, int limit)
    {
        var statement = Select(InfluxRow.Columns, oid).Append(
            CultureInfo.InvariantCulture,
            $" AND \"k\" = '{PointPlace.TagOf(timeNs, run)}' AND time >= {fromNs} AND time <= {PointPlace.Base(timeNs) + PointPlace.Shift - 1}");
        return Limit(statement, limit);
    }

    /// <summary>A row of an OID at the edges of time.</summary>
    public string AnyBeyond(Oid oid) => Select("\"status\"", oid).Append(" AND \"k\" =~ /@/ LIMIT 1").ToString();

    /// <summary>How many rows an OID has.</summary>
    public string Count(Oid oid) => Select("count(\"status\")", oid).ToString();

    /// <summary>The first or the last row of an OID that stands at its own time.</summary>
    public string Edge(Oid oid, bool isLast) =>
        Select("\"status\"", oid).Append(" AND \"k\" = '' ORDER BY time ").Append(isLast ? "DESC" : "ASC").Append(" LIMIT 1").ToString();

    /// <summary>One row of each series at the edges of time.</summary>
    public string SeriesBeyond() => $"SELECT \"status\" FROM {Source(options.Measurement)} WHERE \"k\" =~ /@/ GROUP BY \"oid\", \"k\" LIMIT 1";

    /// <summary>A page of the OIDs.</summary>
    public string Oids(int offset, int limit) => string.Create(
        CultureInfo.InvariantCulture, $"SHOW TAG VALUES FROM {Source(options.Measurement)} WITH KEY = \"oid\" LIMIT {limit} OFFSET {offset}");

    private static string Limit(StringBuilder statement, int? limit)
    {
        statement.Append(" ORDER BY time ASC");
        return (limit is { } count ? statement.Append(CultureInfo.InvariantCulture, $" LIMIT {count}") : statement).ToString();
    }

    // An encoded OID holds neither quotes nor backslashes, so it can't leave its own.
    private StringBuilder Select(string columns, Oid oid) =>
        new($"SELECT {columns} FROM {Source(options.Measurement)} WHERE \"oid\" = '{OidTag.Encode(oid)}'");

    private string Source(string measurement)
    {
        var policy = options.RetentionPolicy is { } name ? Identifier(name) : "";
        return $"{Identifier(options.Database)}.{policy}.{Identifier(measurement)}";
    }
}
