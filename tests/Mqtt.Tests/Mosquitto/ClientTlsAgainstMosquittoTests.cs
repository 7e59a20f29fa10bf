using Microsoft.Extensions.Logging;
using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Mqtt.Tests.Mosquitto;

public sealed class ClientTlsAgainstMosquittoTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly CertificateAuthority _authority;

    public ClientTlsAgainstMosquittoTests() => _authority = new CertificateAuthority(_folder.Path);

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task A_server_of_the_trusted_authority_is_accepted(MqttProtocolVersion version)
    {
        await using var server = await StartAsync();
        await using var client = Start(server, new MqttTlsOptions { CaFile = _authority.CaFile }, version);
        await client.ConnectedAsync();
        await client.SubscribeAsync(new MqttSubscription("t"));

        await client.PublishAsync("t", new string('x', 200_000));

        Assert.Equal(200_000, (await client.MessageAsync()).Payload.Length);
    }

    [RequiresFact("mosquitto")]
    public async Task A_server_of_another_authority_is_turned_away()
    {
        using var other = new CertificateAuthority(_folder.Path, "other");
        await using var server = await StartAsync();
        await using var client = Start(server, new MqttTlsOptions { CaFile = other.CaFile });

        var change = await client.StateAsync(MqttClientState.Waiting);

        Assert.Equal(MqttDisconnectReason.TlsFailed, change.Reason);
    }

    [RequiresFact("mosquitto")]
    public async Task A_server_that_the_system_does_not_know_is_turned_away_without_a_ca_file()
    {
        await using var server = await StartAsync();
        await using var client = Start(server, new MqttTlsOptions());

        Assert.Equal(MqttDisconnectReason.TlsFailed, (await client.StateAsync(MqttClientState.Waiting)).Reason);
    }

    [RequiresFact("mosquitto")]
    public async Task A_certificate_for_another_name_is_turned_away_unless_that_name_is_expected()
    {
        await using var server = await StartAsync("broker.plant.example");
        await using var strict = Start(server, new MqttTlsOptions { CaFile = _authority.CaFile });
        Assert.Equal(MqttDisconnectReason.TlsFailed, (await strict.StateAsync(MqttClientState.Waiting)).Reason);

        await using var told = Start(server, new MqttTlsOptions { CaFile = _authority.CaFile, ServerName = "broker.plant.example" });
        await told.ConnectedAsync();
    }

    [RequiresFact("mosquitto")]
    public async Task Accepting_any_server_works_and_is_logged_as_a_warning()
    {
        var log = new TestLog();
        await using var server = await StartAsync();
        await using var client = Start(server, new MqttTlsOptions { AcceptAnyServer = true }, log: log);

        await client.ConnectedAsync();

        Assert.Contains(log.Lines, l => l.Level == LogLevel.Warning && l.Text.Contains("WITHOUT CHECKING THE SERVER", StringComparison.Ordinal));
    }

    [RequiresFact("mosquitto")]
    public async Task A_client_certificate_opens_a_listener_that_requires_one()
    {
        var (certificateFile, keyFile, _) = _authority.Issue("edge", isServer: false);
        await using var server = await StartAsync(settings: "require_certificate true");
        await using var bare = Start(server, new MqttTlsOptions { CaFile = _authority.CaFile });
        await bare.StateAsync(MqttClientState.Waiting);

        await using var client = Start(server, new MqttTlsOptions
        {
            CaFile = _authority.CaFile,
            ClientCertificateFile = certificateFile,
            ClientKeyFile = keyFile,
        });
        await client.ConnectedAsync();
        await client.PublishAsync("t", "x");
    }

    [RequiresFact("mosquitto")]
    public async Task A_missing_ca_file_is_reported_and_noticed_when_it_appears()
    {
        await using var server = await StartAsync();
        var path = _folder["later.crt"];
        await using var client = Start(server, new MqttTlsOptions { CaFile = path });
        Assert.Contains("later.crt", (await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.TlsFilesUnusable)).Detail, StringComparison.Ordinal);

        File.Copy(_authority.CaFile, path);

        await client.ConnectedAsync();
    }

    private static TestClient Start(
        MosquittoServer server, MqttTlsOptions tls, MqttProtocolVersion version = MqttProtocolVersion.V5, TestLog? log = null) =>
        TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", server.Port)],
            ProtocolVersion = version,
            Tls = tls,
            ReconnectDelayMin = TimeSpan.FromMilliseconds(20),
            ReconnectDelayMax = TimeSpan.FromMilliseconds(200),
            MessageHandler = messages,
            StateHandler = states,
            Log = log ?? new TestLog(),
        });

    private Task<MosquittoServer> StartAsync(string? host = null, string settings = "require_certificate false")
    {
        var (certificateFile, keyFile, _) = _authority.Issue("server", host: host);
        return MosquittoServer.StartAsync($"cafile {_authority.CaFile}", $"certfile {certificateFile}", $"keyfile {keyFile}", settings);
    }
}
