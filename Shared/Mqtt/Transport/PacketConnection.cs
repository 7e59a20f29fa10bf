using System.Net.Sockets;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Transport;

/// <summary>One connection as both ends see it: packets in, packets out, an abrupt and an orderly end. Sending is thread-safe.</summary>
internal sealed class PacketConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly TimeProvider _time;

    public PacketConnection(Socket socket, Stream stream, int packetSizeMax, TimeProvider time)
    {
        _socket = socket;
        _stream = stream;
        _time = time;
        Reader = new FrameReader(stream, packetSizeMax, time);
        Sender = new SendQueue(time);
    }

    public FrameReader Reader { get; }

    public SendQueue Sender { get; }

    /// <summary>Decides how packets are encoded; a server learns it from CONNECT.</summary>
    public MqttProtocolVersion Version { get; set; } = MqttProtocolVersion.V311;

    public Task<bool> RunSenderAsync() => Sender.RunAsync(_stream);

    public bool Send(in PublishPacket packet) => Sender.Append<PublishCodec, PublishPacket>(packet, Version);

    public bool Send(in PubAckPacket packet) => Sender.Append<PubAckCodec, PubAckPacket>(packet, Version);

    public bool Send(ConnectPacket packet) => Sender.Append<ConnectCodec, ConnectPacket>(packet, Version);

    public bool Send(ConnAckPacket packet) => Sender.Append<ConnAckCodec, ConnAckPacket>(packet, Version);

    public bool Send(SubscribePacket packet) => Sender.Append<SubscribeCodec, SubscribePacket>(packet, Version);

    public bool Send(SubAckPacket packet) => Sender.Append<SubAckCodec, SubAckPacket>(packet, Version);

    public bool Send(UnsubscribePacket packet) => Sender.Append<UnsubscribeCodec, UnsubscribePacket>(packet, Version);

    public bool Send(UnsubAckPacket packet) => Sender.Append<UnsubAckCodec, UnsubAckPacket>(packet, Version);

    public bool Send(DisconnectPacket packet) => Sender.Append<DisconnectCodec, DisconnectPacket>(packet, Version);

    public bool SendPingReq() => Sender.Append<PingReqCodec, PingReqPacket>(default, Version);

    public bool SendPingResp() => Sender.Append<PingRespCodec, PingRespPacket>(default, Version);

    /// <summary>Cuts the connection at once; pending reads and writes fail. Thread-safe, repeatable.</summary>
    public void Abort() => _socket.Dispose();

    /// <summary>
    /// Ends in order: writes what is queued, says end-of-stream, and lets <paramref name="reader"/> run until the peer has closed too, so that
    /// a last packet is not destroyed by a reset. When that takes longer than <paramref name="limit"/>, cuts.
    /// </summary>
    public async Task CloseAsync(Task<bool> writer, Task reader, TimeSpan limit)
    {
        Sender.Complete();
        using var patience = new CancellationTokenSource(limit, _time);
        await using var cut = patience.Token.UnsafeRegister(static self => ((PacketConnection)self!).Abort(), this);
        if (await writer)
        {
            EndSending();
        }
        else
        {
            Abort();
        }

        await reader;
        Abort();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
        Reader.Dispose();
    }

    private void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (ConnectionFailure.Is(e))
        {
            // The peer was faster, or patience ended: there is nothing left to end.
            Abort();
        }
    }
}
