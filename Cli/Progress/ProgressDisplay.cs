using Spectre.Console;

namespace ZfRepl.Cli.Progress;

/// <summary>Shows long work on the error output: a bar on a terminal, lines where the output is kept.</summary>
internal static class ProgressDisplay
{
    private const int MaxBarCells = 24;

    /// <summary>The percents, and a blank behind each of the three columns.</summary>
    private const int OtherCells = 7;

    /// <summary>Does the work and shows it meanwhile.</summary>
    /// <param name="interval">The time between two lines, where there is no terminal.</param>
    /// <param name="work">The work; it is given what to tell.</param>
    public static async Task<T> RunAsync<T>(TimeSpan interval, Func<Action<WorkView>, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
        {
            return await work(new ProgressLines(Console.Error, TimeProvider.System, interval).Show);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var width = console.Profile.Width;
        var barCells = Math.Min(MaxBarCells, width / 5);
        var textCells = Math.Max(1, width - barCells - OtherCells);
        return await console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn { Width = barCells }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(context =>
            {
                var bar = context.AddTask("asks the service");
                bar.IsIndeterminate = true;
                return work(view =>
                {
                    bar.IsIndeterminate = view.Percent is null;
                    bar.Value = view.Percent ?? 0;
                    bar.Description = Markup.Escape(ProgressText.Beside(view, textCells));
                });
            });
    }
}
