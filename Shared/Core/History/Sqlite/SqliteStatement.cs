using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>
/// A prepared statement without parameter objects, because one of those for each value costs more than the insert. Parameters count
/// from 1, columns from 0. Failures are <see cref="SqliteException"/>, which <see cref="SqliteErrors"/> turns into values at the edge of
/// the folder. Not thread-safe.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private const int MaxKept = 31;

    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly long[] _kept = new long[MaxKept + 1];
    private uint _isKept;

    public SqliteStatement(sqlite3 database, string sql)
    {
        _database = database;
        Check(raw.sqlite3_prepare_v2(database, sql, out _statement));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Bind(int parameter, long value) => Check(raw.sqlite3_bind_int64(_statement, parameter, value));

    /// <summary>
    /// Binds a number that is mostly the one of the run before. Parameters keep their values, and to compare costs a tenth of a call, which
    /// takes a lock each. Such a parameter is bound by this method alone.
    /// </summary>
    /// <param name="parameter">The parameter, up to 31.</param>
    /// <param name="value">The number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BindKept(int parameter, long value)
    {
        if (_kept[parameter] != value || (_isKept & (1u << parameter)) == 0)
        {
            Bind(parameter, value);
            _kept[parameter] = value;
            _isKept |= 1u << parameter;
        }
    }

    public void Bind(int parameter, double value) => Check(raw.sqlite3_bind_double(_statement, parameter, value));

    public void BindNull(int parameter) => Check(raw.sqlite3_bind_null(_statement, parameter));

    public void BindText(int parameter, string text) => BindText(parameter, Encoding.UTF8.GetBytes(text));

    // The provider passes an empty span as a null pointer, which SQLite takes for NULL.
    public void BindText(int parameter, ReadOnlySpan<byte> utf8) =>
        Check(utf8.IsEmpty ? raw.sqlite3_bind_text(_statement, parameter, "") : raw.sqlite3_bind_text(_statement, parameter, utf8));

    public void BindBlob(int parameter, ReadOnlySpan<byte> bytes) =>
        Check(bytes.IsEmpty ? raw.sqlite3_bind_zeroblob(_statement, parameter, 0) : raw.sqlite3_bind_blob(_statement, parameter, bytes));

    public void Bind(int parameter, CellBuffer cell)
    {
        switch (cell.Type)
        {
            case CellType.Integer:
                Bind(parameter, cell.Integer);
                break;
            case CellType.Real:
                Bind(parameter, cell.Real);
                break;
            case CellType.Text:
                BindText(parameter, cell.Bytes);
                break;
            case CellType.Blob:
                BindBlob(parameter, cell.Bytes);
                break;
            default:
                BindNull(parameter);
                break;
        }
    }

    /// <summary>Goes to the next row; false when there is none. The statement stays positioned until <see cref="Reset"/>.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(_statement);
        if (code is raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return code == raw.SQLITE_ROW;
        }

        // The exception takes its text from the connection, so it is made before anything else is called on it.
        var failure = Failure(code);
        _ = raw.sqlite3_reset(_statement);
        throw failure;
    }

    /// <summary>Makes the statement ready for its next run; parameters keep their values.</summary>
    public void Reset() => Check(raw.sqlite3_reset(_statement));

    /// <summary>Runs a statement that returns no rows.</summary>
    public void Execute()
    {
        while (Step())
        {
        }

        Reset();
    }

    public long Int64(int column) => raw.sqlite3_column_int64(_statement, column);

    public double Real(int column) => raw.sqlite3_column_double(_statement, column);

    public CellType TypeOf(int column) => (CellType)raw.sqlite3_column_type(_statement, column);

    /// <summary>The bytes of a blob, or of a text in UTF-8; valid until the next call on the statement.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(_statement, column);

    public string Text(int column) => Encoding.UTF8.GetString(Bytes(column));

    public void Dispose() => _statement.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw Failure(code);
        }
    }

    private SqliteException Failure(int code) =>
        new(raw.sqlite3_errmsg(_database).utf8_to_string(), code, raw.sqlite3_extended_errcode(_database));
}
