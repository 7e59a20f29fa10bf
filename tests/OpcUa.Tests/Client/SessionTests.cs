using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Interop;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Client;

[Collection(ClientPlantCollection.Name)]
public sealed class SessionTests(ClientPlant plant)
{
    private const string Node = "node";

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData("None", MessageSecurityMode.None, false)]
    [InlineData("None", MessageSecurityMode.None, true)]
    [InlineData("Basic256Sha256", MessageSecurityMode.Sign, true)]
    [InlineData("Basic256Sha256", MessageSecurityMode.SignAndEncrypt, true)]
    [InlineData("Aes256_Sha256_RsaPss", MessageSecurityMode.SignAndEncrypt, false)]
    public async Task A_session_browses_reads_and_writes(string policy, MessageSecurityMode mode, bool withUser)
    {
        Assert.True(SecurityPolicy.TryFind(policy, out var found));
        var options = plant.Client(secure: true) with
        {
            Policy = found,
            Mode = mode,
            UserName = withUser ? PlantServer.User : null,
        };
        await using var session = await ConnectAsync(options);
        Assert.Equal("http://opcfoundation.org/UA/", session.Namespaces.Uris[0]);
        Assert.False(session.ServerStartTime.IsNull);
        var objects = await session.BrowseAsync(NodeId.Parse("i=85"));
        var folder = Assert.Single(objects.Value, n => n.BrowseName.Name == "Plant");
        Assert.Equal(NodeClass.Object, folder.NodeClass);
        var variables = (await session.BrowseAsync(folder.NodeId)).Value;
        Assert.Equal(ClientPlant.Variables, variables.Count);
        Assert.All(variables, v => Assert.Equal(NodeClass.Variable, v.NodeClass));
        var values = (await session.ReadAsync([.. Enumerable.Repeat(variables, 25).SelectMany(v => v).Select(v => v.NodeId)])).Value;
        Assert.Equal(25 * ClientPlant.Variables, values.Count);
        Assert.All(values, v => Assert.False(v.Value.IsNull));
        var written = await session.WriteAsync(
            [(NodeId.Parse("ns=1;s=Types.Double"), new Variant(2.5)), (NodeId.Parse("ns=1;s=None"), new Variant(1.0))]);
        Assert.Equal([StatusCode.Good, StatusCodes.BadNodeIdUnknown], written.Value);
        Assert.Equal(new Variant(2.5), (await session.ReadAsync([NodeId.Parse("ns=1;s=Types.Double")])).Value[0].Value);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await session.BrowseAsync(NodeId.Parse("ns=1;s=None"))).Error!.Status);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Browsing_follows_all_continuation_points()
    {
        await using var session = await ConnectAsync(plant.Client(secure: false));
        var names = (await new Browser(session, 7).BrowseAsync(NodeId.Parse("ns=1;s=Plant"), default)).Value.Select(n => n.BrowseName.Name!);
        Assert.Equal(Enumerable.Range(1, ClientPlant.Variables).Select(i => $"Var{i:00000}"), names.Order(StringComparer.Ordinal));
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Endpoints_are_discovered_without_security()
    {
        var found = await Session.DiscoverAsync(
            plant.Server.EndpointUrl, TimeSpan.FromSeconds(10), new ListLogger(), TimeProvider.System, default);
        var endpoint = Assert.Single(
            found.Value, e => e.Policy == SecurityPolicy.Basic256Sha256 && e.Mode == MessageSecurityMode.SignAndEncrypt);
        Assert.Equal("urn:zfrepl:test-plant", endpoint.ApplicationUri);
        Assert.Contains("UserName", endpoint.UserTokenTypes);
        Assert.Equal(40, endpoint.CertificateThumbprint!.Length);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Refusals_say_why()
    {
        var wrong = await TryAsync(plant.Client(secure: true) with { Password = "wrong" });
        Assert.Contains(wrong.Error!.Status, new[] { StatusCodes.BadUserAccessDenied, StatusCodes.BadIdentityTokenRejected });
        Assert.DoesNotContain("wrong", wrong.Error.ToString(), StringComparison.Ordinal);

        var notOffered = await TryAsync(plant.Client(secure: true) with { Policy = SecurityPolicy.Aes128Sha256RsaOaep });
        Assert.Contains("Basic256Sha256/SignAndEncrypt", notOffered.Error!.Reason, StringComparison.Ordinal);

        var nobody = await TryAsync(plant.Client(secure: false, $"opc.tcp://localhost:{FreePort.Next()}/plant"));
        Assert.Equal(StatusCodes.BadCommunicationError, nobody.Error!.Status);

        using var folder = new TempFolder();
        var stranger = ClientPlant.Client(plant.Server.EndpointUrl, secure: true, new PkiFolder(folder["pki"], TimeProvider.System));
        var untrusted = await TryAsync(stranger);
        Assert.Equal(StatusCodes.BadCertificateUntrusted, untrusted.Error!.Status);

        var unprotected = await TryAsync(plant.Client(secure: false) with { EndpointUrl = "http://localhost/" });
        Assert.Equal(StatusCodes.BadConfigurationError, unprotected.Error!.Status);
        Assert.Equal(
            StatusCodes.BadConfigurationError, (await TryAsync(plant.Client(secure: true) with { Certificate = null })).Error!.Status);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task The_end_of_the_connection_is_told_and_ends_every_call()
    {
        await using var relay = new Relay(plant.Server.Port);
        await using var session = await ConnectAsync(plant.Client(secure: false, relay.EndpointUrl));
        relay.IsFrozen = true;
        var call = session.ReadAsync([NodeId.Parse("i=2258")]);
        relay.Cut();
        relay.IsFrozen = false;
        var error = await session.Completion.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.True(error.Status.IsBad);
        Assert.NotNull((await call).Error);
        Assert.NotNull((await session.ReadAsync([NodeId.Parse("i=2258")])).Error);
        await Eventually.TrueAsync(() => session.Ended.IsCancellationRequested, "the token");
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_server_that_does_not_answer_costs_a_timeout_and_no_more()
    {
        await using var relay = new Relay(plant.Server.Port) { IsFrozen = true };
        var options = plant.Client(secure: false, relay.EndpointUrl) with { RequestTimeout = TimeSpan.FromMilliseconds(300) };
        Assert.Equal(StatusCodes.BadTimeout, (await TryAsync(options)).Error!.Status);
    }

    [Theory]
    [InlineData(MessageSecurityMode.None, "None", false)]
    [InlineData(MessageSecurityMode.Sign, "None", false)]
    [InlineData(MessageSecurityMode.SignAndEncrypt, "None", true)]
    [InlineData(MessageSecurityMode.None, "Basic256Sha256", true)]
    [InlineData(MessageSecurityMode.Sign, "Basic256Sha256", true)]
    [InlineData(MessageSecurityMode.SignAndEncrypt, "Basic128Rsa15", false)]
    public void A_password_never_travels_in_clear_text(MessageSecurityMode mode, string tokenPolicy, bool isTaken)
    {
        var policy = mode == MessageSecurityMode.None ? SecurityPolicy.None : SecurityPolicy.Basic256Sha256;
        var options = ClientPlant.Client("opc.tcp://localhost:4840", secure: true, plant.Pki) with { Policy = policy, Mode = mode };
        var chosen = EndpointChoice.Choose(options, [Endpoint(policy, mode, "http://opcfoundation.org/UA/SecurityPolicy#" + tokenPolicy)]);
        Assert.Equal(isTaken, chosen.IsOk);
    }

    [Fact]
    public void Endpoints_that_change_between_discovery_and_session_are_a_downgrade()
    {
        var options = ClientPlant.Client("opc.tcp://localhost:4840", secure: true, plant.Pki);
        var policy = SecurityPolicy.Basic256Sha256;
        var endpoint = Endpoint(policy, MessageSecurityMode.SignAndEncrypt, policy.Uri);
        var choice = EndpointChoice.Choose(options, [endpoint]).Value;
        Assert.Null(choice.FindDowngrade([endpoint], endpoint.ServerCertificate));
        Assert.NotNull(choice.FindDowngrade([Endpoint(policy, MessageSecurityMode.Sign, policy.Uri)], endpoint.ServerCertificate));
        Assert.NotNull(choice.FindDowngrade([Endpoint(policy, MessageSecurityMode.SignAndEncrypt, null)], endpoint.ServerCertificate));
        Assert.NotNull(choice.FindDowngrade([endpoint], Security.TestCertificates.Client().RawData));
        Assert.NotNull(choice.FindDowngrade([], endpoint.ServerCertificate));
    }

    [Fact]
    public async Task Lists_are_split_and_halved_when_the_server_finds_them_too_large()
    {
        var sizes = new List<int>();
        var result = await OperationLimits.InPartsAsync<int, int>([.. Enumerable.Range(0, 10)], 8, part =>
        {
            sizes.Add(part.Length);
            return Task.FromResult<UaResult<int[]>>(part.Length > 3 ? new UaError(StatusCodes.BadTooManyOperations, "") : part);
        });
        Assert.Equal(Enumerable.Range(0, 10), result.Value);
        Assert.Equal([8, 4, 2, 2, 2, 2, 2], sizes);
        var mute = await OperationLimits.InPartsAsync<int, int>([1, 2], 8, _ => Task.FromResult<UaResult<int[]>>(new[] { 1 }));
        Assert.Equal(StatusCodes.BadUnexpectedError, mute.Error!.Status);
    }

    private static EndpointDescription Endpoint(SecurityPolicy policy, MessageSecurityMode mode, string? tokenPolicy) => new()
    {
        EndpointUrl = "opc.tcp://localhost:4840",
        SecurityPolicyUri = policy.Uri,
        SecurityMode = mode,
        ServerCertificate = Security.TestCertificates.Server().RawData,
        UserIdentityTokens = [new UserTokenPolicy { PolicyId = "user", TokenType = UserTokenType.UserName, SecurityPolicyUri = tokenPolicy }],
    };

    private static async Task<UaResult<Session>> TryAsync(UaClientOptions options) =>
        await Session.ConnectAsync(options, new ListLogger(), TimeProvider.System, default);

    private static async Task<Session> ConnectAsync(UaClientOptions options)
    {
        var session = await TryAsync(options);
        Assert.True(session.IsOk, session.Error?.ToString());
        return session.Value;
    }
}
