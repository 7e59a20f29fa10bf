using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>All sessions by their token. Guarded by the server's gate, but for <see cref="Abandon"/> and <see cref="Tidy"/>, which take it.</summary>
internal sealed class SessionTable(ServerCore core)
{
    private const int TokenBytes = 32;

    private readonly Dictionary<NodeId, ServerSession> _sessions = [];
    private uint _lastId;

    public int Count => _sessions.Count;

    public IEnumerable<ServerSession> All => _sessions.Values;

    public bool IsFull => _sessions.Count >= core.Options.SessionsMax;

    /// <summary>The id of the next session, which is no secret.</summary>
    public NodeId NextId() => new(1, $"session {++_lastId}");

    /// <summary>A token that nobody can guess.</summary>
    public static NodeId NewToken() => new(0, RandomNumberGenerator.GetBytes(TokenBytes));

    public void Add(ServerSession session) => _sessions.Add(session.Token, session);

    /// <summary>The session of that token, whatever its connection.</summary>
    public bool TryFind(NodeId token, [NotNullWhen(true)] out ServerSession? session) => _sessions.TryGetValue(token, out session);

    /// <summary>The session of that token if the connection may use it.</summary>
    public StatusCode TryFind(NodeId token, ServerConnection connection, out ServerSession? session)
    {
        if (!_sessions.TryGetValue(token, out session))
        {
            return StatusCodes.BadSessionIdInvalid;
        }

        if (session.Connection == connection)
        {
            return StatusCode.Good;
        }

        var isNew = session.Identity is null && session.Creator == connection;
        session = null;
        return isNew ? StatusCodes.BadSessionNotActivated : StatusCodes.BadSecureChannelIdInvalid;
    }

    /// <summary>Ends a session. Its subscriptions go with it or live on for their lifetime.</summary>
    public void Remove(ServerSession session, bool deleteSubscriptions, StatusCode why)
    {
        _sessions.Remove(session.Token);
        foreach (var subscription in session.Subscriptions.Values)
        {
            if (deleteSubscriptions)
            {
                core.Subscriptions.Remove(subscription);
            }
            else
            {
                subscription.MoveTo(null);
            }
        }

        session.Subscriptions.Clear();
        session.Close(why);
        ServerLog.SessionEnded(core.Logger, session.Name, session.ApplicationUri, why.ToString());
    }

    /// <summary>A connection is gone: its sessions wait for another one, and those that were never activated go.</summary>
    public void Abandon(ServerConnection connection)
    {
        lock (core.Gate)
        {
            foreach (var session in _sessions.Values.ToList())
            {
                if (session.Connection == connection)
                {
                    session.Abandon();
                }
                else if (session.Identity is null && session.Creator == connection)
                {
                    Remove(session, deleteSubscriptions: true, StatusCodes.BadConnectionClosed);
                }
            }
        }
    }

    /// <summary>Ends sessions whose client was not heard of, and requests that wait too long.</summary>
    public void Tidy()
    {
        lock (core.Gate)
        {
            foreach (var session in _sessions.Values.ToList())
            {
                session.RefuseExpired();
                if (session.IsTimedOut)
                {
                    Remove(session, deleteSubscriptions: false, StatusCodes.BadTimeout);
                }
            }
        }
    }
}
