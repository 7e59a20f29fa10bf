namespace ZfRepl.OpcUa.Types;

/// <summary>
/// The status codes that decisions depend on (OPC 10000-6, annex A.2). Names of all others: <see cref="StatusCode.Name"/>.
/// </summary>
public static class StatusCodes
{
    /// <summary>Something failed that no other code describes.</summary>
    public static readonly StatusCode BadUnexpectedError = new(0x8001_0000);

    /// <summary>The other side broke one of its own rules.</summary>
    public static readonly StatusCode BadInternalError = new(0x8002_0000);

    /// <summary>Not enough memory for the operation.</summary>
    public static readonly StatusCode BadOutOfMemory = new(0x8003_0000);

    /// <summary>A resource of the operating system is missing.</summary>
    public static readonly StatusCode BadResourceUnavailable = new(0x8004_0000);

    /// <summary>The network below failed.</summary>
    public static readonly StatusCode BadCommunicationError = new(0x8005_0000);

    /// <summary>The message could not be encoded.</summary>
    public static readonly StatusCode BadEncodingError = new(0x8006_0000);

    /// <summary>The message could not be decoded.</summary>
    public static readonly StatusCode BadDecodingError = new(0x8007_0000);

    /// <summary>A length or depth exceeds what the decoder allows.</summary>
    public static readonly StatusCode BadEncodingLimitsExceeded = new(0x8008_0000);

    /// <summary>The request exceeds the receiver's limits.</summary>
    public static readonly StatusCode BadRequestTooLarge = new(0x80B8_0000);

    /// <summary>The response exceeds the receiver's limits.</summary>
    public static readonly StatusCode BadResponseTooLarge = new(0x80B9_0000);

    /// <summary>The answer is of a kind that was not asked for.</summary>
    public static readonly StatusCode BadUnknownResponse = new(0x8009_0000);

    /// <summary>No answer, or no life sign, in time.</summary>
    public static readonly StatusCode BadTimeout = new(0x800A_0000);

    /// <summary>The server does not have this service.</summary>
    public static readonly StatusCode BadServiceUnsupported = new(0x800B_0000);

    /// <summary>The application is shutting down.</summary>
    public static readonly StatusCode BadShutdown = new(0x800C_0000);

    /// <summary>There is no connection to the server.</summary>
    public static readonly StatusCode BadServerNotConnected = new(0x800D_0000);

    /// <summary>The server has stopped serving.</summary>
    public static readonly StatusCode BadServerHalted = new(0x800E_0000);

    /// <summary>A list in the request is empty.</summary>
    public static readonly StatusCode BadNothingToDo = new(0x800F_0000);

    /// <summary>A list in the request is longer than the server takes.</summary>
    public static readonly StatusCode BadTooManyOperations = new(0x8010_0000);

    /// <summary>The server takes no more monitored items.</summary>
    public static readonly StatusCode BadTooManyMonitoredItems = new(0x80DB_0000);

    /// <summary>The certificate cannot be read.</summary>
    public static readonly StatusCode BadCertificateInvalid = new(0x8012_0000);

    /// <summary>Security verification failed; on purpose without any detail.</summary>
    public static readonly StatusCode BadSecurityChecksFailed = new(0x8013_0000);

    /// <summary>Key size or signature algorithm is weaker than the policy demands.</summary>
    public static readonly StatusCode BadCertificatePolicyCheckFailed = new(0x8114_0000);

    /// <summary>The certificate is expired or not yet valid.</summary>
    public static readonly StatusCode BadCertificateTimeInvalid = new(0x8014_0000);

    /// <summary>The certificate of an issuer is expired or not yet valid.</summary>
    public static readonly StatusCode BadCertificateIssuerTimeInvalid = new(0x8015_0000);

    /// <summary>The certificate does not name the host that was connected to.</summary>
    public static readonly StatusCode BadCertificateHostNameInvalid = new(0x8016_0000);

    /// <summary>The certificate does not name the application's URI.</summary>
    public static readonly StatusCode BadCertificateUriInvalid = new(0x8017_0000);

    /// <summary>The certificate is not meant for this use.</summary>
    public static readonly StatusCode BadCertificateUseNotAllowed = new(0x8018_0000);

    /// <summary>The certificate is not in the trust list.</summary>
    public static readonly StatusCode BadCertificateUntrusted = new(0x801A_0000);

    /// <summary>There is no revocation list for the issuer.</summary>
    public static readonly StatusCode BadCertificateRevocationUnknown = new(0x801B_0000);

