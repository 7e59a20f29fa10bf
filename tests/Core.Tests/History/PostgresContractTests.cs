using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.History;

/// <summary>Events into a real PostgreSQL and back.</summary>
[Collection(PostgresTests.Name)]
[NeedsPrograms(PostgresServer.Programs)]
public sealed class PostgresEventContractTests(PostgresCluster cluster) : HistoryEventContract
{
    protected override IHistoryPlace NewPlace() => new PostgresPlace(cluster.Server);
}

/// <summary>The books in a real PostgreSQL.</summary>
[Collection(PostgresTests.Name)]
[NeedsPrograms(PostgresServer.Programs)]
public sealed class PostgresLedgerContractTests(PostgresCluster cluster) : HistoryLedgerContract
{
    protected override IHistoryPlace NewPlace() => new PostgresPlace(cluster.Server);
}

/// <summary>How a real PostgreSQL is used.</summary>
[Collection(PostgresTests.Name)]
[NeedsPrograms(PostgresServer.Programs)]
public sealed class PostgresUseContractTests(PostgresCluster cluster) : HistoryUseContract
{
    protected override IHistoryPlace NewPlace() => new PostgresPlace(cluster.Server);
}
