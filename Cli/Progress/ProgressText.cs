using System.Globalization;

namespace ZfRepl.Cli.Progress;

/// <summary>Long work as one line of text. Pure.</summary>
internal static class ProgressText
{
    private static readonly string[] ByteUnits = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>The whole line.</summary>
    public static string Line(WorkView view) =>
        string.Join(" | ", Parts(view.What + (view.Percent is { } p ? string.Create(CultureInfo.InvariantCulture, $" {p:0} %") : ""), view));

    /// <summary>The line beside a bar, which shows the percents.</summary>
    public static string Beside(WorkView view) => string.Join(" | ", Parts(view.What, view));

    /// <summary>
    /// The same in at most so many cells: the time left and what is waited for stay longest, what the operator has typed goes before them.
    /// </summary>
    /// <param name="view">The work.</param>
    /// <param name="cells">At least 1.</param>
    public static string Beside(WorkView view, int cells)
    {
        var parts = Parts(view.What, view).ToList();
        var amounts = view.Done is null ? 1 : 2;
        foreach (var least in (int[])[amounts + 1, amounts, 0])
        {
            if (Joined(parts).Length > cells && parts.Count > 1)
            {
                parts.RemoveAt(least);
            }
        }

        return Joined(parts) is var text && text.Length > cells ? $"{text[..(cells - 1)]}…" : text;

        static string Joined(IEnumerable<string> some) => string.Join(" | ", some);
    }

    /// <summary>A number of bytes, in powers of a thousand.</summary>
    public static string Bytes(double bytes)
    {
        var unit = 0;
        while (bytes >= 999.5 && unit < ByteUnits.Length - 1)
        {
            bytes /= 1000;
            unit++;
        }

        var digits = unit == 0 || bytes >= 99.5 ? "0" : "0.0";
        return $"{bytes.ToString(digits, CultureInfo.InvariantCulture)} {ByteUnits[unit]}";
    }

    /// <summary>A time in its two largest units.</summary>
    public static string Time(double seconds)
    {
        var whole = (long)Math.Ceiling(seconds);
        return whole switch
        {
            < 60 => $"{whole} s",
            < 3600 => $"{whole / 60} min {whole % 60} s",
            < 86_400 => $"{whole / 3600} h {whole % 3600 / 60} min",
            _ => $"{whole / 86_400} d {whole % 86_400 / 3600} h",
        };
    }

    private static IEnumerable<string> Parts(string head, WorkView view)
    {
        yield return head;
        if (view.Done is { } done)
        {
            yield return view.Total is { } total
                ? string.Create(CultureInfo.InvariantCulture, $"{done:N0} of {total:N0} {view.Unit}")
                : string.Create(CultureInfo.InvariantCulture, $"{done:N0} {view.Unit}");
        }

        yield return string.Create(CultureInfo.InvariantCulture, $"{view.Events:N0} events, {view.EventsPerSecond:N0}/s");
        yield return $"{Bytes(view.Bytes)}, {Bytes(view.BytesPerSecond)}/s";
        if (view.RemainingSeconds is { } left)
        {
            yield return $"about {Time(left)} left";
        }

        if (view.Note.Length > 0)
        {
            yield return view.Note;
        }
    }
}
