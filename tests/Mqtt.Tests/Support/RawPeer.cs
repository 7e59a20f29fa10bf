using System.Net;
using System.Net.Sockets;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Tests.Support;

/// <summary>One end of a TCP connection on which the test itself says every byte.</summary>
internal sealed class RawPeer(Socket socket) : IDisposable
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    public static async Task<RawPeer> ConnectAsync(int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new RawPeer(socket);
    }

    /// <summary>Connects to a broker and is let in.</summary>
    public static async Task<RawPeer> JoinAsync(int port, MqttProtocolVersion version, string clientId, bool cleanStart = true, string moreProperties = "")
    {
        var peer = await ConnectAsync(port);
        await peer.SendAsync(Connect(version, clientId, cleanStart, moreProperties));
        var answer = await peer.ReadAsync();
        Assert.Equal("20", answer[..2]);
        Assert.Equal("00", answer[6..8]);
        return peer;
    }

    public static string Connect(MqttProtocolVersion version, string clientId, bool cleanStart = true, string properties = "")
    {
        var id = Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(clientId));
        var flags = cleanStart ? "02" : "00";
        var list = version == MqttProtocolVersion.V5 ? $"{properties.Replace(" ", "", StringComparison.Ordinal).Length / 2:X2}{properties}" : "";
        var body = $"00044D515454{(byte)version:X2}{flags}0000{list}{clientId.Length:X4}{id}".Replace(" ", "", StringComparison.Ordinal);
        return $"10{body.Length / 2:X2}{body}";
    }

    public Task SendAsync(string hex) => SendAsync(Hex.Bytes(hex));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _stream.WriteAsync(bytes);

    /// <summary>The next packet, as hexadecimal digits; "closed" when the other side has ended the connection.</summary>
    public async Task<string> ReadAsync()
    {
        using var limit = new CancellationTokenSource(TestClient.Limit);
        var bytes = new List<byte>();
        while (true)
        {
            if (FixedHeader.TryRead(bytes.ToArray(), WireLimits.RemainingLengthMax, out var header, out var fault))
            {
                var body = new byte[header.BodyLength];
                await _stream.ReadExactlyAsync(body, limit.Token);
                return Hex.Text([.. bytes, .. body]);
            }

            Assert.False(fault.IsFault, fault.ToString());
            var one = new byte[1];
            try
            {
                if (await _stream.ReadAsync(one, limit.Token) == 0)
                {
                    return "closed";
                }
            }
            catch (IOException)
            {
                return "closed";
            }

            bytes.Add(one[0]);
        }
    }

    /// <summary>Reads some bytes and forgets them; 0 at the end.</summary>
    public async Task<int> SwallowAsync(int count)
    {
        using var limit = new CancellationTokenSource(TestClient.Limit);
        try
        {
            return await _stream.ReadAsync(new byte[count], limit.Token);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public void Dispose() => _stream.Dispose();
}

/// <summary>A TCP listener whose connections the test plays by hand.</summary>
internal sealed class ScriptedServer : IDisposable
{
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);

    public ScriptedServer(int? receiveBufferBytes = null)
    {
        if (receiveBufferBytes is { } bytes)
        {
            _listener.ReceiveBufferSize = bytes;
        }

        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public async Task<RawPeer> AcceptAsync()
    {
        using var limit = new CancellationTokenSource(TestClient.Limit);
        return new RawPeer(await _listener.AcceptAsync(limit.Token));
    }

    /// <summary>Accepts a connection, takes its CONNECT and answers it.</summary>
    public async Task<RawPeer> WelcomeAsync(string connAck = "20 03 00 00 00")
    {
        var peer = await AcceptAsync();
        Assert.StartsWith("10", await peer.ReadAsync(), StringComparison.Ordinal);
        await peer.SendAsync(connAck);
        return peer;
    }

    public void Dispose() => _listener.Dispose();
}
