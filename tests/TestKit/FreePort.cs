using System.Net;
using System.Net.Sockets;

namespace ZfRepl.TestKit;

/// <summary>Loopback ports for servers that cannot pick their own.</summary>
public static class FreePort
{
    /// <summary>A TCP port on 127.0.0.1 that nobody listened on a moment ago.</summary>
    public static int Next()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
