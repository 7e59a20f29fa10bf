using System.Net.Sockets;
using System.Security.Authentication;

namespace ZfRepl.Mqtt.Transport;

/// <summary>Which exceptions of sockets and TLS mean "the connection is gone", and nothing else.</summary>
internal static class ConnectionFailure
{
    /// <summary>Sockets report trouble with the peer by these. ObjectDisposedException is what a pending call ends with after an abort.</summary>
    public static bool Is(Exception e) =>
        e is IOException or SocketException or ObjectDisposedException or AuthenticationException or OperationCanceledException;

    /// <summary>One line, with the cause where the outer message only points to it.</summary>
    public static string Describe(Exception e)
    {
        var text = e is ObjectDisposedException ? "aborted from this side" : e.Message;
        return e.InnerException is { } inner && !text.Contains(inner.Message, StringComparison.Ordinal) ? $"{text} ({inner.Message})" : text;
    }
}
