using System.CommandLine;
using System.Globalization;
using ZfRepl.Cli.Demo;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl demo</c>: the main job from end to end on this machine, under fire, with a proof at the end.</summary>
internal static class DemoCommand
{
    private const string Description = """
        See it work: a plant, two nodes and a broker as processes of their own.

        The link between the nodes is cut twice, processes are killed with kill -9, everything drains, and what the plant changed is compared
        with what the centre's database holds. Exits 0 only if nothing is missing, doubled or invented.

        Examples:
          zfrepl demo
          zfrepl demo --seconds 120 --rate 5000 --dir /var/tmp/demo
          zfrepl demo --json 2>/dev/null
        """;

    private const int DefaultSeconds = 45;
    private const int DefaultRate = 1000;
    private const int MinSeconds = 15;
    private const int MaxSeconds = 86_400;
    private const double MinRate = 1;
    private const double MaxRate = 100_000;
    private const int DefaultVariables = 300;
    private const int MinVariables = 1;
    private const int MaxVariables = 20_000;

    public static Command Create()
    {
        var seconds = new Option<int>("--seconds")
        {
            Description = "how long the plant runs, at least 15",
            DefaultValueFactory = _ => DefaultSeconds,
            HelpName = "N",
        };
        var rate = new Option<double>("--rate")
        {
            Description = "changes per second, at most 100,000",
            DefaultValueFactory = _ => DefaultRate,
            HelpName = "EVENTS_PER_S",
        };
        Limit(seconds, MinSeconds, MaxSeconds);
        Limit(rate, MinRate, MaxRate);
        var folder = new Option<string?>("--dir")
        {
            Description = "where everything is kept, a new folder; by default a temporary one that is deleted when the proof holds",
            HelpName = "DIR",
        };
        var json = SharedOptions.Json();
        var command = new Command("demo", Description) { seconds, rate, folder, json, Plant() };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(seconds),
            parsed.GetValue(rate),
            parsed.GetValue(folder),
            parsed.GetValue(json),
            cancellationToken));
        return command;
    }

    private static void Limit<T>(Option<T> option, T minimum, T maximum)
        where T : struct, IComparable<T>
    {
        option.Validators.Add(result =>
        {
            // Written so that a rate that is not a number is refused too.
            if (result.GetValueOrDefault<T>() is var value && !(value.CompareTo(minimum) >= 0 && value.CompareTo(maximum) <= 0))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name}: {minimum} to {maximum} are possible"));
            }
        });
    }

    /// <summary>The demo's plant, which the demo starts as a process of its own.</summary>
    private static Command Plant()
    {
        var pki = new Option<string>("--pki") { Required = true };
        var log = new Option<string>("--log") { Required = true };
        var variables = new Option<int>("--variables") { DefaultValueFactory = _ => DefaultVariables };
        var command = new Command("plant", "The demo's plant: an OPC UA server that obeys its input.") { pki, log, variables };
        command.Hidden = true;
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new DemoPlantOptions(
                parsed.GetRequiredValue(pki), parsed.GetRequiredValue(log), Math.Clamp(parsed.GetValue(variables), MinVariables, MaxVariables));
            return new DemoPlant(options, TimeProvider.System).RunAsync(Console.In, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(int seconds, double rate, string? folder, bool json, CancellationToken cancellationToken)
    {
        if (folder is not null && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            await Console.Error.WriteLineAsync($"zfrepl: {folder} is not empty; name a new folder");
            return ExitCode.Usage;
        }

        var root = folder is null ? Directory.CreateTempSubdirectory("zfrepl-demo-").FullName : Path.GetFullPath(folder);
        var progress = new DemoProgress(Console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        var options = new DemoOptions(TimeSpan.FromSeconds(seconds), rate, DefaultVariables, root);
        try
        {
            var outcome = await new DemoRun(options, progress, TimeProvider.System).RunAsync(cancellationToken);
            if (json)
            {
                Console.WriteLine(DemoReport.ToJson(outcome));
            }
            else
            {
                DemoReport.Print(outcome);
            }

            if (folder is null && outcome.Proof.Holds)
            {
                Directory.Delete(root, recursive: true);
            }
            else
            {
                progress.Say($"everything is in {root}");
            }

            return outcome.Proof.Holds ? ExitCode.Ok : ExitCode.Failed;
        }
        catch (DemoException e)
        {
            progress.Say($"the demo can't go on: {e.Message}");
            return ExitCode.Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            progress.Say($"ended before its time; everything is in {root}");
            return ExitCode.Failed;
        }
    }
}
