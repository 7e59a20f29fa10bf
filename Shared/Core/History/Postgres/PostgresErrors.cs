using System.Net.Sockets;
using Npgsql;

namespace ZfRepl.Core.History.Postgres;

/// <summary>What PostgreSQL's error codes mean for the caller. Codes that only a defect of this program can cause are not translated.</summary>
internal static class PostgresErrors
{
    /// <summary>The value for an exception, or null when it is a defect that must be seen. Holds no password.</summary>
    public static HistoryError? Translate(Exception exception, PostgresHistoryOptions options) => exception switch
    {
        PostgresException e => Translate(e, options),
        NpgsqlException { InnerException: TimeoutException } or TimeoutException => Unavailable(
            options, "does not answer in time", "see whether the server is overloaded or the network is cut; it is tried again"),
        NpgsqlException { InnerException: System.Security.Authentication.AuthenticationException inner } => Broken(
            options, $"could not be trusted: {inner.Message}",
            "see `tls` and `ca_certs`: the certificate has to be in the server's name and of that authority"),
        NpgsqlException or IOException or SocketException => Unavailable(
            options, $"can't be reached: {Reason(exception)}", "start it, or see to the network; it is tried again by itself"),
        _ => null,
    };

    private static HistoryError? Translate(PostgresException e, PostgresHistoryOptions options) => e.SqlState switch
    {
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => Busy(
            options, "is being written by another program", "it is tried again; if it stays so, end what keeps a transaction open (pg_stat_activity)"),
        // All writers of ours wait for each other, so it was somebody else.
        PostgresErrorCodes.UniqueViolation => Busy(
            options, $"was changed by another program meanwhile ({e.TableName})", "it is tried again; write into these tables with zfrepl alone"),
        PostgresErrorCodes.QueryCanceled => Unavailable(
            options, "did not finish in time", "raise `timeout`, or see why the server is slow; it is tried again"),
        PostgresErrorCodes.DiskFull => Unavailable(options, "has no space left", "free space on the server; it goes on by itself"),
        PostgresErrorCodes.TooManyConnections => Unavailable(
            options, "takes no more connections", "raise max_connections at the server, or close others; it is tried again"),
        PostgresErrorCodes.ReadOnlySqlTransaction => Unavailable(
            options, "is read-only", "point `url` to the primary server, or wait for the end of a switch-over; it is tried again"),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => Broken(
            options, $"refuses the login: {e.MessageText}", "see `username` and `password_file`, and pg_hba.conf at the server"),
        PostgresErrorCodes.InvalidCatalogName => Broken(
            options, $"does not have the database: {e.MessageText}",
            $"create it: createdb -O {options.UserName} -E UTF8 {options.Database}"),
        PostgresErrorCodes.InsufficientPrivilege => Broken(
            options, $"refuses the role {options.UserName}: {e.MessageText}",
            $"as an administrator: CREATE SCHEMA IF NOT EXISTS \"{options.Schema}\" AUTHORIZATION \"{options.UserName}\"; "
            + $"GRANT TEMPORARY ON DATABASE \"{options.Database}\" TO \"{options.UserName}\""),
        PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject or PostgresErrorCodes.DuplicateFunction => Broken(
            options, $"holds something of another program in the schema: {e.MessageText}", "choose another `schema`; nothing was changed"),
        // The statements are right, so tables that they do not fit were changed by somebody.
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.NotNullViolation or PostgresErrorCodes.CheckViolation
            or PostgresErrorCodes.ForeignKeyViolation or PostgresErrorCodes.ExclusionViolation
            or PostgresErrorCodes.DatatypeMismatch or PostgresErrorCodes.BadCopyFileFormat or PostgresErrorCodes.InvalidBinaryRepresentation => Broken(
                options, $"does not have the tables that it should: {e.MessageText}", "somebody changed them: restore a backup"),
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => Broken(
            options, $"is damaged: {e.MessageText}", "restore a backup of the server; see its log"),
        _ when IsOfATrigger(e.SqlState) => Broken(
            options, $"has a trigger of somebody that refuses what is written: {e.MessageText} ({e.SqlState})",
            "remove it, or have it let these rows through; it is tried again"),
        _ when e.IsTransient || IsServerSide(e.SqlState) => Unavailable(
            options, $"failed: {e.MessageText} ({e.SqlState})", "see the server's log; it is tried again by itself"),
        _ => null,
    };

    /// <summary>Some events are kept out by a rule of somebody's.</summary>
    public static HistoryError RuledOut(PostgresHistoryOptions options, IReadOnlyList<RuledOut> events) => new(
        HistoryTrouble.Refused,
        $"The history database {options} has a rule of somebody that refuses {events.Count} events: {events[0].Reason}.",
        "change the rule, or have it let these rows through")
    {
        Refused = events,
    };

    /// <summary>A rule of somebody's keeps everything out, and no single row is the reason.</summary>
    public static HistoryError Rule(PostgresHistoryOptions options, PostgresException e) =>
        Broken(options, $"has a rule of somebody that refuses what is written: {e.MessageText} ({e.SqlState})", "change the rule; it is tried again");

    // Connection, resources, operator intervention (shutdown, crash), system, configuration, internal errors, broken transactions.
    private static bool IsServerSide(string state) =>
        state.Length == 5 && state[..2] is "08" or "53" or "57" or "58" or "F0" or "XX" or "25" or "40" or "55";

    // Triggered action, trigger's change of data, external routines, PL/pgSQL: no statement of ours can cause them.
    private static bool IsOfATrigger(string state) => state.Length == 5 && state[..2] is "09" or "27" or "38" or "39" or "P0";

    private static string Reason(Exception exception) => exception.InnerException is { } inner && exception is NpgsqlException
        ? inner.Message
        : exception.Message;

    private static HistoryError Busy(PostgresHistoryOptions options, string what, string remedy) =>
        new(HistoryTrouble.Busy, $"The history database {options} {what}.", remedy);

    private static HistoryError Unavailable(PostgresHistoryOptions options, string what, string remedy) =>
        new(HistoryTrouble.Unavailable, $"The history database {options} {what}.", remedy);

    private static HistoryError Broken(PostgresHistoryOptions options, string what, string remedy) =>
        new(HistoryTrouble.Broken, $"The history database {options} {what}.", remedy);
}