    /// <summary>The issuer has revoked the certificate.</summary>
    public static readonly StatusCode BadCertificateRevoked = new(0x801D_0000);

    /// <summary>The certificate of an issuer is revoked.</summary>
    public static readonly StatusCode BadCertificateIssuerRevoked = new(0x801E_0000);

    /// <summary>An issuer of the certificate is not known here.</summary>
    public static readonly StatusCode BadCertificateChainIncomplete = new(0x810D_0000);

    /// <summary>The user may not do this.</summary>
    public static readonly StatusCode BadUserAccessDenied = new(0x801F_0000);

    /// <summary>The identity token cannot be used.</summary>
    public static readonly StatusCode BadIdentityTokenInvalid = new(0x8020_0000);

    /// <summary>User name or password is wrong, or the user is not accepted.</summary>
    public static readonly StatusCode BadIdentityTokenRejected = new(0x8021_0000);

    /// <summary>The secure channel is not known.</summary>
    public static readonly StatusCode BadSecureChannelIdInvalid = new(0x8022_0000);

    /// <summary>The nonce is too short or was used before.</summary>
    public static readonly StatusCode BadNonceInvalid = new(0x8024_0000);

    /// <summary>The session is not known.</summary>
    public static readonly StatusCode BadSessionIdInvalid = new(0x8025_0000);

    /// <summary>The session was closed.</summary>
    public static readonly StatusCode BadSessionClosed = new(0x8026_0000);

    /// <summary>The session is not activated.</summary>
    public static readonly StatusCode BadSessionNotActivated = new(0x8027_0000);

    /// <summary>The subscription is not known.</summary>
    public static readonly StatusCode BadSubscriptionIdInvalid = new(0x8028_0000);

    /// <summary>The request asks for unknown time stamps.</summary>
    public static readonly StatusCode BadTimestampsToReturnInvalid = new(0x802B_0000);

    /// <summary>The client has cancelled the request.</summary>
    public static readonly StatusCode BadRequestCancelledByClient = new(0x802C_0000);

    /// <summary>The call has more arguments than the method takes.</summary>
    public static readonly StatusCode BadTooManyArguments = new(0x80E5_0000);

    /// <summary>The server is overloaded for the moment.</summary>
    public static readonly StatusCode BadServerTooBusy = new(0x80EE_0000);

    /// <summary>Another session has taken the subscription over.</summary>
    public static readonly StatusCode GoodSubscriptionTransferred = new(0x002D_0000);

    /// <summary>Sampling is slower than agreed because the server is overloaded.</summary>
    public static readonly StatusCode GoodOverload = new(0x002F_0000);

    /// <summary>The value was written but limited to the range.</summary>
    public static readonly StatusCode GoodClamped = new(0x0030_0000);

    /// <summary>The server has no connection to the source of the value.</summary>
    public static readonly StatusCode BadNoCommunication = new(0x8031_0000);

    /// <summary>The server has not got a first value yet.</summary>
    public static readonly StatusCode BadWaitingForInitialData = new(0x8032_0000);

    /// <summary>The syntax of the node id is not valid.</summary>
    public static readonly StatusCode BadNodeIdInvalid = new(0x8033_0000);

    /// <summary>There is no such node.</summary>
    public static readonly StatusCode BadNodeIdUnknown = new(0x8034_0000);

    /// <summary>The node has no such attribute.</summary>
    public static readonly StatusCode BadAttributeIdInvalid = new(0x8035_0000);

    /// <summary>The syntax of the index range is not valid.</summary>
    public static readonly StatusCode BadIndexRangeInvalid = new(0x8036_0000);

    /// <summary>There is nothing within the index range.</summary>
    public static readonly StatusCode BadIndexRangeNoData = new(0x8037_0000);

    /// <summary>The data encoding is not valid.</summary>
    public static readonly StatusCode BadDataEncodingInvalid = new(0x8038_0000);

    /// <summary>The server does not have this data encoding.</summary>
    public static readonly StatusCode BadDataEncodingUnsupported = new(0x8039_0000);

    /// <summary>The value may not be read.</summary>
    public static readonly StatusCode BadNotReadable = new(0x803A_0000);

    /// <summary>The value may not be written.</summary>
    public static readonly StatusCode BadNotWritable = new(0x803B_0000);

    /// <summary>The value is out of range.</summary>
    public static readonly StatusCode BadOutOfRange = new(0x803C_0000);

    /// <summary>The operation is not supported.</summary>
    public static readonly StatusCode BadNotSupported = new(0x803D_0000);

