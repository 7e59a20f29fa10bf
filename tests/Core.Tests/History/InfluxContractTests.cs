using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.History;

/// <summary>Events into a real InfluxDB and back.</summary>
[Collection(InfluxFixture.Name)]
[NeedsPrograms(InfluxServer.Program)]
public sealed class InfluxEventTests(InfluxFixture fixture) : HistoryEventContract
{
    protected override IHistoryPlace NewPlace() => new InfluxPlace(fixture.Server);
}

/// <summary>The books beside a real InfluxDB.</summary>
[Collection(InfluxFixture.Name)]
[NeedsPrograms(InfluxServer.Program)]
public sealed class InfluxLedgerTests(InfluxFixture fixture) : HistoryLedgerContract
{
    protected override IHistoryPlace NewPlace() => new InfluxPlace(fixture.Server);
}

/// <summary>How a real InfluxDB is used.</summary>
[Collection(InfluxFixture.Name)]
[NeedsPrograms(InfluxServer.Program)]
public sealed class InfluxUseTests(InfluxFixture fixture) : HistoryUseContract
{
    protected override IHistoryPlace NewPlace() => new InfluxPlace(fixture.Server);
}
