using ZfRepl.Core.History;

namespace ZfRepl.Core.Tests.History;

/// <summary>An empty place of one test's own for a history database of some kind; what was opened there is closed with it.</summary>
public interface IHistoryPlace : IAsyncDisposable
{
    /// <summary>Opens the database; makes it the first time. It may be opened more than once, as after a restart or beside another program.</summary>
    Task<IHistoryDatabase> OpenAsync();
}
