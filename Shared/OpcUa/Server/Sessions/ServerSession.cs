using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>A session (OPC 10000-4, 5.7). It outlives its connection until it times out. Guarded by the server's gate.</summary>
internal sealed class ServerSession
{
    private const int StatusChangesMax = 100;

    private readonly ServerCore _core;
    private readonly LinkedList<PublishTicket> _tickets = new();
    private readonly Queue<PublishResponse> _statusChanges = new();
    private long _lastRequestAt;

    public ServerSession(ServerCore core, ServerConnection creator, NodeId id, NodeId token)
    {
        _core = core;
        Creator = creator;
        Id = id;
        Token = token;
        Continuations = new BrowseContinuations(core.Options.ContinuationPointsMax);
        Touch();
    }

    public NodeId Id { get; }

    /// <summary>A secret; never log it.</summary>
    public NodeId Token { get; }

    /// <summary>The connection on which it was created: only there it can be activated for the first time.</summary>
    public ServerConnection Creator { get; }

    public required string? Name { get; init; }

    public required string? ApplicationUri { get; init; }

    /// <summary>SHA-256 over the client's certificate; null with policy None.</summary>
    public required string? Certificate { get; init; }

    public required SecurityPolicy Policy { get; init; }

    public required MessageSecurityMode Mode { get; init; }

    public required TimeSpan Timeout { get; init; }

    /// <summary>The largest response that the client takes, in bytes; zero for no limit of its own.</summary>
    public required uint ResponseBytesMax { get; init; }

    /// <summary>The nonce that the next activation must sign; good for one activation.</summary>
    public required byte[] Nonce { get; set; }

    /// <summary>The connection that may use it; null when that one is gone or the session was not activated yet.</summary>
    public ServerConnection? Connection { get; private set; }

    /// <summary>Who it acts for; null until the first activation.</summary>
    public ClientIdentity? Identity { get; private set; }

    public BrowseContinuations Continuations { get; }

    /// <summary>Its subscriptions by id.</summary>
    public Dictionary<uint, Subscription> Subscriptions { get; } = [];

    /// <summary>True when nothing was heard for longer than the timeout; a waiting Publish request is a sign of life.</summary>
    public bool IsTimedOut => _tickets.Count == 0 && _core.Time.GetElapsedTime(_lastRequestAt) > Timeout;

    public void Touch() => _lastRequestAt = _core.Time.GetTimestamp();

    /// <summary>Gives the session to a connection; requests that came over another one are given up.</summary>
    public void Activate(ServerConnection connection, ClientIdentity identity, byte[] nextNonce)
    {
        Identity = identity;
        Nonce = nextNonce;
        if (Connection != connection)
        {
            RefuseAll(StatusCodes.BadSecureChannelClosed);
            Connection?.SessionLeft();
            Connection = connection;
            connection.SessionCame();
        }

        Touch();
    }

    /// <summary>The connection is gone, and with it the requests that came over it.</summary>
    public void Abandon()
    {
        _tickets.Clear();
        Connection = null;
        Touch();
    }

    /// <summary>Ends the session's hold on its connection.</summary>
    public void Close(StatusCode why)
    {
        RefuseAll(why);
        Connection?.SessionLeft();
        Connection = null;
    }

    public void Add(PublishTicket ticket)
    {
        if (_statusChanges.TryDequeue(out var change))
        {
            SendStatus(ticket, change);
            return;
        }

        _tickets.AddLast(ticket);
    }

    /// <summary>The oldest request that waits, for answering; null when there is none.</summary>
    public PublishTicket? TakeTicket()
    {
        var ticket = _tickets.First?.Value;
        if (ticket is not null)
        {
            _tickets.RemoveFirst();
        }

        return ticket;
    }

    public int TicketCount => _tickets.Count;

    public bool HasStatusChange => _statusChanges.Count > 0;

    /// <summary>Answers with the news at once, or with the next Publish request.</summary>
    public void TellStatus(PublishResponse change)
    {
        if (TakeTicket() is { } ticket)
        {
            SendStatus(ticket, change);
        }
        else if (_statusChanges.Count < StatusChangesMax)
        {
            _statusChanges.Enqueue(change);
        }
    }

    /// <summary>Answers all requests that wait.</summary>
    public void RefuseAll(StatusCode why)
    {
        while (TakeTicket() is { } ticket)
        {
            ticket.Connection.SendFault(ticket.RequestId, ticket.RequestHandle, why);
        }
    }

    /// <summary>Answers requests that nobody waits for any more.</summary>
    public void RefuseExpired() => Refuse(
        t => t.TimeoutHint > 0 && _core.Time.GetElapsedTime(t.ReceivedAt).TotalMilliseconds > t.TimeoutHint, StatusCodes.BadTimeout);

    /// <summary>Answers the requests that the client wants to have back; only Publish requests wait.</summary>
    /// <returns>How many there were.</returns>
    public uint Cancel(uint requestHandle) => Refuse(t => t.RequestHandle == requestHandle, StatusCodes.BadRequestCancelledByClient);

    private uint Refuse(Predicate<PublishTicket> which, StatusCode why)
    {
        var count = 0u;
        for (var node = _tickets.First; node is not null;)
        {
            var (next, ticket) = (node.Next, node.Value);
            if (which(ticket))
            {
                _tickets.Remove(node);
                ticket.Connection.SendFault(ticket.RequestId, ticket.RequestHandle, why);
                count++;
            }

            node = next;
        }

        return count;
    }

    private static void SendStatus(PublishTicket ticket, PublishResponse change) => ticket.Connection.Send(
        ticket.RequestId,
        ticket.RequestHandle,
        new PublishResponse
        {
            SubscriptionId = change.SubscriptionId,
            NotificationMessage = change.NotificationMessage,
            Results = ticket.Results,
        });
}
