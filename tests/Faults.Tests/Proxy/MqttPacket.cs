using System.Buffers.Binary;

namespace ZfRepl.Faults.Tests.Proxy;

/// <summary>One MQTT packet as it is on the wire, of version 3.1.1 or 5: as much of it as the proxy has to understand.</summary>
internal sealed class MqttPacket(byte[] bytes, int bodyOffset)
{
    private const int MaxBytes = 2 * 1024 * 1024;
    private const int PublishType = 3;
    private const int PubAckType = 4;
    private const byte RetainFlag = 0x01;
    private const byte RepeatedFlag = 0x08;

    public byte[] Bytes => bytes;

    public bool IsPublish => bytes[0] >> 4 == PublishType;

    public bool IsPubAck => bytes[0] >> 4 == PubAckType;

    /// <summary>The identifier of a PUBLISH with an acknowledgment; 0 of another.</summary>
    public ushort Identifier => HasIdentifier ? BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(IdentifierOffset)) : (ushort)0;

    private bool HasIdentifier => IsPublish && (bytes[0] & 0x06) != 0;

    private int TopicBytes => BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(bodyOffset));

    private int IdentifierOffset => bodyOffset + 2 + TopicBytes;

    /// <summary>Reads the next one; null at the end of the stream.</summary>
    public static async Task<MqttPacket?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new byte[5];
        var length = 0;
        var count = 0;
        do
        {
            if (await stream.ReadAtLeastAsync(head.AsMemory(count, count == 0 ? 2 : 1), count == 0 ? 2 : 1, throwOnEndOfStream: false, cancellationToken) == 0)
            {
                return null;
            }

            count += count == 0 ? 2 : 1;
            length |= (head[count - 1] & 0x7f) << (7 * (count - 2));
        }
        while ((head[count - 1] & 0x80) != 0 && count < head.Length);

        if (length > MaxBytes)
        {
            throw new InvalidDataException($"A packet of {length} bytes.");
        }

        var bytes = new byte[count + length];
        head.AsSpan(0, count).CopyTo(bytes);
        await stream.ReadExactlyAsync(bytes.AsMemory(count), cancellationToken);
        return new MqttPacket(bytes, count);
    }

    /// <summary>The same once more, as a sender that got no acknowledgment does it.</summary>
    public MqttPacket Repeated()
    {
        byte[] copy = [.. bytes];
        if (HasIdentifier)
        {
            copy[0] |= RepeatedFlag;
        }

        return new MqttPacket(copy, bodyOffset);
    }

    /// <summary>The same message under another identifier.</summary>
    public MqttPacket WithIdentifier(ushort identifier)
    {
        byte[] copy = [.. bytes];
        BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(IdentifierOffset), identifier);
        return new MqttPacket(copy, bodyOffset);
    }

    /// <summary>The same message as one that asks for no acknowledgment; null when its topic is only a number.</summary>
    public MqttPacket? AsStale(bool isRetained)
    {
        if (TopicBytes == 0)
        {
            return null;
        }

        byte[] body = [.. bytes.AsSpan(bodyOffset, 2 + TopicBytes), .. bytes.AsSpan(IdentifierOffset + (HasIdentifier ? 2 : 0))];
        var head = new List<byte> { (byte)((PublishType << 4) | (isRetained ? RetainFlag : 0)) };
        var left = body.Length;
        do
        {
            head.Add((byte)((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
            left >>= 7;
        }
        while (left > 0);

        return new MqttPacket([.. head, .. body], head.Count);
    }
}
