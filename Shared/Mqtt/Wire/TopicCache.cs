using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Wire;

/// <summary>
/// Remembers the strings of topic names seen lately on one connection, so that a stream of messages on few topics neither allocates nor checks
/// a string each. Of fixed size: a new topic replaces the one in its place. Not thread-safe; each reader has its own.
/// </summary>
internal sealed class TopicCache
{
    private const int Slots = 128;
    private const int CachedLengthMax = 256;

    private readonly (byte[] Utf8, string Topic)[] _entries = new (byte[], string)[Slots];

    /// <summary>False when the bytes are not a topic name (4.7, 1.5.4).</summary>
    public bool TryGet(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? topic)
    {
        if (utf8.Length > CachedLengthMax)
        {
            return TryDecode(utf8, out topic);
        }

        ref var entry = ref _entries[SlotOf(utf8)];
        if (entry.Utf8 is not null && utf8.SequenceEqual(entry.Utf8))
        {
            topic = entry.Topic;
            return true;
        }

        if (!TryDecode(utf8, out topic))
        {
            return false;
        }

        entry = (utf8.ToArray(), topic);
        return true;
    }

    /// <summary>Checks and decodes without remembering.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? topic)
    {
        topic = Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : null;
        if (topic is not null && !MqttTopic.IsValidName(topic))
        {
            topic = null;
        }

        return topic is not null;
    }

    private static int SlotOf(ReadOnlySpan<byte> utf8)
    {
        var hash = new HashCode();
        hash.AddBytes(utf8);
        return (hash.ToHashCode() & int.MaxValue) % Slots;
    }
}
