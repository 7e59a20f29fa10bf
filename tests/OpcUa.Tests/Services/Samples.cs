using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Services;

/// <summary>One filled message of every kind.</summary>
internal static class Samples
{
    public static List<IServiceMessage> All(int seed)
    {
        var any = new AnyValue(seed);
        return
        [
            new ServiceFault { Header = Answer(any) },
            new FindServersRequest { Header = Ask(any), EndpointUrl = any.Text(), LocaleIds = Texts(any), ServerUris = Texts(any) },
            new FindServersResponse { Header = Answer(any), Servers = [Application(any), Application(any)] },
            new GetEndpointsRequest { Header = Ask(any), EndpointUrl = any.Text(), LocaleIds = Texts(any), ProfileUris = Texts(any) },
            new GetEndpointsResponse { Header = Answer(any), Endpoints = [Endpoint(any), Endpoint(any)] },
            new OpenSecureChannelRequest
            {
                Header = Ask(any),
                ClientProtocolVersion = any.UInt(),
                RequestType = SecurityTokenRequestType.Renew,
                SecurityMode = MessageSecurityMode.Sign,
                ClientNonce = any.Bytes(),
                RequestedLifetime = any.UInt(),
            },
            new OpenSecureChannelResponse
            {
                Header = Answer(any),
                ServerProtocolVersion = any.UInt(),
                ServerNonce = any.Bytes(),
                SecurityToken = new ChannelSecurityToken(any.UInt(), any.UInt(), any.Time(), any.UInt()),
            },
            new CloseSecureChannelRequest { Header = Ask(any) },
            .. Session(any),
            .. View(any),
            .. Attribute(any),
            .. MonitoredItem(any),
            .. Subscription(any),
        ];
    }

    private static RequestHeader Ask(AnyValue any) => new()
    {
        AuthenticationToken = any.NodeId(),
        Timestamp = any.Time(),
        RequestHandle = any.UInt(),
        ReturnDiagnostics = any.UInt(),
        AuditEntryId = any.Text(),
        TimeoutHint = any.UInt(),
        AdditionalHeader = any.Extension(),
    };

    private static ResponseHeader Answer(AnyValue any) => new()
    {
        Timestamp = any.Time(),
        RequestHandle = any.UInt(),
        ServiceResult = any.Status(),
        ServiceDiagnostics = any.Diagnostic(),
        StringTable = Texts(any),
        AdditionalHeader = any.Extension(),
    };

    private static string?[] Texts(AnyValue any) => [any.Text(), any.Text()];

    private static uint[] Numbers(AnyValue any) => [any.UInt(), any.UInt(), any.UInt()];

    private static StatusCode[] Statuses(AnyValue any) => [any.Status(), any.Status()];

    private static DiagnosticInfo?[] Diagnostics(AnyValue any) => [any.Diagnostic(), any.Diagnostic()];

    private static ApplicationDescription Application(AnyValue any) => new()
    {
        ApplicationUri = any.Text(),
        ProductUri = any.Text(),
        ApplicationName = any.LocalizedText(),
        ApplicationType = ApplicationType.Client,
        GatewayServerUri = any.Text(),
        DiscoveryProfileUri = any.Text(),
        DiscoveryUrls = Texts(any),
    };

    private static EndpointDescription Endpoint(AnyValue any) => new()
    {
        EndpointUrl = any.Text(),
        Server = Application(any),
        ServerCertificate = any.Bytes(),
        SecurityMode = MessageSecurityMode.SignAndEncrypt,
        SecurityPolicyUri = any.Text(),
        TransportProfileUri = any.Text(),
        SecurityLevel = 7,
        UserIdentityTokens =
        [
            new UserTokenPolicy
            {
                PolicyId = any.Text(),
                TokenType = UserTokenType.UserName,
                IssuedTokenType = any.Text(),
                IssuerEndpointUrl = any.Text(),
                SecurityPolicyUri = any.Text(),
            },
        ],
    };

