using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Tests.Interop;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>A third-party server, and everything that a client of it needs.</summary>
public sealed class ClientPlant : IAsyncLifetime, IDisposable
{
    public const int Variables = 100;
    private static readonly string[] ServerOptions =
    [
        "--policies", "None,Basic256Sha256,Aes256_Sha256_RsaPss", "--user", PlantServer.User, "--password", PlantServer.Password,
        "--uncertain-every", "17", "--bad-every", "23", "--variables",
    ];

    private readonly TempFolder _folder = new();

    public NodeOpcUaServer Server { get; } = new();

    internal PkiFolder Pki => field ??= new PkiFolder(_folder["pki"], TimeProvider.System);

    public async Task InitializeAsync()
    {
        if (ProgramLookup.WhyMissing("node", ProgramLookup.NodeOpcUa) is null)
        {
            await StartAsync(Server, Variables);
            await TrustAsync(Server.EndpointUrl, Pki);
        }
    }

    public Task DisposeAsync() => Server.DisposeAsync().AsTask();

    public void Dispose() => _folder.Dispose();

    internal static Task StartAsync(NodeOpcUaServer server, int variables) =>
        server.StartAsync([.. ServerOptions, variables.ToString(System.Globalization.CultureInfo.InvariantCulture)]);

    internal static async Task TrustAsync(string url, PkiFolder pki)
    {
        var found = await EndpointChoice.DiscoverAsync(url, TimeSpan.FromSeconds(10), new ListLogger(), TimeProvider.System, default);
        Assert.True(PeerCertificate.TryParse(found.Value[0].ServerCertificate, out var certificate));
        using (certificate)
        {
            Assert.Null(pki.Trust(certificate));
        }
    }

    internal static IReadOnlyList<WatchedItem> Items(int count, int first = 1) =>
    [
        .. Enumerable.Range(first, count).Select(i => $"ns=1;s=Var{i:00000}")
            .Select(node => new WatchedItem(NodeId.Parse(node), node, TimeSpan.Zero, 1000)),
    ];

    /// <summary>Options for the shared server, or for a relay before it.</summary>
    internal UaClientOptions Client(bool secure, string? url = null) => Client(url ?? Server.EndpointUrl, secure, Pki);

    internal static UaClientOptions Client(string url, bool secure, PkiFolder pki) => new()
    {
        EndpointUrl = url,
        ApplicationUri = TestCertificates.ClientUri,
        ApplicationName = "Test client",
        Policy = secure ? SecurityPolicy.Basic256Sha256 : SecurityPolicy.None,
        Mode = secure ? MessageSecurityMode.SignAndEncrypt : MessageSecurityMode.None,
        Certificate = TestCertificates.Client(),
        Validator = new CertificateValidator(pki, new CertificateValidatorOptions(), TimeProvider.System),
        UserName = secure ? PlantServer.User : null,
        Password = secure ? PlantServer.Password : null,
        RequestTimeout = TimeSpan.FromSeconds(10),
        ReconnectDelayMin = TimeSpan.FromMilliseconds(50),
        ReconnectDelayMax = TimeSpan.FromMilliseconds(500),
    };
}

/// <summary>The collection that shares the server.</summary>
[CollectionDefinition(Name)]
public sealed class ClientPlantCollection : ICollectionFixture<ClientPlant>
{
    public const string Name = "client plant";
}
