namespace ZfRepl.OpcUa.Server;

/// <summary>Who a session acts for.</summary>
/// <param name="ApplicationUri">The client application, as it calls itself.</param>
/// <param name="Certificate">SHA-256 over its certificate in hexadecimal; null over an unprotected channel.</param>
/// <param name="User">The user; null for nobody in particular.</param>
internal sealed record ClientIdentity(string? ApplicationUri, string? Certificate, string? User)
{
    /// <summary>
    /// True when a subscription of the other one may be taken over (OPC 10000-4, 5.14.7): the same application and user, and not merely two
    /// strangers who both gave no name.
    /// </summary>
    public bool MayTakeOverFrom(ClientIdentity other) => this == other && (Certificate is not null || User is not null);
}
