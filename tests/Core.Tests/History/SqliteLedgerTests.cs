namespace ZfRepl.Core.Tests.History;

/// <summary>The books in a real SQLite file.</summary>
public sealed class SqliteLedgerTests : HistoryLedgerContract
{
    protected override IHistoryPlace NewPlace() => new HistoryFolder();
}
