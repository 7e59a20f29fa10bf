using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Security.Pki;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Interop;

/// <summary>The layers against a server that somebody else wrote.</summary>
[Collection(PlantServerCollection.Name)]
public sealed class NodeOpcUaTests(PlantServer plant)
{
    private const string Node = "node";

    public static TheoryData<string, MessageSecurityMode, bool, int> Sessions()
    {
        var data = new TheoryData<string, MessageSecurityMode, bool, int>
        {
            { "None", MessageSecurityMode.None, false, 2048 },
            { "None", MessageSecurityMode.None, true, 2048 },
            { "Basic256Sha256", MessageSecurityMode.SignAndEncrypt, true, 3072 },
            { "Basic256Sha256", MessageSecurityMode.SignAndEncrypt, true, 4096 },
            { "Aes256_Sha256_RsaPss", MessageSecurityMode.SignAndEncrypt, true, 4096 },
        };
        foreach (var policy in SecurityPolicy.All.Where(p => !p.IsNone))
        {
            data.Add(policy.Name, MessageSecurityMode.Sign, false, 2048);
            data.Add(policy.Name, MessageSecurityMode.Sign, true, 2048);
            data.Add(policy.Name, MessageSecurityMode.SignAndEncrypt, false, 2048);
            data.Add(policy.Name, MessageSecurityMode.SignAndEncrypt, true, 2048);
        }

        return data;
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [MemberData(nameof(Sessions))]
    public async Task A_session_reads_every_type_as_the_server_holds_it(string policy, MessageSecurityMode mode, bool withUser, int keyBits)
    {
        await using var client = await SessionAsync(policy, mode, withUser, keyBits);
        string[] names =
        [
            "Double", "Float", "Int32", "Boolean", "String", "Int16", "UInt32", "Int64", "UInt64", "Byte", "SByte", "UInt16", "DateTime", "Guid",
            "ByteString", "NodeId", "QualifiedName", "LocalizedText", "DoubleArray", "Int64Array", "StringArray", "BooleanArray", "DoubleMatrix",
        ];
        var values = await client.ReadAsync([.. names.Select(n => "ns=1;s=Types." + n)]);
        Variant[] expected =
        [
            new(1.1009765625), new(0.35f), new(7919), new(false), new("text 1 äß水"), new((short)-32737), new(104729u), new(-1000000007L),
            new((1UL << 63) + 1000000007UL), new((byte)1), new((sbyte)-127), new((ushort)31),
            new(UaDateTime.From(DateTimeOffset.FromUnixTimeMilliseconds(1700000000001))), new(Guid.Parse("72962B91-FA75-4AE6-8D28-B404DC7DAF63")),
            Variant.ByteString("abc"u8.ToArray()), new(NodeId.Parse("ns=1;s=Plant")), new(new QualifiedName(1, "Q")), new(new LocalizedText("de", "Grüße")),
            Variant.Array(BuiltInType.Double, new[] { 1.1009765625, 2 * 1.0009765625 + 0.1, 3 * 1.0009765625 + 0.1 }),
            Variant.Array(BuiltInType.Int64, new[] { -1000000007L, -2000000014L, -3000000021L }),
            Variant.Array(BuiltInType.String, new[] { "text 1 äß水", "text 2 äß水", "text 3 äß水" }),
            Variant.Array(BuiltInType.Boolean, new[] { false, true, false }),
            Variant.Matrix(BuiltInType.Double, new double[] { 1, 2, 3, 4, 5, 6 }, 2, 3),
        ];
        for (var i = 0; i < names.Length; i++)
        {
            Assert.True(values[i].Status.IsGood, $"{names[i]}: {values[i].Status}");
            Assert.True(expected[i] == values[i].Value, $"{names[i]}: expected {expected[i]}, got {values[i].Value}");
            Assert.False(values[i].SourceTimestamp.IsNull);
        }

        await client.CloseSessionAsync();
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public void The_servers_certificate_is_judged_by_the_trust_list()
    {
        var endpoint = plant.Endpoint(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);
        using var folder = new TempFolder();
        var pki = new PkiFolder(folder["pki"], TimeProvider.System);
        var validator = new CertificateValidator(pki, new CertificateValidatorOptions(), TimeProvider.System);
        Assert.True(PeerCertificate.TryParse(endpoint.ServerCertificate, out var certificate));
        using (certificate)
        {
            var expected = new ExpectedPeer(endpoint.Server.ApplicationUri, "localhost");
            Assert.Equal(CertificateProblem.Untrusted, validator.Validate(certificate, expected).Problem);
            Assert.Null(pki.Trust(certificate));
            Assert.Equal(CertificateVerdict.Fine, validator.Validate(certificate, expected));
            Assert.Equal(CertificateProblem.WrongHost, validator.Validate(certificate, expected with { Host = "elsewhere" }).Problem);
        }

        Assert.Equal("urn:zfrepl:test-plant", endpoint.Server.ApplicationUri);
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData("None", MessageSecurityMode.None)]
    [InlineData("Basic256Sha256", MessageSecurityMode.SignAndEncrypt)]
    public async Task A_wrong_password_is_refused(string policy, MessageSecurityMode mode)
    {
        await using var client = await ConnectAsync(policy, mode, 2048);
        await client.CreateSessionAsync();
        var endpoint = plant.Endpoint(client.Channel.Policy, mode);
        var status = await client.ResultAsync(client.Activation(endpoint, PlantServer.User, "wrong"));
        Assert.Contains(status, new[] { StatusCodes.BadUserAccessDenied, StatusCodes.BadIdentityTokenRejected });
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_channel_goes_on_over_renewals()
    {
        await using var client = await SessionAsync("Basic256Sha256", MessageSecurityMode.SignAndEncrypt, withUser: false, 2048);
        for (var i = 0; i < 3; i++)
        {
            var renewed = await client.OpenAsync(SecurityTokenRequestType.Renew, 30_000);
            Assert.Equal(client.Channel.ChannelId, renewed.SecurityToken.ChannelId);
            Assert.Equal(2, client.Channel.TokenCount);
            Assert.True((await client.ReadAsync("i=2258"))[0].Status.IsGood);
            Assert.True((await client.ReadAsync("i=2258"))[0].Status.IsGood);
            Assert.Equal(1, client.Channel.TokenCount);
        }
    }

    [RequiresTheory(Node, ProgramLookup.NodeOpcUa)]
    [InlineData("None", MessageSecurityMode.None)]
    [InlineData("Basic256Sha256", MessageSecurityMode.Sign)]
    [InlineData("Basic256Sha256", MessageSecurityMode.SignAndEncrypt)]
    public async Task Requests_and_responses_of_many_chunks_get_through(string policy, MessageSecurityMode mode)
    {
        await using var client = await SessionAsync(policy, mode, withUser: false, 2048);
        var nodes = Enumerable.Range(0, 6000).Select(i => $"ns=1;s=Types.{(i % 2 == 0 ? "DoubleArray" : "StringArray")}").ToArray();
        var values = await client.ReadAsync(nodes);
        Assert.All(values, v => Assert.Equal(VariantShape.Array, v.Value.Shape));
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task The_address_space_is_browsed_in_pieces_and_paths_are_resolved()
    {
        await using var client = await SessionAsync("None", MessageSecurityMode.None, withUser: false, 2048);
        var names = new List<string?>();
        var first = await client.RequestAsync<BrowseRequest, BrowseResponse>(new BrowseRequest
        {
            RequestedMaxReferencesPerNode = 20,
            NodesToBrowse =
            [
                new BrowseDescription
                {
                    NodeId = NodeId.Parse("ns=1;s=Plant"),
                    ReferenceTypeId = new NodeId(WellKnownNodes.HierarchicalReferences),
                    IncludeSubtypes = true,
                    NodeClassMask = NodeClasses.Variable,
                },
            ],
        });
        var result = Assert.Single(first.Results);
        names.AddRange(result.References.Select(r => r.BrowseName.Name));
        while (result.ContinuationPoint is { Length: > 0 } point)
        {
            var next = await client.RequestAsync<BrowseNextRequest, BrowseNextResponse>(new BrowseNextRequest { ContinuationPoints = [point] });
            result = Assert.Single(next.Results);
            names.AddRange(result.References.Select(r => r.BrowseName.Name));
        }

        Assert.Equal(Enumerable.Range(1, 50).Select(i => $"Var{i:00000}"), names.Order(StringComparer.Ordinal));

        var organizes = new NodeId(WellKnownNodes.Organizes);
        var translated = await client.RequestAsync<TranslateBrowsePathsToNodeIdsRequest, TranslateBrowsePathsToNodeIdsResponse>(new()
        {
            BrowsePaths =
            [
                new BrowsePath(new NodeId(WellKnownNodes.ObjectsFolder), [
                    new RelativePathElement(organizes, false, true, new QualifiedName(1, "Plant")),
                    new RelativePathElement(organizes, false, true, new QualifiedName(1, "Var00007")),
                ]),
            ],
        });
        var target = Assert.Single(Assert.Single(translated.Results).Targets);
        Assert.Equal("ns=1;s=Var00007", target.TargetId.Node.ToString());
        Assert.Equal(BrowsePathTarget.Complete, target.RemainingPathIndex);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task A_written_value_is_read_back()
    {
        await using var client = await SessionAsync("Basic256Sha256", MessageSecurityMode.Sign, withUser: true, 2048);
        var written = new Variant(-2.5e300);
        var response = await client.RequestAsync<WriteRequest, WriteResponse>(new WriteRequest
        {
            NodesToWrite =
            [
                new WriteValue { NodeId = NodeId.Parse("ns=1;s=Var00001"), Value = new DataValue(written) },
                new WriteValue { NodeId = NodeId.Parse("ns=1;s=Var00001"), Value = new DataValue(new Variant("no number")) },
            ],
        });
        Assert.Equal([StatusCode.Good, StatusCodes.BadTypeMismatch], response.Results);
        Assert.Equal(written, (await client.ReadAsync("ns=1;s=Var00001"))[0].Value);
    }

    [RequiresFact(Node, ProgramLookup.NodeOpcUa)]
    public async Task Every_change_arrives_with_its_value_type_status_and_time_to_100_ns()
    {
        const int changes = 1000;
        await using var client = await SessionAsync("Basic256Sha256", MessageSecurityMode.SignAndEncrypt, withUser: true, 2048);
        var nodes = Enumerable.Range(1, 50).Select(i => $"ns=1;s=Var{i:00000}").ToArray();
        var subscription = await SubscribeAsync(client, nodes);
        var logBefore = File.Exists(plant.Server.LogFile) ? File.ReadLines(plant.Server.LogFile).Count() : 0;
        using var batch = new DataChangeBatch();
        var acknowledge = await PublishAsync(client, subscription, [], batch);
        Assert.Equal(nodes.Length, batch.Count);
        batch.Clear();
        await plant.Server.ChangeAsync(5000, changes);
        while (batch.Count < changes)
        {
            acknowledge = await PublishAsync(client, subscription, acknowledge, batch);
        }

        var arrived = Enumerable.Range(0, batch.Count)
            .Select(i => PlantLog.Line(nodes[(int)batch.ClientHandles[i]], batch.GetDataValue(i))).Order(StringComparer.Ordinal).ToList();
        var logged = File.ReadLines(plant.Server.LogFile).Skip(logBefore).Select(PlantLog.Line).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(changes, logged.Count);
        Assert.Equal(logged, arrived);
        Assert.Contains(logged, l => l.Contains("UncertainLastUsableValue", StringComparison.Ordinal));
        Assert.Contains(logged, l => l.Contains("BadSensorFailure", StringComparison.Ordinal));
        var deleted = await client.RequestAsync<DeleteSubscriptionsRequest, DeleteSubscriptionsResponse>(new() { SubscriptionIds = [subscription] });
        Assert.Equal([StatusCode.Good], deleted.Results);
    }

    private static async Task<uint> SubscribeAsync(MiniClient client, string[] nodes)
    {
        var created = await client.RequestAsync<CreateSubscriptionRequest, CreateSubscriptionResponse>(new CreateSubscriptionRequest
        {
            RequestedPublishingInterval = 50,
            RequestedLifetimeCount = 1000,
            RequestedMaxKeepAliveCount = 20,
            PublishingEnabled = true,
        });
        var items = await client.RequestAsync<CreateMonitoredItemsRequest, CreateMonitoredItemsResponse>(new CreateMonitoredItemsRequest
        {
            SubscriptionId = created.SubscriptionId,
            TimestampsToReturn = TimestampsToReturn.Both,
            ItemsToCreate =
            [
                .. nodes.Select((node, i) => new MonitoredItemCreateRequest
                {
                    ItemToMonitor = new ReadValueId { NodeId = NodeId.Parse(node) },
                    RequestedParameters = new MonitoringParameters
                    {
                        ClientHandle = (uint)i,
                        QueueSize = 1000,
                        Filter = ExtensionCodec.Pack(new DataChangeFilter { Trigger = DataChangeTrigger.StatusValueTimestamp }),
                    },
                }),
            ],
        });
        Assert.All(items.Results, r => Assert.Equal(StatusCode.Good, r.StatusCode));
        Assert.All(items.Results, r => Assert.Equal(0, r.RevisedSamplingInterval));
        return created.SubscriptionId;
    }

    /// <summary>One Publish; the changes go to the batch, and what is to be acknowledged next comes back.</summary>
    private static async Task<SubscriptionAcknowledgement[]> PublishAsync(
        MiniClient client, uint subscription, SubscriptionAcknowledgement[] acknowledgements, DataChangeBatch batch)
    {
        var bytes = await client.RequestBytesAsync(new PublishRequest { SubscriptionAcknowledgements = acknowledgements });
        var error = NotificationDecoder.TryDecode(bytes, DecodeLimits.Default, batch, out var summary);
        Assert.False(error.IsError, error.ToString());
        Assert.Equal(StatusCode.Good, summary!.Header.ServiceResult);
        Assert.Equal(subscription, summary.SubscriptionId);
        Assert.All(summary.Results, r => Assert.Equal(StatusCode.Good, r));
        return summary.IsKeepAlive ? [] : [new SubscriptionAcknowledgement(subscription, summary.SequenceNumber)];
    }

    private async Task<MiniClient> SessionAsync(string policy, MessageSecurityMode mode, bool withUser, int keyBits)
    {
        var client = await ConnectAsync(policy, mode, keyBits);
        await client.CreateSessionAsync();
        var endpoint = plant.Endpoint(client.Channel.Policy, mode);
        await client.ActivateAsync(endpoint, withUser ? PlantServer.User : null, PlantServer.Password);
        return client;
    }

    private Task<MiniClient> ConnectAsync(string policyName, MessageSecurityMode mode, int keyBits)
    {
        var policy = ChannelPair.Policy(policyName);
        return MiniClient.ConnectAsync(
            plant.Server.EndpointUrl, policy, mode, TestCertificates.Client(keyBits), plant.Endpoint(policy, mode).ServerCertificate);
    }
}
