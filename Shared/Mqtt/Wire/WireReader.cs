using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace ZfRepl.Mqtt.Wire;

/// <summary>
/// Reads the data types of section 1.5 from the body of one packet. Every read checks what is left. The first fault sticks: reads after it
/// return empty values, so that a codec may read a whole packet and ask once at the end. Loops must still ask in their condition.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _position;
    private WireFault _fault;

    public readonly WireFault Fault => _fault;

    public readonly bool Failed => _fault.IsFault;

    public readonly int Position => _position;

    public readonly int Remaining => _data.Length - _position;

    /// <summary>True while there is something left to read and nothing went wrong.</summary>
    public readonly bool HasMore => !Failed && Remaining > 0;

    /// <summary>Keeps the first fault.</summary>
    public void Fail(WireFault fault)
    {
        if (!Failed)
        {
            _fault = fault;
        }
    }

    public byte ReadByte()
    {
        var bytes = ReadBytes(1);
        return bytes.IsEmpty ? (byte)0 : bytes[0];
    }

    public ushort ReadUInt16()
    {
        var bytes = ReadBytes(2);
        return bytes.IsEmpty ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(bytes);
    }

    public uint ReadUInt32()
    {
        var bytes = ReadBytes(4);
        return bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    /// <summary>A Variable Byte Integer in its shortest form (1.5.5, MQTT-1.5.5-1).</summary>
    public uint ReadVariableByteInteger()
    {
        uint value = 0;
        for (var shift = 0; shift < 28; shift += 7)
        {
            var next = ReadByte();
            if (Failed)
            {
                return 0;
            }

            value |= (next & 0x7Fu) << shift;
            if ((next & 0x80) == 0)
            {
                if (next == 0 && shift > 0)
                {
                    Fail(WireFault.Malformed("A variable byte integer is longer than it needs to be [MQTT-1.5.5-1]."));
                }

                return value;
            }
        }

        Fail(WireFault.Malformed("A variable byte integer has more than four bytes."));
        return 0;
    }

    /// <summary>A UTF-8 Encoded String (1.5.4): well formed and without U+0000.</summary>
    public string ReadString()
    {
        var bytes = ReadStringBytes();
        return bytes.IsEmpty ? "" : Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The checked bytes of a UTF-8 Encoded String.</summary>
    public ReadOnlySpan<byte> ReadStringBytes()
    {
        var bytes = ReadBinary();
        if (!Utf8.IsValid(bytes))
        {
            Fail(WireFault.Malformed("A string is not well-formed UTF-8 [MQTT-1.5.4-1]."));
            return default;
        }

        if (bytes.Contains((byte)0))
        {
            Fail(WireFault.Malformed("A string holds the null character [MQTT-1.5.4-2]."));
            return default;
        }

        return bytes;
    }

    /// <summary>Binary Data (1.5.6): a two-byte length and as many bytes.</summary>
    public ReadOnlySpan<byte> ReadBinary() => ReadBytes(ReadUInt16());

    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if (Failed)
        {
            return default;
        }

        if (count > Remaining)
        {
            Fail(WireFault.Malformed("The packet ends inside a field."));
            return default;
        }

        var bytes = _data.Slice(_position, count);
        _position += count;
        return bytes;
    }

    /// <summary>Fails when bytes are left over, and says whether the packet as a whole is good.</summary>
    public bool Finish()
    {
        if (Remaining > 0)
        {
            Fail(WireFault.Malformed("Bytes follow the end of the packet's content."));
        }

        return !Failed;
    }
}
