using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>A Publish request that waits for something to answer.</summary>
/// <param name="Connection">Where it came from and where the answer goes.</param>
/// <param name="RequestId">The request's number on the connection.</param>
/// <param name="RequestHandle">The client's number for it.</param>
/// <param name="TimeoutHint">In milliseconds; zero for no limit.</param>
/// <param name="ReceivedAt">A timestamp of the server's time provider.</param>
/// <param name="Results">What became of the acknowledgements in it.</param>
internal sealed record PublishTicket(
    ServerConnection Connection, uint RequestId, uint RequestHandle, uint TimeoutHint, long ReceivedAt, StatusCode[] Results);
