using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>Tells a supervisor such as systemd about the process's state (sd_notify). A supervisor that cannot be told is a warning.</summary>
internal sealed class SupervisorNotifier(string? address, ILogger logger)
{
    public async Task SendAsync(string state)
    {
        if (string.IsNullOrEmpty(address))
        {
            return;
        }

        try
        {
            // A leading @ stands for the zero byte of Linux's abstract names.
            var endPoint = new UnixDomainSocketEndPoint(address[0] == '@' ? $"\0{address[1..]}" : address);
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            await socket.SendToAsync(Encoding.UTF8.GetBytes(state), endPoint);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            HostingLog.NotifyFailed(logger, state, address, e);
        }
    }
}
