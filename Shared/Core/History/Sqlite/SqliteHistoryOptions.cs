namespace ZfRepl.Core.History.Sqlite;

/// <summary>Where a SQLite history is and how it behaves.</summary>
public sealed record SqliteHistoryOptions : HistoryOptions
{
    /// <summary>The file. Beside it stand SQLite's own <c>-wal</c> and <c>-shm</c>.</summary>
    public required string Path { get; init; }

    /// <summary>True to look only: nothing is created, changed or migrated.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>How long a write waits for another program's transaction before it reports <see cref="HistoryTrouble.Busy"/>, from 0.</summary>
    public int BusyTimeoutMs { get; init; } = 5_000;

    /// <summary>The page cache of each connection, in KiB, from 256.</summary>
    public int CacheKiB { get; init; } = 16_384;
}