    private static IEnumerable<IServiceMessage> Session(AnyValue any) =>
    [
        new CreateSessionRequest
        {
            Header = Ask(any),
            ClientDescription = Application(any),
            ServerUri = any.Text(),
            EndpointUrl = any.Text(),
            SessionName = any.Text(),
            ClientNonce = any.Bytes(),
            ClientCertificate = any.Bytes(),
            RequestedSessionTimeout = any.Double(),
            MaxResponseMessageSize = any.UInt(),
        },
        new CreateSessionResponse
        {
            Header = Answer(any),
            SessionId = any.NodeId(),
            AuthenticationToken = any.NodeId(),
            RevisedSessionTimeout = any.Double(),
            ServerNonce = any.Bytes(),
            ServerCertificate = any.Bytes(),
            ServerEndpoints = [Endpoint(any)],
            ServerSoftwareCertificates = [new SignedSoftwareCertificate(any.Bytes(), any.Bytes())],
            ServerSignature = new SignatureData(any.Text(), any.Bytes()),
            MaxRequestMessageSize = any.UInt(),
        },
        new ActivateSessionRequest
        {
            Header = Ask(any),
            ClientSignature = new SignatureData(any.Text(), any.Bytes()),
            LocaleIds = Texts(any),
            ClientSoftwareCertificates = [new SignedSoftwareCertificate(any.Bytes(), any.Bytes())],
            UserIdentityToken = ExtensionCodec.Pack(new UserNameIdentityToken { PolicyId = "u", UserName = any.Text(), Password = any.Bytes() }),
            UserTokenSignature = new SignatureData(any.Text(), any.Bytes()),
        },
        new ActivateSessionResponse { Header = Answer(any), ServerNonce = any.Bytes(), Results = Statuses(any), DiagnosticInfos = Diagnostics(any) },
        new CloseSessionRequest { Header = Ask(any), DeleteSubscriptions = any.Bool() },
        new CloseSessionResponse { Header = Answer(any) },
        new CancelRequest { Header = Ask(any), RequestHandle = any.UInt() },
        new CancelResponse { Header = Answer(any), CancelCount = any.UInt() },
    ];

    private static IEnumerable<IServiceMessage> View(AnyValue any)
    {
        BrowseResult[] results =
        [
            new()
            {
                StatusCode = any.Status(),
                ContinuationPoint = any.Bytes(),
                References =
                [
                    new ReferenceDescription
                    {
                        ReferenceTypeId = any.NodeId(),
                        IsForward = any.Bool(),
                        NodeId = any.ExpandedNodeId(),
                        BrowseName = any.QualifiedName(),
                        DisplayName = any.LocalizedText(),
                        NodeClass = NodeClasses.Variable,
                        TypeDefinition = any.ExpandedNodeId(),
                    },
                ],
            },
        ];
        return
        [
            new BrowseRequest
            {
                Header = Ask(any),
                View = new ViewDescription(any.NodeId(), any.Time(), any.UInt()),
                RequestedMaxReferencesPerNode = any.UInt(),
                NodesToBrowse =
                [
                    new BrowseDescription
                    {
                        NodeId = any.NodeId(),
                        BrowseDirection = BrowseDirection.Both,
                        ReferenceTypeId = any.NodeId(),
                        IncludeSubtypes = any.Bool(),
                        NodeClassMask = NodeClasses.Object | NodeClasses.Variable,
                    },
                ],
            },
            new BrowseResponse { Header = Answer(any), Results = results, DiagnosticInfos = Diagnostics(any) },
            new BrowseNextRequest { Header = Ask(any), ReleaseContinuationPoints = any.Bool(), ContinuationPoints = [any.Bytes(), any.Bytes()] },
            new BrowseNextResponse { Header = Answer(any), Results = results, DiagnosticInfos = Diagnostics(any) },
            new TranslateBrowsePathsToNodeIdsRequest
            {
                Header = Ask(any),
                BrowsePaths = [new BrowsePath(any.NodeId(), [new RelativePathElement(any.NodeId(), any.Bool(), any.Bool(), any.QualifiedName())])],
            },
            new TranslateBrowsePathsToNodeIdsResponse
            {
                Header = Answer(any),
                DiagnosticInfos = Diagnostics(any),
                Results = [new BrowsePathResult(any.Status(), [new BrowsePathTarget(any.ExpandedNodeId(), BrowsePathTarget.Complete)])],
            },
        ];
    }

