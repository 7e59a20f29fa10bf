using System.Globalization;

namespace ZfRepl.Cli.Proof;

/// <summary>
/// Says on the error output how far a proof is: a bar that is renewed in place on a terminal, and a line every ten seconds where the output is
/// kept. Not thread-safe.
/// </summary>
internal sealed class ProofProgressLine(TextWriter output, bool isTerminal, TimeProvider time) : IDisposable
{
    private const int BarWidth = 30;
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RenewInterval = TimeSpan.FromMilliseconds(100);

    private long? _shownAt = isTerminal ? null : time.GetTimestamp();
    private int _lineLength;

    /// <summary>Shows it, unless something was shown just now.</summary>
    /// <param name="doing">What is being done.</param>
    /// <param name="done">How much of it is done.</param>
    /// <param name="total">How much there is to do, 0 where nobody knows.</param>
    public void Show(string doing, long done, long total)
    {
        if (_shownAt is { } at && time.GetElapsedTime(at) < (isTerminal ? RenewInterval : LineInterval))
        {
            return;
        }

        _shownAt = time.GetTimestamp();
        var text = Describe(doing, done, total, isTerminal);
        if (!isTerminal)
        {
            output.WriteLine(text);
            return;
        }

        // A line that wraps can't be renewed in place.
        Erase();
        var width = Console.WindowWidth;
        text = text.Length < width || width <= 1 ? text : text[..(width - 1)];
        output.Write(text);
        _lineLength = text.Length;
    }

    /// <summary>Takes the bar away.</summary>
    public void Erase()
    {
        if (_lineLength > 0)
        {
            output.Write($"\r{new string(' ', _lineLength)}\r");
            _lineLength = 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Erase();

    internal static string Describe(string doing, long done, long total, bool withBar)
    {
        if (total <= 0)
        {
            return done > 0 ? string.Create(CultureInfo.InvariantCulture, $"{doing}: {done:N0} events") : doing;
        }

        var share = Math.Clamp((double)done / total, 0, 1);
        var filled = (int)(share * BarWidth);
        var bar = withBar ? $"[{new string('#', filled)}{new string('.', BarWidth - filled)}] " : "";
        return string.Create(CultureInfo.InvariantCulture, $"{bar}{share * 100,3:0} % {doing} ({done:N0} of {total:N0})");
    }
}
