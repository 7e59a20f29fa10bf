using System.Text;

namespace ZfRepl.Mqtt.Topics;

/// <summary>Rules for topic names and topic filters (4.7 in both standards). Pure functions, thread-safe.</summary>
public static class MqttTopic
{
    /// <summary>The longest topic name or filter, in bytes of UTF-8 [MQTT-4.7.3-3].</summary>
    public const int LengthMaxBytes = 65_535;

    internal const string SharedPrefix = "$share/";

    private const char Separator = '/';

    /// <summary>True for a topic that a message can be published to: not empty, no wildcard, no U+0000, well-formed, not too long.</summary>
    public static bool IsValidName(ReadOnlySpan<char> name) => IsValidText(name) && name.IndexOfAny('+', '#') < 0;

    /// <summary>
    /// True for a filter that can be subscribed to: as a name, but a level may be "+", and the last one "#"; wildcards stand alone in
    /// their level [MQTT-4.7.1-1, MQTT-4.7.1-2].
    /// </summary>
    public static bool IsValidFilter(ReadOnlySpan<char> filter)
    {
        if (!IsValidText(filter))
        {
            return false;
        }

        var rest = filter;
        while (true)
        {
            var level = NextLevel(ref rest, out var isLast);
            if (level.IndexOfAny('+', '#') >= 0 && (level.Length > 1 || (level[0] == '#' && !isLast)))
            {
                return false;
            }

            if (isLast)
            {
                return true;
            }
        }
    }

    /// <summary>True when messages on <paramref name="name"/> go to subscribers of <paramref name="filter"/>. Both must be valid.</summary>
    /// <remarks>A filter that begins with a wildcard does not match a name that begins with "$" [MQTT-4.7.2-1].</remarks>
    public static bool Matches(ReadOnlySpan<char> filter, ReadOnlySpan<char> name) =>
        !(IsReserved(name) && filter[0] is '+' or '#') && CoversLevels(filter, name);

    /// <summary>
    /// True when every name that <paramref name="inner"/> matches is also matched by <paramref name="outer"/>; for access lists, which have to
    /// decide on filters. Both must be valid.
    /// </summary>
    public static bool Covers(ReadOnlySpan<char> outer, ReadOnlySpan<char> inner) =>
        !(IsReserved(inner) && outer[0] is '+' or '#') && CoversLevels(outer, inner);

    /// <summary>The number of levels, which is one more than the number of separators.</summary>
    internal static int CountLevels(ReadOnlySpan<char> topic) => topic.Count(Separator) + 1;

    /// <summary>Cuts the next level off; <paramref name="isLast"/> tells that nothing is left behind it.</summary>
    internal static ReadOnlySpan<char> NextLevel(ref ReadOnlySpan<char> rest, out bool isLast)
    {
        var end = rest.IndexOf(Separator);
        isLast = end < 0;
        var level = isLast ? rest : rest[..end];
        rest = isLast ? default : rest[(end + 1)..];
        return level;
    }

    internal static bool IsReserved(ReadOnlySpan<char> topic) => topic.Length > 0 && topic[0] == '$';

    private static bool CoversLevels(ReadOnlySpan<char> outer, ReadOnlySpan<char> inner)
    {
        var outerDone = false;
        var innerDone = false;
        while (true)
        {
            var outerLevel = NextLevel(ref outer, out var outerIsLast);
            if (outerLevel is "#")
            {
                return true;
            }

            if (innerDone)
            {
                return false;
            }

            var innerLevel = NextLevel(ref inner, out var innerIsLast);
            if (innerLevel is "#" || (outerLevel is not "+" && !outerLevel.SequenceEqual(innerLevel)))
            {
                return false;
            }

            outerDone = outerIsLast;
            innerDone = innerIsLast;
            if (outerDone)
            {
                return innerDone;
            }
        }
    }

    /// <summary>What every string of MQTT has to be (1.5.4), and not empty.</summary>
    internal static bool IsValidText(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text.Length > LengthMaxBytes || text.Contains('\0'))
        {
            return false;
        }

        var bytes = 0;
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var used) != System.Buffers.OperationStatus.Done)
            {
                return false;
            }

            bytes += rune.Utf8SequenceLength;
            text = text[used..];
        }

        return bytes <= LengthMaxBytes;
    }
}
