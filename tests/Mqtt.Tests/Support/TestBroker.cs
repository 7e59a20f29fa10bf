using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using ZfRepl.Mqtt.Broker;
using ZfRepl.TestKit;

namespace ZfRepl.Mqtt.Tests.Support;

/// <summary>Our broker on a free loopback port; a defect that ended it fails the test at its end.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    private TestBroker(MqttBroker broker, TestLog log)
    {
        Broker = broker;
        Log = log;
    }

    public MqttBroker Broker { get; }

    public TestLog Log { get; }

    public int Port => Broker.Endpoints[0].Port;

    public static MqttListener Plain { get; } = new(IPAddress.Loopback, 0);

    /// <summary>Starts with options made from a listener and a log; without them, for anybody and with the defaults.</summary>
    public static TestBroker Start(Func<ILogger, MqttBrokerOptions>? describe = null)
    {
        var log = new TestLog();
        var options = describe?.Invoke(log) ?? new MqttBrokerOptions { Listeners = [Plain], AllowAnonymous = true, Log = log };
        var broker = new MqttBroker(options);
        Assert.True(broker.TryStart(out var whyNot), whyNot);
        return new TestBroker(broker, log);
    }

    public static TestBroker StartWithTls(X509Certificate2 certificate) => Start(log => new MqttBrokerOptions
    {
        Listeners = [Plain with { Certificate = certificate }],
        AllowAnonymous = true,
        Log = log,
    });

    /// <summary>Waits until the counters look like this.</summary>
    public Task StatisticsAsync(Func<MqttBrokerStatistics, bool> condition, string what) =>
        Eventually.TrueAsync(() => condition(Broker.Statistics), what);

    public async ValueTask DisposeAsync()
    {
        Assert.False(Broker.Completion.IsFaulted, Broker.Completion.Exception?.ToString());
        await Broker.StopAsync();
        await Broker.DisposeAsync();
    }
}
