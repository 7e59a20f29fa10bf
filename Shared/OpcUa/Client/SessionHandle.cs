using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>
/// What it takes to activate a session again over another channel. The token and the nonce are secrets: this is a class, not a record, so
/// that it never writes them into a text.
/// </summary>
internal sealed class SessionHandle(NodeId sessionId, NodeId authenticationToken, byte[]? serverNonce, TimeSpan timeout)
{
    public NodeId SessionId { get; } = sessionId;

    /// <summary>A secret that names the session; never log it.</summary>
    public NodeId AuthenticationToken { get; } = authenticationToken;

    /// <summary>The nonce of the last activation, good for one further one.</summary>
    public byte[]? ServerNonce { get; } = serverNonce;

    /// <summary>How long the server keeps the session without a request.</summary>
    public TimeSpan Timeout { get; } = timeout;

    public SessionHandle WithNonce(byte[]? nonce) => new(SessionId, AuthenticationToken, nonce, Timeout);
}
