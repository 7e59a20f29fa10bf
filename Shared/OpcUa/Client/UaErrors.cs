using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>What kinds of failures there are, as far as decisions hang on them.</summary>
internal static class UaErrors
{
    private static readonly StatusCode[] Passing =
    [
        StatusCodes.BadTimeout, StatusCodes.BadRequestTimeout, StatusCodes.BadConnectionClosed, StatusCodes.BadCommunicationError,
        StatusCodes.BadSecureChannelClosed, StatusCodes.BadServerTooBusy, StatusCodes.BadTcpServerTooBusy, StatusCodes.BadResourceUnavailable,
        StatusCodes.BadTcpNotEnoughResources, StatusCodes.BadOutOfMemory, StatusCodes.BadShutdown, StatusCodes.BadServerHalted,
        StatusCodes.BadTooManyOperations, StatusCodes.BadServerNotConnected, StatusCodes.BadNotConnected, StatusCodes.BadDecodingError,
    ];

    private static readonly StatusCode[] TooLarge =
    [
        StatusCodes.BadTooManyOperations, StatusCodes.BadEncodingLimitsExceeded,
        StatusCodes.BadRequestTooLarge, StatusCodes.BadResponseTooLarge,
    ];

    private static readonly StatusCode[] OfTheMessage =
    [
        StatusCodes.BadTcpMessageTooLarge, StatusCodes.BadResponseTooLarge, StatusCodes.BadEncodingLimitsExceeded, StatusCodes.BadDecodingError,
    ];

    /// <summary>
    /// True when a connection that ended so was ended by the message that came last: the same message would end the next one, too. A link
    /// that was cut and a server that is gone never look like that.
    /// </summary>
    public static bool IsOfTheMessage(this UaError error) => Array.Exists(OfTheMessage, error.Status.Is);

    /// <summary>True for failures of the moment: they say nothing about the session or subscription that was asked for.</summary>
    public static bool IsPassing(this UaError error) => Array.Exists(Passing, error.Status.Is);

    /// <summary>True when fewer operations in one request may help.</summary>
    public static bool IsTooLarge(this UaError error) => Array.Exists(TooLarge, error.Status.Is);

    public static UaError Closed(string reason) => new(StatusCodes.BadConnectionClosed, reason);
}
