namespace ZfRepl.Core.Schedule;

/// <summary>One of the seven fields: its range and the names that stand for numbers.</summary>
internal sealed class CronField(string name, int minimum, int maximum, bool allowsAny, IReadOnlyDictionary<string, int>? names = null)
{
    private static readonly string[] Months =
        ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

    private static readonly string[] Weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

    /// <summary>The fields in the order in which they stand in a schedule; the last one may be left out.</summary>
    public static readonly CronField[] All =
    [
        new("second", 0, 59, allowsAny: false),
        new("minute", 0, 59, allowsAny: false),
        new("hour", 0, 23, allowsAny: false),
        new("day of month", 1, 31, allowsAny: true),
        new("month", 1, 12, allowsAny: false, Names(Months)),
        new("day of week", 1, 7, allowsAny: true, Names(Weekdays, ("tues", 3), ("thurs", 5))),
        new("year", 1970, 2100, allowsAny: false),
    ];

    public string Name => name;

    public int Minimum => minimum;

    public int Maximum => maximum;

    /// <summary>Whether <c>?</c> may be written for <c>*</c>.</summary>
    public bool AllowsAny => allowsAny;

    public bool HasNames => names is not null;

    public bool TryName(string text, out int value)
    {
        value = 0;
        return names is not null && names.TryGetValue(text, out value);
    }

    private static Dictionary<string, int> Names(string[] full, params (string Text, int Value)[] others)
    {
        var result = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var index = 0; index < full.Length; index++)
        {
            result[full[index]] = index + 1;
            result[full[index][..3]] = index + 1;
        }

        foreach (var (text, value) in others)
        {
            result[text] = value;
        }

        return result;
    }
}
