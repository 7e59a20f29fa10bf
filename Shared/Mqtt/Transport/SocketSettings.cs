using System.Buffers.Binary;
using System.Net.Sockets;

namespace ZfRepl.Mqtt.Transport;

/// <summary>What both ends set on a TCP connection.</summary>
internal static class SocketSettings
{
    private const int LinuxIpProtoTcp = 6;
    private const int LinuxTcpNotSentLowWater = 25;
    private const int UnsentBytesMax = 128 * 1024;

    public static void Apply(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        if (OperatingSystem.IsLinux())
        {
            // Keeps megabytes from piling up in the kernel in front of a slow link, where a ping would wait behind them for minutes.
            Span<byte> value = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(value, UnsentBytesMax);
            socket.SetRawSocketOption(LinuxIpProtoTcp, LinuxTcpNotSentLowWater, value);
        }
    }
}
