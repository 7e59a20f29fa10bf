using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Transport;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// One accepted TCP connection, from TLS to its end: a reading and a writing loop, and what happens to session and will afterwards. Whatever the
/// peer does ends this connection at worst. Members that sessions and the broker call are thread-safe.
/// </summary>
internal sealed class BrokerClient(BrokerCore core, Socket socket, X509Certificate2? certificate)
{
    /// <summary>What is encoded ahead of the socket for one client; the rest stays in the session's queue, where its memory is shared.</summary>
    public const int SendAheadBytes = 256 * 1024;

    /// <summary>Answers that pile up because the client does not read; beyond, it is not read from either.</summary>
    public const int AnswerBacklogBytes = 1024 * 1024;

    private readonly IPEndPoint? _remote = socket.RemoteEndPoint as IPEndPoint;
    private readonly TaskCompletionSource<ClientEnd> _closeRequest = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Serving? _serving;

    /// <summary>QoS 1 messages that the client takes without acknowledging (3.1.2.11.3).</summary>
    public int ReceiveMaximum => Current.Admission.Connect.Properties?.ReceiveMaximum ?? ushort.MaxValue;

    /// <summary>True while messages may be encoded for the client; the session asks again after each write.</summary>
    public bool HasRoom => Current.Connection.Sender.PendingBytes < SendAheadBytes;

    public long BytesReceived => Volatile.Read(ref _serving)?.Connection.Reader.BytesReceived ?? 0;

    public long BytesSent => Volatile.Read(ref _serving)?.Connection.Sender.WrittenBytes ?? 0;

    private MqttBrokerOptions Options => core.Options;

    private Serving Current => _serving ?? throw new InvalidOperationException("The client has no session yet.");

    /// <summary>Runs the connection until it has ended, and its session and will are dealt with.</summary>
    public async Task RunAsync()
    {
        try
        {
            using var patience = new CancellationTokenSource(Options.HandshakeTimeout, Options.Time);
            if (await OpenStreamAsync(patience.Token) is not { } stream)
            {
                Interlocked.Increment(ref core.Counters.ProtocolErrors);
                return;
            }

            using var connection = new PacketConnection(socket, stream, Options.MaxPacketSize, Options.Time);
            await ServeAsync(connection, patience.Token);
            Interlocked.Add(ref core.Counters.BytesReceived, connection.Reader.BytesReceived);
            Interlocked.Add(ref core.Counters.BytesSent, connection.Sender.WrittenBytes);
        }
        finally
        {
            Volatile.Write(ref _serving, null);
            socket.Dispose();
        }
    }

    /// <summary>Asks for the end of the connection, with a DISCONNECT where the protocol has one. The first request counts: true for it.</summary>
    public bool Close(MqttReasonCode reason, string why)
    {
        var isFirst = _closeRequest.TrySetResult(new ClientEnd(why, reason));
        if (Volatile.Read(ref _serving) is null)
        {
            // Still in the handshake: there is nobody to say good-bye to.
            socket.Dispose();
        }

        return isFirst;
    }

    /// <summary>Sends one message; called by the session, in order. The message's payload never changes, so it is not copied.</summary>
    public void Send(in PublishPacket packet) => Current.Connection.Sender.AppendReferring(packet, Current.Connection.Version);

    /// <summary>Whether a message is within the client's Maximum Packet Size; a larger one must not be sent [MQTT-3.1.2-24].</summary>
    public bool Accepts(in Delivery delivery)
    {
        if (Current.Admission.Connect.Properties?.MaximumPacketSize is not { } max)
        {
            return true;
        }

        var message = delivery.Message;
        var packet = new PublishPacket(message.Topic, message.Payload, delivery.QoS, 1, Properties: message.PropertiesAt(Options.Time));
        return PacketEncoder.PacketSize(PacketEncoder.MeasureBody<PublishCodec, PublishPacket>(packet, Current.Connection.Version)) <= max;
    }

    /// <summary>Looks after keep alive (3.1.2.10) and a blocked socket; called at short intervals.</summary>
    public void Check(long now)
    {
        if (Volatile.Read(ref _serving) is not { } serving)
        {
            return;
        }

        var reader = serving.Connection.Reader;
        var keepAlive = TimeSpan.FromSeconds(serving.Admission.Connect.KeepAliveSeconds * 1.5);
        var isSilent = keepAlive > TimeSpan.Zero && reader.IsWaiting && Silence(reader.LastHeard, now) > keepAlive;
        if (isSilent && Close(MqttReasonCode.KeepAliveTimeout, "Nothing was received for one and a half times the keep alive time."))
        {
            Interlocked.Increment(ref core.Counters.KeepAliveTimeouts);
        }

        var limit = keepAlive > Options.StallTimeout ? keepAlive : Options.StallTimeout;
        if (Silence(serving.Connection.Sender.StuckSince, now) > limit)
        {
            Close(MqttReasonCode.QuotaExceeded, "It does not read what is sent to it.");
        }
    }

