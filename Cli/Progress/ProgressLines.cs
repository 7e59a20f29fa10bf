namespace ZfRepl.Cli.Progress;

/// <summary>
/// Shows long work where the output is kept: one line now and then, the first after the first interval, so that short work says nothing. Not
/// thread-safe.
/// </summary>
/// <param name="output">Where the lines go.</param>
/// <param name="time">The clock.</param>
/// <param name="interval">The time between two lines.</param>
internal sealed class ProgressLines(TextWriter output, TimeProvider time, TimeSpan interval)
{
    /// <summary>What is usual.</summary>
    public static readonly TimeSpan UsualInterval = TimeSpan.FromSeconds(10);

    private long _last = time.GetTimestamp();

    /// <summary>Writes a line if it is time for one.</summary>
    public void Show(WorkView view)
    {
        if (time.GetElapsedTime(_last) >= interval)
        {
            _last = time.GetTimestamp();
            output.WriteLine($"zfrepl: {ProgressText.Line(view)}");
        }
    }
}
