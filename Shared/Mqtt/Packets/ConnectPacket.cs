namespace ZfRepl.Mqtt.Packets;

/// <summary>CONNECT (3.1).</summary>
internal sealed record ConnectPacket
{
    public required MqttProtocolVersion Version { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Clean Session of 3.1.1, Clean Start of 5.0.</summary>
    public bool CleanStart { get; init; }

    /// <summary>Seconds; 0 switches the mechanism off.</summary>
    public ushort KeepAliveSeconds { get; init; }

    public string? UserName { get; init; }

    public ReadOnlyMemory<byte>? Password { get; init; }

    public WillMessage? Will { get; init; }

    public PacketProperties? Properties { get; init; }
}

/// <summary>The will inside a CONNECT (3.1.2.5, 3.1.3.2 to 3.1.3.4).</summary>
internal sealed record WillMessage(string Topic, ReadOnlyMemory<byte> Payload, MqttQoS QoS, bool Retain, PacketProperties? Properties);
