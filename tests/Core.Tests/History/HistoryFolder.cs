using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>A real history file in a folder of its own.</summary>
internal sealed class HistoryFolder : IHistoryPlace
{
    private readonly TempFolder _folder = new();
    private readonly List<SqliteHistory> _opened = [];

    public string Path => _folder["history.db"];

    public string Folder => _folder.Path;

    public SqliteHistoryOptions Options => new() { Path = Path, BusyTimeoutMs = 50 };

    public Task<SqliteHistory> OpenAsync() => OpenAsync(Options);

    async Task<IHistoryDatabase> IHistoryPlace.OpenAsync() => await OpenAsync(Options with { BusyTimeoutMs = 10_000 });

    public async ValueTask DisposeAsync()
    {
        foreach (var history in _opened)
        {
            await history.DisposeAsync();
        }

        _folder.Dispose();
    }

    private async Task<SqliteHistory> OpenAsync(SqliteHistoryOptions options)
    {
        var history = Ok(await SqliteHistory.OpenAsync(options));
        lock (_opened)
        {
            _opened.Add(history);
        }

        return history;
    }
}