    /// <summary>What was asked for was not found.</summary>
    public static readonly StatusCode BadNotFound = new(0x803E_0000);

    /// <summary>The monitoring mode is not known.</summary>
    public static readonly StatusCode BadMonitoringModeInvalid = new(0x8041_0000);

    /// <summary>The monitored item is not known.</summary>
    public static readonly StatusCode BadMonitoredItemIdInvalid = new(0x8042_0000);

    /// <summary>The filter is not valid.</summary>
    public static readonly StatusCode BadMonitoredItemFilterInvalid = new(0x8043_0000);

    /// <summary>The server does not have this filter.</summary>
    public static readonly StatusCode BadMonitoredItemFilterUnsupported = new(0x8044_0000);

    /// <summary>The filter does not fit the attribute.</summary>
    public static readonly StatusCode BadFilterNotAllowed = new(0x8045_0000);

    /// <summary>The continuation point is not valid any more.</summary>
    public static readonly StatusCode BadContinuationPointInvalid = new(0x804A_0000);

    /// <summary>The server has no continuation point left.</summary>
    public static readonly StatusCode BadNoContinuationPoints = new(0x804B_0000);

    /// <summary>The reference type is not known.</summary>
    public static readonly StatusCode BadReferenceTypeIdInvalid = new(0x804C_0000);

    /// <summary>The browse direction is not known.</summary>
    public static readonly StatusCode BadBrowseDirectionInvalid = new(0x804D_0000);

    /// <summary>The server URI is not one of this server.</summary>
    public static readonly StatusCode BadServerUriInvalid = new(0x804F_0000);

    /// <summary>The type of the security token request is not valid.</summary>
    public static readonly StatusCode BadRequestTypeInvalid = new(0x8053_0000);

    /// <summary>The security mode is not accepted.</summary>
    public static readonly StatusCode BadSecurityModeRejected = new(0x8054_0000);

    /// <summary>The security policy is not accepted.</summary>
    public static readonly StatusCode BadSecurityPolicyRejected = new(0x8055_0000);

    /// <summary>The server takes no more sessions.</summary>
    public static readonly StatusCode BadTooManySessions = new(0x8056_0000);

    /// <summary>The signature of the user token is not valid.</summary>
    public static readonly StatusCode BadUserSignatureInvalid = new(0x8057_0000);

    /// <summary>The signature of the application is not valid.</summary>
    public static readonly StatusCode BadApplicationSignatureInvalid = new(0x8058_0000);

    /// <summary>The server does not let a session change its user.</summary>
    public static readonly StatusCode BadIdentityChangeNotSupported = new(0x80C6_0000);

    /// <summary>The view is not known.</summary>
    public static readonly StatusCode BadViewIdUnknown = new(0x806B_0000);

    /// <summary>There are more matches than may be returned.</summary>
    public static readonly StatusCode BadTooManyMatches = new(0x806D_0000);

    /// <summary>The path leads nowhere.</summary>
    public static readonly StatusCode BadNoMatch = new(0x806F_0000);

    /// <summary>The maximum age is not valid.</summary>
    public static readonly StatusCode BadMaxAgeInvalid = new(0x8070_0000);

    /// <summary>The parameters of the history request are not valid.</summary>
    public static readonly StatusCode BadHistoryOperationInvalid = new(0x8071_0000);

    /// <summary>The server does not have this history operation for the node.</summary>
    public static readonly StatusCode BadHistoryOperationUnsupported = new(0x8072_0000);

    /// <summary>The server does not write this combination of value, status and time stamps.</summary>
    public static readonly StatusCode BadWriteNotSupported = new(0x8073_0000);

    /// <summary>The value is not of the node's data type.</summary>
    public static readonly StatusCode BadTypeMismatch = new(0x8074_0000);

    /// <summary>The server takes no more subscriptions.</summary>
    public static readonly StatusCode BadTooManySubscriptions = new(0x8077_0000);

    /// <summary>The server queues no more Publish requests.</summary>
    public static readonly StatusCode BadTooManyPublishRequests = new(0x8078_0000);

    /// <summary>The session has no subscription.</summary>
    public static readonly StatusCode BadNoSubscription = new(0x8079_0000);

    /// <summary>The server does not keep this sequence number any more.</summary>
    public static readonly StatusCode BadSequenceNumberUnknown = new(0x807A_0000);

    /// <summary>The server cannot send this message again.</summary>
    public static readonly StatusCode BadMessageNotAvailable = new(0x807B_0000);

    /// <summary>The server takes no connection at the moment.</summary>
    public static readonly StatusCode BadTcpServerTooBusy = new(0x807D_0000);

