using System.Text.Json;

namespace ZfRepl.Hosting.Rpc;

/// <summary>How a call ended; one of the nested cases, which a caller tells apart with a switch.</summary>
public abstract record RpcReply
{
    private RpcReply()
    {
    }

    /// <summary>The service answered.</summary>
    /// <param name="Result">The value; of the kind Null for methods that return nothing. Valid for ever.</param>
    public sealed record Value(JsonElement Result) : RpcReply;

    /// <summary>The service refused or failed.</summary>
    /// <param name="Code">One of <see cref="RpcErrorCode"/>.</param>
    /// <param name="Message">The service's own words.</param>
    public sealed record RemoteError(int Code, string Message) : RpcReply;

    /// <summary>There was no answer that could be understood.</summary>
    /// <param name="Why">The kind of trouble.</param>
    /// <param name="Message">What happened, without a full stop.</param>
    /// <param name="Remedy">What to do, without a full stop.</param>
    public sealed record Unreachable(RpcTrouble Why, string Message, string Remedy) : RpcReply;

    /// <summary>No answer in time; whether the method ran is unknown.</summary>
    /// <param name="After">The time that was allowed.</param>
    public sealed record TimedOut(TimeSpan After) : RpcReply;
}

/// <summary>Why there was no answer.</summary>
public enum RpcTrouble
{
    /// <summary>There is no such socket: the service never ran here or was stopped.</summary>
    NoSocket,

    /// <summary>A socket without a process behind it: the service died.</summary>
    Refused,

    /// <summary>The account must not open the socket.</summary>
    Denied,

    /// <summary>The connection broke, so whether the method ran is unknown; the service probably died or stopped meanwhile.</summary>
    Broken,

    /// <summary>Something answered that is not such a service, or more than the client takes.</summary>
    Nonsense,
}
