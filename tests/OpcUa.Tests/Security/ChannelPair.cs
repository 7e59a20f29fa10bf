using System.Buffers.Binary;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Security;

/// <summary>Both ends of a channel in memory, with the exchange of OPN done as client and server do it.</summary>
internal sealed class ChannelPair : IDisposable
{
    private uint _requestId;
    private uint _nextToken = 10;

    public ChannelPair(
        SecurityPolicy policy,
        MessageSecurityMode mode,
        int clientBits = 2048,
        int serverBits = 2048,
        TimeProvider? time = null,
        TransportLimits? limits = null,
        uint firstSequenceNumber = 1)
    {
        var secured = !policy.IsNone;
        var clientOwn = secured ? TestCertificates.Client(clientBits) : null;
        var serverOwn = secured ? TestCertificates.Server(serverBits) : null;
        limits ??= TransportLimits.Default;
        time ??= TimeProvider.System;
        Client = new SecureChannel(
            ChannelRole.Client, policy, clientOwn, secured ? TestCertificates.AsPeer(serverOwn!) : null, limits, time, firstSequenceNumber);
        Server = new SecureChannel(
            ChannelRole.Server, policy, serverOwn, secured ? TestCertificates.AsPeer(clientOwn!) : null, limits, time, firstSequenceNumber);
        Assert.Equal(StatusCode.Good, Client.TrySetMode(mode));
        Assert.Equal(StatusCode.Good, Server.TrySetMode(mode));
    }

    public SecureChannel Client { get; }

    public SecureChannel Server { get; }

    public static TheoryData<string, MessageSecurityMode> Protections()
    {
        var data = new TheoryData<string, MessageSecurityMode> { { "None", MessageSecurityMode.None } };
        foreach (var policy in SecurityPolicy.All.Where(p => !p.IsNone))
        {
            data.Add(policy.Name, MessageSecurityMode.Sign);
            data.Add(policy.Name, MessageSecurityMode.SignAndEncrypt);
        }

        return data;
    }

    public static SecurityPolicy Policy(string name) => SecurityPolicy.TryFind(name, out var policy) ? policy : throw new ArgumentException(name, nameof(name));

    /// <summary>Opens or renews: OPN there, OPN back, tokens installed in the order of the protocol.</summary>
    public ChannelPair Open(uint lifetimeMs = 60_000)
    {
        var channelId = Server.ChannelId == 0 ? 77 : Server.ChannelId;
        var token = new ChannelToken(channelId, _nextToken++, lifetimeMs);
        var clientNonce = Client.NewNonce();
        var serverNonce = Server.NewNonce();
        var request = ProtectOpen(Client, "open request");
        Assert.Equal("open request", Text(request, Server.OpenAsymmetric(request)));

        // The server must be ready for the new token before the client can know of it.
        Server.Install(token, clientNonce, serverNonce);
        var response = ProtectOpen(Server, "open response");
        Assert.Equal("open response", Text(response, Client.OpenAsymmetric(response)));
        Client.Install(token, clientNonce, serverNonce);
        return this;
    }

    public byte[] ProtectOpen(SecureChannel sender, string body)
    {
        using var output = new UaWriter();
        Assert.Equal(StatusCode.Good, sender.ProtectOpen(++_requestId, System.Text.Encoding.UTF8.GetBytes(body), output));
        return output.WrittenSpan.ToArray();
    }

    public byte[] Protect(SecureChannel sender, byte[] body, MessageType type = MessageType.Message)
    {
        using var output = new UaWriter();
        Assert.Equal(StatusCode.Good, sender.Protect(type, ++_requestId, body, output));
        return output.WrittenSpan.ToArray();
    }

    public byte[] Protect(SecureChannel sender, string body) => Protect(sender, System.Text.Encoding.UTF8.GetBytes(body));

    /// <summary>Sends a text through and fails unless it arrives.</summary>
    public void Pass(SecureChannel sender, SecureChannel receiver, string text)
    {
        var chunk = Protect(sender, text);
        Assert.Equal(text, Text(chunk, receiver.Open(chunk)));
    }

    /// <summary>Opens all chunks of a message and gives the whole body.</summary>
    public static byte[] OpenAll(SecureChannel receiver, byte[] chunks)
    {
        using var body = new UaWriter();
        foreach (var chunk in Split(chunks))
        {
            var opened = receiver.Open(chunk);
            Assert.Equal(StatusCode.Good, opened.Status);
            body.WriteRaw(chunk.AsSpan(opened.BodyOffset, opened.BodyLength));
        }

        return body.WrittenSpan.ToArray();
    }

    public static IEnumerable<byte[]> Split(byte[] chunks)
    {
        for (var at = 0; at < chunks.Length;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(chunks.AsSpan(at + MessageHeader.SizeOffset));
            yield return chunks[at..(at + size)];
            at += size;
        }
    }

    public static string Text(byte[] chunk, OpenedChunk opened)
    {
        Assert.Equal(StatusCode.Good, opened.Status);
        return System.Text.Encoding.UTF8.GetString(chunk, opened.BodyOffset, opened.BodyLength);
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }
}