    /// <summary>The message type in the header is not known, or not allowed now.</summary>
    public static readonly StatusCode BadTcpMessageTypeInvalid = new(0x807E_0000);

    /// <summary>The secure channel or its token is not in use here.</summary>
    public static readonly StatusCode BadTcpSecureChannelUnknown = new(0x807F_0000);

    /// <summary>The chunk is larger than the receiver's buffer.</summary>
    public static readonly StatusCode BadTcpMessageTooLarge = new(0x8080_0000);

    /// <summary>The receiver lacks resources to go on.</summary>
    public static readonly StatusCode BadTcpNotEnoughResources = new(0x8081_0000);

    /// <summary>The receiver failed in the transport.</summary>
    public static readonly StatusCode BadTcpInternalError = new(0x8082_0000);

    /// <summary>The endpoint URL is not one of this server.</summary>
    public static readonly StatusCode BadTcpEndpointUrlInvalid = new(0x8083_0000);

    /// <summary>The request was not handled in time.</summary>
    public static readonly StatusCode BadRequestTimeout = new(0x8085_0000);

    /// <summary>The secure channel was closed.</summary>
    public static readonly StatusCode BadSecureChannelClosed = new(0x8086_0000);

    /// <summary>The token of the secure channel has expired or was never issued.</summary>
    public static readonly StatusCode BadSecureChannelTokenUnknown = new(0x8087_0000);

    /// <summary>The sequence number of a chunk is not the next one.</summary>
    public static readonly StatusCode BadSequenceNumberInvalid = new(0x8088_0000);

    /// <summary>The protocol versions do not fit.</summary>
    public static readonly StatusCode BadProtocolVersionUnsupported = new(0x80BE_0000);

    /// <summary>Something is configured wrongly.</summary>
    public static readonly StatusCode BadConfigurationError = new(0x8089_0000);

    /// <summary>The value's source was never connected.</summary>
    public static readonly StatusCode BadNotConnected = new(0x808A_0000);

    /// <summary>The device that gives the value has failed.</summary>
    public static readonly StatusCode BadDeviceFailure = new(0x808B_0000);

    /// <summary>The sensor that gives the value has failed.</summary>
    public static readonly StatusCode BadSensorFailure = new(0x808C_0000);

    /// <summary>The value's source is out of service.</summary>
    public static readonly StatusCode BadOutOfService = new(0x808D_0000);

    /// <summary>The deadband is not valid for the node.</summary>
    public static readonly StatusCode BadDeadbandFilterInvalid = new(0x808E_0000);

    /// <summary>The server keeps nothing for Republish.</summary>
    public static readonly StatusCode GoodRetransmissionQueueNotSupported = new(0x00DF_0000);

    /// <summary>No connection to the source; this is the last value known.</summary>
    public static readonly StatusCode UncertainNoCommunicationLastUsableValue = new(0x408F_0000);

    /// <summary>The source has stopped updating; this is the last value known.</summary>
    public static readonly StatusCode UncertainLastUsableValue = new(0x4090_0000);

    /// <summary>A default, not yet a value of the source.</summary>
    public static readonly StatusCode UncertainInitialValue = new(0x4092_0000);

    /// <summary>There is no data for the time asked for.</summary>
    public static readonly StatusCode BadNoData = new(0x809B_0000);

    /// <summary>There is no value beyond the bound.</summary>
    public static readonly StatusCode BadBoundNotFound = new(0x80D7_0000);

    /// <summary>Data is missing because of a collection failure.</summary>
    public static readonly StatusCode BadDataLost = new(0x809D_0000);

    /// <summary>There is no data for the time asked for; nothing is wrong.</summary>
    public static readonly StatusCode GoodNoData = new(0x00A5_0000);

    /// <summary>There is more data than was returned.</summary>
    public static readonly StatusCode GoodMoreData = new(0x00A6_0000);

    /// <summary>An argument is not valid.</summary>
    public static readonly StatusCode BadInvalidArgument = new(0x80AB_0000);

    /// <summary>The other side refused the connection.</summary>
    public static readonly StatusCode BadConnectionRejected = new(0x80AC_0000);

    /// <summary>The connection was closed.</summary>
    public static readonly StatusCode BadConnectionClosed = new(0x80AE_0000);

    /// <summary>The operation does not fit the present state.</summary>
    public static readonly StatusCode BadInvalidState = new(0x80AF_0000);

    /// <summary>The data ended early.</summary>
    public static readonly StatusCode BadEndOfStream = new(0x80B0_0000);
}
