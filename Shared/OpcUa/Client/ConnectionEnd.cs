namespace ZfRepl.OpcUa.Client;

/// <summary>What follows from the end of a connection.</summary>
internal enum EndKind
{
    /// <summary>Connect again after the usual pause.</summary>
    Retry,

    /// <summary>Connect again after the longest pause, because somebody else is at work.</summary>
    RetryLate,

    /// <summary>The host has said no: the subscriber ends.</summary>
    Refused,
}

/// <summary>Why a connection ended.</summary>
internal sealed record ConnectionEnd(EndKind Kind, UaError Error)
{
    public static ConnectionEnd Retry(UaError error) => new(EndKind.Retry, error);

    public static ConnectionEnd Refused(UaError error) => new(EndKind.Refused, error);
}
