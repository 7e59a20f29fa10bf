using System.Globalization;

namespace ZfRepl.Cli.Demo;

/// <summary>How far everything is.</summary>
/// <param name="Produced">Changes that the plant made.</param>
/// <param name="Accepted">Events that are durable at the edge.</param>
/// <param name="Backlog">Events that wait at the edge.</param>
/// <param name="Received">Events that the centre has.</param>
/// <param name="IsLinkUp">Whether the nodes can reach each other.</param>
internal readonly record struct DemoFigures(long Produced, long Accepted, long Backlog, long Received, bool IsLinkUp);

/// <summary>
/// Tells people what happens, on the error output: a line that is renewed in place on a terminal, and one line every few seconds where the
/// output is kept.
/// </summary>
internal sealed class DemoProgress(TextWriter output, bool isTerminal, TimeProvider time)
{
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RenewInterval = TimeSpan.FromMilliseconds(500);

    private readonly long _begun = time.GetTimestamp();
    private TimeSpan _last = TimeSpan.MinValue;
    private int _lineLength;

    /// <summary>Says something that stays.</summary>
    public void Say(string text)
    {
        EraseLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Elapsed().TotalSeconds,6:0.0} s  {text}"));
        _last = TimeSpan.MinValue;
    }

    /// <summary>Shows the figures, unless they were shown just now.</summary>
    public void Show(in DemoFigures figures)
    {
        var now = Elapsed();
        if (_last != TimeSpan.MinValue && now - _last < (isTerminal ? RenewInterval : LineInterval))
        {
            return;
        }

        _last = now;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{now.TotalSeconds,6:0.0} s  plant {figures.Produced:N0} | edge accepted {figures.Accepted:N0}, waiting {figures.Backlog:N0} | centre {figures.Received:N0} | link {(figures.IsLinkUp ? "up" : "DOWN")}");
        if (!isTerminal)
        {
            output.WriteLine(text);
            return;
        }

        // A line that wraps can't be renewed in place.
        EraseLine();
        var width = Console.WindowWidth;
        text = text.Length < width || width <= 1 ? text : text[..(width - 1)];
        output.Write(text);
        _lineLength = text.Length;
    }

    private void EraseLine()
    {
        if (_lineLength > 0)
        {
            output.Write($"\r{new string(' ', _lineLength)}\r");
            _lineLength = 0;
        }
    }

    private TimeSpan Elapsed() => time.GetElapsedTime(_begun);
}
