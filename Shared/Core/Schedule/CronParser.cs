using System.Globalization;

namespace ZfRepl.Core.Schedule;

/// <summary>Text of a schedule → the allowed values of its fields. One instance reads one text.</summary>
internal sealed class CronParser(string text)
{
    private const int LengthMax = 1024;

    private static readonly Dictionary<string, string> Macros = new(StringComparer.Ordinal)
    {
        ["@yearly"] = "0 0 0 1 1 *",
        ["@monthly"] = "0 0 0 1 * *",
        ["@weekly"] = "0 0 0 * * 1",
        ["@daily"] = "0 0 0 * * *",
        ["@hourly"] = "0 0 * * * *",
    };

    private CronError? _error;

    /// <summary>All seven fields, or null and the first error.</summary>
    public CronValues[]? Parse(out CronError? error)
    {
        var fields = text.Length > LengthMax ? Fail(LengthMax, $"a schedule of more than {LengthMax} characters") : ParseFields();
        error = _error;
        return fields;
    }

    private CronValues[]? ParseFields()
    {
        var trimmed = text.Trim();
        if (trimmed.StartsWith('@'))
        {
            return Macros.TryGetValue(trimmed, out var meaning)
                ? new CronParser(meaning).ParseFields()
                : Fail(text.IndexOf('@', StringComparison.Ordinal), $"unknown macro '{trimmed}', expected one of {string.Join(", ", Macros.Keys)}");
        }

        var words = Words(text.AsSpan());
        if (words.Count is not (6 or 7))
        {
            var hint = words.Count == 5 ? "; the first field is the second, so a classic line of five needs '0 ' in front" : "";
            return Fail(0, $"{words.Count} fields, expected second minute hour day month weekday [year]{hint}");
        }

        var result = new CronValues[CronField.All.Length];
        for (var index = 0; index < result.Length; index++)
        {
            var field = CronField.All[index];
            result[index] = new CronValues(field);
            if (index == words.Count)
            {
                result[index].Add(field.Minimum, field.Maximum, 1);
            }
            else if (!ParseList(words[index], field, result[index]))
            {
                return null;
            }
        }

        return result;
    }

    private static List<Range> Words(ReadOnlySpan<char> text)
    {
        var words = new List<Range>();
        var start = -1;
        for (var position = 0; position <= text.Length; position++)
        {
            var isSpace = position == text.Length || char.IsWhiteSpace(text[position]);
            if (isSpace && start >= 0)
            {
                words.Add(start..position);
                start = -1;
            }
            else if (!isSpace && start < 0)
            {
                start = position;
            }
        }

        return words;
    }

    private bool ParseList(Range word, CronField field, CronValues values)
    {
        var (start, length) = word.GetOffsetAndLength(text.Length);
        foreach (var part in text.AsSpan(start, length).Split(','))
        {
            var (partStart, partLength) = part.GetOffsetAndLength(length);
            if (!ParseItem(start + partStart, text.AsSpan(start + partStart, partLength), field, values))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary><c>base[/step]</c>, where the base is <c>*</c>, <c>?</c>, a value or <c>first-last</c>.</summary>
    private bool ParseItem(int start, ReadOnlySpan<char> item, CronField field, CronValues values)
    {
        var slash = item.IndexOf('/');
        var what = slash < 0 ? item : item[..slash];
        var step = 1;
        if (slash >= 0 && !ParseStep(start + slash + 1, item[(slash + 1)..], out step))
        {
            return false;
        }

        if (what is "*" || (what is "?" && field.AllowsAny))
        {
            values.Add(field.Minimum, field.Maximum, step);
            return true;
        }

        if (what is "?")
        {
            return Refuse(start, "'?' stands only in the two day fields, write '*'");
        }

        var dash = what.IndexOf('-');
        return dash >= 0
            ? ParseRange(start, what, dash, step, field, values)
            : ParseValue(start, what, slash >= 0, step, field, values);
    }

    private bool ParseRange(int start, ReadOnlySpan<char> what, int dash, int step, CronField field, CronValues values)
    {
        if (!ReadValue(start, what[..dash], field, out var first, out var firstIsName) ||
            !ReadValue(start + dash + 1, what[(dash + 1)..], field, out var last, out var lastIsName))
        {
            return false;
        }

        if (firstIsName != lastIsName)
        {
            return Refuse(start, "a range is two numbers or two names, not one of each");
        }

        if (first > last)
        {
            return Refuse(start, $"the range '{what}' runs backwards, write it as two ranges with a comma");
        }

        values.Add(first, last, step);
        return true;
    }

    private bool ParseValue(int start, ReadOnlySpan<char> what, bool hasStep, int step, CronField field, CronValues values)
    {
        if (!ReadValue(start, what, field, out var value, out var isName))
        {
            return false;
        }

        if (hasStep && isName)
        {
            return Refuse(start, $"a step cannot follow the single name '{what}', write a number or a range");
        }

        values.Add(value, hasStep ? field.Maximum : value, step);
        return true;
    }

    private bool ParseStep(int start, ReadOnlySpan<char> digits, out int step)
    {
        step = 0;
        if (!IsNumber(digits, out step))
        {
            return Refuse(start, $"the step '{digits}' is not a number");
        }

        return step > 0 || Refuse(start, "a step of 0 never moves on");
    }

    private bool ReadValue(int start, ReadOnlySpan<char> word, CronField field, out int value, out bool isName)
    {
        isName = !word.IsEmpty && char.IsAsciiLetter(word[0]);
        if (isName)
        {
            return field.TryName(word.ToString(), out value) ||
                Refuse(start, field.HasNames ? $"unknown name '{word}' for the {field.Name}" : $"the {field.Name} takes no names, found '{word}'");
        }

        if (!IsNumber(word, out value))
        {
            return Refuse(start, word.IsEmpty ? $"a value is missing in the {field.Name}" : $"'{word}' is not a {field.Name}");
        }

        var remedy = field is { Name: "day of week" } && value == 0 ? "; Sunday is 1" : "";
        return (value >= field.Minimum && value <= field.Maximum) ||
            Refuse(start, $"{value} is out of range, the {field.Name} goes from {field.Minimum} to {field.Maximum}{remedy}");
    }

    private static bool IsNumber(ReadOnlySpan<char> word, out int value) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private bool Refuse(int index, string message)
    {
        _error ??= new CronError(index + 1, message);
        return false;
    }

    private CronValues[]? Fail(int index, string message)
    {
        Refuse(index, message);
        return null;
    }
}