    private TimeSpan Silence(long since, long now) => now <= since ? TimeSpan.Zero : Options.Time.GetElapsedTime(since, now);

    private async Task<Stream?> OpenStreamAsync(CancellationToken limit)
    {
        Stream plain;
        try
        {
            SocketSettings.Apply(socket);
            plain = new NetworkStream(socket, ownsSocket: false);
        }
        catch (Exception e) when (ConnectionFailure.Is(e))
        {
            // Reset by the peer before anything was done.
            return null;
        }

        return certificate is null ? plain : await SecureAsync(plain, certificate, limit);
    }

    private async Task<Stream?> SecureAsync(Stream plain, X509Certificate2 identity, CancellationToken limit)
    {
        var secure = new SslStream(plain);
        try
        {
            await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = identity }, limit);
            return secure;
        }
        catch (Exception e) when (ConnectionFailure.Is(e))
        {
            BrokerLog.Refused(Options.Log, _remote, $"the TLS handshake failed: {ConnectionFailure.Describe(e)}");
            await secure.DisposeAsync();
            return null;
        }
    }

    private async Task ServeAsync(PacketConnection connection, CancellationToken limit)
    {
        var writer = connection.RunSenderAsync();
        Admission? admission;
        await using (limit.UnsafeRegister(static c => ((PacketConnection)c!).Abort(), connection))
        {
            (admission, var why) = await BrokerHandshake.RunAsync(connection, core, _remote);
            if (admission is null)
            {
                BrokerLog.Refused(Options.Log, _remote, why);
            }
        }

        if (admission is null)
        {
            await connection.CloseAsync(writer, connection.Reader.DrainAsync(), Options.CloseTimeout);
            return;
        }

        await ServeSessionAsync(new Serving(connection, admission, new BrokerInbound(core, connection, admission.Session)), writer);
    }

    private async Task ServeSessionAsync(Serving serving, Task<bool> writer)
    {
        var (connection, admission, inbound) = serving;
        var session = admission.Session;
        Interlocked.Increment(ref core.Counters.Clients);
        Volatile.Write(ref _serving, serving);
        connection.Sender.Written = () =>
        {
            session.Written();
            inbound.Progress.Set();
        };
        connection.Send(admission.Answer);
        BrokerLog.Connected(Options.Log, session.ClientId, _remote, connection.Version, admission.Answer.SessionPresent);
        if (!session.TryAttach(this, out var previous))
        {
            Close(MqttReasonCode.SessionTakenOver, "Its client identifier was used again.");
        }

        previous?.Close(MqttReasonCode.SessionTakenOver, "Its client identifier was used again.");
        var packets = PacketLoop.RunAsync(connection.Reader, inbound);
        var reader = PacketLoop.DrainAfterAsync(packets, connection.Reader);
        var end = await await Task.WhenAny(packets, WriterEndAsync(connection, writer), _closeRequest.Task);
        BrokerLog.Gone(Options.Log, session.ClientId, _remote, end.Why);
        inbound.Close();
        LeaveSession(session, end.IsNormal ? null : admission.Will, admission.Connect.Will?.Properties?.WillDelayInterval ?? 0);
        Interlocked.Decrement(ref core.Counters.Clients);
        if (end.GoodBye is { } reason && connection.Version == MqttProtocolVersion.V5)
        {
            connection.Send(new DisconnectPacket(reason));
        }

        await connection.CloseAsync(writer, reader, Options.CloseTimeout);
    }

    private static async Task<ClientEnd> WriterEndAsync(PacketConnection connection, Task<bool> writer) =>
        new(await writer ? "The writer was closed." : connection.Sender.Error);

    /// <summary>Detaches, ends or keeps the session, and publishes the will now or later (3.1.2.5, 3.1.3.2.2).</summary>
    private void LeaveSession(Session session, BrokerMessage? will, uint willDelaySeconds)
    {
        var wills = new List<BrokerMessage>();
        var isDelayed = willDelaySeconds > 0 && session.Expiry > TimeSpan.Zero;
        var isMine = session.TryDetach(this, isDelayed ? will : null, TimeSpan.FromSeconds(willDelaySeconds));
        if (isMine && session.Expiry == TimeSpan.Zero)
        {
            core.Sessions.Remove(session, wills);
        }

        // A delayed will of a session that another connection continues is not wanted any more.
        if (will is not null && (!isDelayed || (!isMine && session.IsDiscarded)))
        {
            wills.Add(will);
        }

        core.PublishWills(wills);
    }

    private sealed record Serving(PacketConnection Connection, Admission Admission, BrokerInbound Inbound);
}