    private static IEnumerable<IServiceMessage> Attribute(AnyValue any) =>
    [
        new ReadRequest
        {
            Header = Ask(any),
            MaxAge = any.Double(),
            TimestampsToReturn = TimestampsToReturn.Both,
            NodesToRead = [Node(any), Node(any)],
        },
        new ReadResponse { Header = Answer(any), Results = [any.DataValue(), any.DataValue()], DiagnosticInfos = Diagnostics(any) },
        new WriteRequest
        {
            Header = Ask(any),
            NodesToWrite = [new WriteValue { NodeId = any.NodeId(), IndexRange = any.Text(), Value = any.DataValue() }],
        },
        new WriteResponse { Header = Answer(any), Results = Statuses(any), DiagnosticInfos = Diagnostics(any) },
        new HistoryReadRequest
        {
            Header = Ask(any),
            TimestampsToReturn = TimestampsToReturn.Source,
            ReleaseContinuationPoints = any.Bool(),
            HistoryReadDetails = ExtensionCodec.Pack(
                new ReadRawModifiedDetails { StartTime = any.Time(), EndTime = any.Time(), NumValuesPerNode = any.UInt(), ReturnBounds = any.Bool() }),
            NodesToRead =
            [
                new HistoryReadValueId
                {
                    NodeId = any.NodeId(),
                    IndexRange = any.Text(),
                    DataEncoding = any.QualifiedName(),
                    ContinuationPoint = any.Bytes(),
                },
            ],
        },
        new HistoryReadResponse
        {
            Header = Answer(any),
            DiagnosticInfos = Diagnostics(any),
            Results =
            [
                new HistoryReadResult
                {
                    StatusCode = any.Status(),
                    ContinuationPoint = any.Bytes(),
                    HistoryData = ExtensionCodec.Pack(new HistoryData { DataValues = [any.DataValue(), any.DataValue()] }),
                },
            ],
        },
    ];

    private static ReadValueId Node(AnyValue any) =>
        new() { NodeId = any.NodeId(), AttributeId = AttributeId.DisplayName, IndexRange = any.Text(), DataEncoding = any.QualifiedName() };

    private static MonitoringParameters Monitoring(AnyValue any) => new()
    {
        ClientHandle = any.UInt(),
        SamplingInterval = any.Double(),
        QueueSize = any.UInt(),
        DiscardOldest = any.Bool(),
        Filter = ExtensionCodec.Pack(new DataChangeFilter
        {
            Trigger = DataChangeTrigger.StatusValueTimestamp,
            DeadbandType = DeadbandType.Percent,
            DeadbandValue = 2,
        }),
    };

    private static IEnumerable<IServiceMessage> MonitoredItem(AnyValue any) =>
    [
        new CreateMonitoredItemsRequest
        {
            Header = Ask(any),
            SubscriptionId = any.UInt(),
            TimestampsToReturn = TimestampsToReturn.Both,
            ItemsToCreate = [new MonitoredItemCreateRequest { ItemToMonitor = Node(any), RequestedParameters = Monitoring(any) }],
        },
        new CreateMonitoredItemsResponse
        {
            Header = Answer(any),
            DiagnosticInfos = Diagnostics(any),
            Results =
            [
                new MonitoredItemCreateResult
                {
                    StatusCode = any.Status(),
                    MonitoredItemId = any.UInt(),
                    RevisedSamplingInterval = any.Double(),
                    RevisedQueueSize = any.UInt(),
                    FilterResult = any.Extension(),
                },
            ],
        },
        new ModifyMonitoredItemsRequest
        {
            Header = Ask(any),
            SubscriptionId = any.UInt(),
            TimestampsToReturn = TimestampsToReturn.Neither,
            ItemsToModify = [new MonitoredItemModifyRequest { MonitoredItemId = any.UInt(), RequestedParameters = Monitoring(any) }],
        },
        new ModifyMonitoredItemsResponse
        {
            Header = Answer(any),
            DiagnosticInfos = Diagnostics(any),
            Results =
            [
                new MonitoredItemModifyResult
                {
                    StatusCode = any.Status(),
                    RevisedSamplingInterval = any.Double(),
                    RevisedQueueSize = any.UInt(),
                    FilterResult = any.Extension(),
                },
            ],
        },
        new SetMonitoringModeRequest
        {
            Header = Ask(any),
            SubscriptionId = any.UInt(),
            MonitoringMode = MonitoringMode.Sampling,
            MonitoredItemIds = Numbers(any),
        },
        new SetMonitoringModeResponse { Header = Answer(any), Results = Statuses(any), DiagnosticInfos = Diagnostics(any) },
        new DeleteMonitoredItemsRequest { Header = Ask(any), SubscriptionId = any.UInt(), MonitoredItemIds = Numbers(any) },
        new DeleteMonitoredItemsResponse { Header = Answer(any), Results = Statuses(any), DiagnosticInfos = Diagnostics(any) },
    ];

