namespace ZfRepl.Core.Tests.History;

/// <summary>How a real SQLite file is used.</summary>
public sealed class SqliteUseTests : HistoryUseContract
{
    protected override IHistoryPlace NewPlace() => new HistoryFolder();
}
