using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Interop;

/// <summary>One third-party server for all tests of the collection; it takes seconds to start.</summary>
public sealed class PlantServer : IAsyncLifetime
{
    public const string User = "operator";
    public const string Password = "pässword 1";

    private EndpointDescription[] _endpoints = [];

    public NodeOpcUaServer Server { get; } = new();

    public async Task InitializeAsync()
    {
        if (ProgramLookup.WhyMissing("node", ProgramLookup.NodeOpcUa) is not null)
        {
            return;
        }

        await Server.StartAsync(
            "--policies", "None,Basic256Sha256,Aes128_Sha256_RsaOaep,Aes256_Sha256_RsaPss", "--user", User, "--password", Password,
            "--variables", "50", "--uncertain-every", "17", "--bad-every", "23");
        await using var client = await MiniClient.ConnectPlainAsync(Server.EndpointUrl);
        var response = await client.RequestAsync<GetEndpointsRequest, GetEndpointsResponse>(new GetEndpointsRequest { EndpointUrl = Server.EndpointUrl });
        _endpoints = response.Endpoints;
    }

    public Task DisposeAsync() => Server.DisposeAsync().AsTask();

    internal EndpointDescription Endpoint(SecurityPolicy policy, MessageSecurityMode mode) =>
        _endpoints.First(e => e.SecurityPolicyUri == policy.Uri && e.SecurityMode == mode);
}

/// <summary>The collection that shares the server.</summary>
[CollectionDefinition(Name)]
public sealed class PlantServerCollection : ICollectionFixture<PlantServer>
{
    public const string Name = "plant server";
}
