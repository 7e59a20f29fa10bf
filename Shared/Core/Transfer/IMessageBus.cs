namespace ZfRepl.Core.Transfer;

/// <summary>What became of a message that was given to the bus.</summary>
public enum BusResult
{
    /// <summary>The broker has it. That says nothing about anybody receiving it.</summary>
    Sent,

    /// <summary>There is no connection; nothing was sent.</summary>
    NotConnected,

    /// <summary>The connection broke: the broker may have it or not.</summary>
    Unknown,

    /// <summary>The broker or the bus refused it for now (a full queue, a quota); nothing was sent.</summary>
    Refused,

    /// <summary>This message is refused for good, as it is: too large, or a content that is not allowed.</summary>
    Unacceptable,

    /// <summary>Every message to this topic is refused: there is no right to it, or the topic is not allowed.</summary>
    Forbidden,
}

/// <summary>
/// The messages seam: a pipe that may drop, delay, repeat and reorder, and that keeps nothing. The real one is MQTT; tests and the
/// simulation bring their own. Thread-safe.
/// </summary>
public interface IMessageBus
{
    /// <summary>Raised when the connection comes or goes; the argument says whether it is there. Handlers are quick and do not throw.</summary>
    event Action<bool>? ConnectionChanged;

    /// <summary>Whether there is a connection now.</summary>
    bool IsConnected { get; }

    /// <summary>Sends one message.</summary>
    /// <param name="topic">Its topic.</param>
    /// <param name="payload">Its content; the caller's again when the task has ended.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<BusResult> SendAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>
    /// Receives the messages of a topic filter from now on, also after reconnects.
    /// </summary>
    /// <param name="filter">The filter, with <c>+</c> for one level.</param>
    /// <param name="handler">Called for one message after the other, with its topic and content; the content is valid during the call.</param>
    /// <returns>Disposing ends it.</returns>
    IDisposable Subscribe(string filter, Func<string, ReadOnlyMemory<byte>, ValueTask> handler);
}
