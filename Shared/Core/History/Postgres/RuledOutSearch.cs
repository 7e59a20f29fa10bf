using Npgsql;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>
/// Finds the events that a rule of somebody's (a constraint, a trigger, the range of a column) keeps out: what is refused as a whole is written in
/// halves, each within a savepoint, until single events are left. Nothing of it is committed. Not thread-safe.
/// </summary>
internal sealed class RuledOutSearch(PostgresSession session, PostgresEventWriter events, int maxFound)
{
    /// <summary>How many are looked for at once, which takes seconds: other programs of ours wait meanwhile.</summary>
    public const int DefaultMaxFound = 1024;

    /// <summary>True when the server refuses what is written for a reason that may lie in a row.</summary>
    public static bool IsRule(PostgresException e) => e.SqlState switch
    {
        // Of our own tables: another writer, see PostgresErrors.
        PostgresErrorCodes.UniqueViolation => e is { TableName: "event", ConstraintName: not "event_pkey" },
        PostgresErrorCodes.ExclusionViolation => e.TableName != "oid",

        // Without a name it is a partition that is not there: it concerns all rows of a time, and making it lets them in.
        PostgresErrorCodes.CheckViolation => e.ConstraintName is not null,

        // A column of somebody's that has to have a value: no row of ours has one.
        PostgresErrorCodes.NotNullViolation => e.TableName != "event" || e.ColumnName is null || CopyRows.Names.Contains(e.ColumnName),

        // A column of another type: no row fits.
        PostgresErrorCodes.InvalidBinaryRepresentation or PostgresErrorCodes.BadCopyFileFormat => false,
        PostgresErrorCodes.RaiseException or PostgresErrorCodes.AssertFailure => true,
        var state => state.Length == 5 && state[..2] is "22" or "23" or "44",
    };

    /// <summary>Looks for them, after a write that was refused; what it wrote is rolled back.</summary>
    /// <param name="batch">Holds the events.</param>
    /// <param name="start">The first one that was to be written.</param>
    /// <param name="count">How many.</param>
    /// <returns>Up to as many as were asked for, ascending; none where the rule is not about rows. The transaction is still open.</returns>
    public async Task<List<RuledOut>> FindAsync(EventBatch batch, int start, int count)
    {
        await session.RollbackAsync();
        _ = await session.BeginAsync();
        events.Forget();

        // What would be looked at in the end only is looked at with its row.
        await session.ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE");
        var found = new List<RuledOut>();
        if (await TryAsync(events.LoadNothingAsync) is not null)
        {
            return found;
        }

        // What is let in stays until the end: a rule may be about several rows.
        var left = new Stack<(int Start, int Count)>([(start, count)]);
        while (found.Count < maxFound && left.TryPop(out var part))
        {
            if (await TryAsync(() => events.WriteAsync(batch, part.Start, part.Count, inserted: null)) is not { } reason)
            {
                continue;
            }

            if (part.Count == 1)
            {
                found.Add(new RuledOut(part.Start, reason));
                continue;
            }

            var half = part.Count / 2;
            left.Push((part.Start + half, part.Count - half));
            left.Push((part.Start, half));
        }

        return found;
    }

    /// <summary>Writes something within a savepoint.</summary>
    /// <returns>Null, or why it is refused.</returns>
    private async Task<string?> TryAsync(Func<Task> write)
    {
        await session.ExecuteAsync("SAVEPOINT piece");
        try
        {
            await write();
            await events.ClearAsync();
            await session.ExecuteAsync("RELEASE SAVEPOINT piece");
            return null;
        }
        catch (PostgresException e) when (IsRule(e))
        {
            await session.ExecuteAsync("ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece");
            events.Forget();
            return $"{e.MessageText} ({e.SqlState})";
        }
    }
}
