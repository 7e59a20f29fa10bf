namespace ZfRepl.Hosting.Rpc;

/// <summary>Error codes of service calls: JSON-RPC's own and those of the bus whose methods this product answers.</summary>
public static class RpcErrorCode
{
    /// <summary>The body is not JSON.</summary>
    public const int Parse = -32700;

    /// <summary>The JSON is not a JSON-RPC 2.0 request.</summary>
    public const int InvalidRequest = -32600;

    /// <summary>No such method.</summary>
    public const int MethodNotFound = -32601;

    /// <summary>Parameters given where none are taken, none given where some are required, or not given as a map.</summary>
    public const int InvalidParams = -32602;

    /// <summary>The method's code failed; the service's log has the reason.</summary>
    public const int Internal = -32603;

    /// <summary>No such object.</summary>
    public const int NotFound = -32001;

    /// <summary>Access denied.</summary>
    public const int AccessDenied = -32002;

    /// <summary>System error.</summary>
    public const int SystemError = -32003;

    /// <summary>Any other error.</summary>
    public const int Other = -32004;

    /// <summary>The service has not finished starting.</summary>
    public const int NotReady = -32005;

    /// <summary>Not supported here.</summary>
    public const int Unsupported = -32006;

    /// <summary>Core error.</summary>
    public const int CoreError = -32007;

    /// <summary>Timed out.</summary>
    public const int Timeout = -32008;

    /// <summary>Parameters that do not decode: missing, unknown, of a wrong type, or out of range.</summary>
    public const int InvalidData = -32009;

    /// <summary>The method ran and failed.</summary>
    public const int Failed = -32010;

    /// <summary>Aborted, for instance because the service stops.</summary>
    public const int Aborted = -32011;

    /// <summary>The object exists already.</summary>
    public const int AlreadyExists = -32012;

    /// <summary>Too much at once; try again.</summary>
    public const int Busy = -32013;

    /// <summary>The method is known and not implemented.</summary>
    public const int NotImplemented = -32014;

    /// <summary>The token is restricted.</summary>
    public const int TokenRestricted = -32015;

    /// <summary>Input/output error.</summary>
    public const int Io = -32016;

    /// <summary>Registry error.</summary>
    public const int Registry = -32017;

    /// <summary>The bus does not know the called service.</summary>
    public const int BusNotRegistered = -32113;

    /// <summary>Data error on the bus.</summary>
    public const int BusData = -32114;

    /// <summary>Input/output error on the bus.</summary>
    public const int BusIo = -32115;

    /// <summary>Any other error on the bus.</summary>
    public const int BusOther = -32116;

    /// <summary>Not supported by the bus.</summary>
    public const int BusNotSupported = -32117;

    /// <summary>The bus is busy.</summary>
    public const int BusBusy = -32118;

    /// <summary>The call was not delivered.</summary>
    public const int BusNotDelivered = -32119;

    /// <summary>No answer in time.</summary>
    public const int BusTimeout = -32120;

    /// <summary>The bus denied access.</summary>
    public const int BusAccess = -32121;
}