    private static IEnumerable<IServiceMessage> Subscription(AnyValue any) =>
    [
        new CreateSubscriptionRequest
        {
            Header = Ask(any),
            RequestedPublishingInterval = any.Double(),
            RequestedLifetimeCount = any.UInt(),
            RequestedMaxKeepAliveCount = any.UInt(),
            MaxNotificationsPerPublish = any.UInt(),
            PublishingEnabled = any.Bool(),
            Priority = 3,
        },
        new CreateSubscriptionResponse
        {
            Header = Answer(any),
            SubscriptionId = any.UInt(),
            RevisedPublishingInterval = any.Double(),
            RevisedLifetimeCount = any.UInt(),
            RevisedMaxKeepAliveCount = any.UInt(),
        },
        new ModifySubscriptionRequest
        {
            Header = Ask(any),
            SubscriptionId = any.UInt(),
            RequestedPublishingInterval = any.Double(),
            RequestedLifetimeCount = any.UInt(),
            RequestedMaxKeepAliveCount = any.UInt(),
            MaxNotificationsPerPublish = any.UInt(),
            Priority = 4,
        },
        new ModifySubscriptionResponse
        {
            Header = Answer(any),
            RevisedPublishingInterval = any.Double(),
            RevisedLifetimeCount = any.UInt(),
            RevisedMaxKeepAliveCount = any.UInt(),
        },
        new SetPublishingModeRequest { Header = Ask(any), PublishingEnabled = any.Bool(), SubscriptionIds = Numbers(any) },
        new SetPublishingModeResponse { Header = Answer(any), Results = Statuses(any), DiagnosticInfos = Diagnostics(any) },
        new PublishRequest
        {
            Header = Ask(any),
            SubscriptionAcknowledgements = [new SubscriptionAcknowledgement(any.UInt(), any.UInt()), new SubscriptionAcknowledgement(1, 2)],
        },
        new PublishResponse
        {
            Header = Answer(any),
            SubscriptionId = any.UInt(),
            AvailableSequenceNumbers = Numbers(any),
            MoreNotifications = any.Bool(),
            NotificationMessage = Notifications(any),
            Results = Statuses(any),
            DiagnosticInfos = Diagnostics(any),
        },
        new RepublishRequest { Header = Ask(any), SubscriptionId = any.UInt(), RetransmitSequenceNumber = any.UInt() },
        new RepublishResponse { Header = Answer(any), NotificationMessage = Notifications(any) },
        new TransferSubscriptionsRequest { Header = Ask(any), SubscriptionIds = Numbers(any), SendInitialValues = any.Bool() },
        new TransferSubscriptionsResponse
        {
            Header = Answer(any),
            Results = [new TransferResult(any.Status(), Numbers(any))],
            DiagnosticInfos = Diagnostics(any),
        },
        new DeleteSubscriptionsRequest { Header = Ask(any), SubscriptionIds = Numbers(any) },
        new DeleteSubscriptionsResponse { Header = Answer(any), Results = Statuses(any), DiagnosticInfos = Diagnostics(any) },
    ];

    public static NotificationMessage Notifications(AnyValue any) => new()
    {
        SequenceNumber = any.UInt(),
        PublishTime = any.Time(),
        NotificationData =
        [
            ExtensionCodec.Pack(new DataChangeNotification
            {
                MonitoredItems =
                [
                    new MonitoredItemNotification(any.UInt(), any.DataValue()), new MonitoredItemNotification(any.UInt(), any.DataValue()),
                    new MonitoredItemNotification(any.UInt(), new DataValue(new Variant(any.Double()), any.Status(), any.Time())),
                ],
                DiagnosticInfos = Diagnostics(any),
            }),
            ExtensionCodec.Pack(new StatusChangeNotification { Status = any.Status(), DiagnosticInfo = any.Diagnostic() }),
            new ExtensionObject(new NodeId(916), any.Filled(10)),
        ],
    };

    public static byte[] Encode(IServiceMessage message)
    {
        using var writer = new UaWriter();
        ServiceCodec.Encode(writer, message);
        return writer.WrittenSpan.ToArray();
    }
}
