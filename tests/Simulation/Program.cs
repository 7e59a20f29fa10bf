using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace ZfRepl.Simulation;

/// <summary>The command line: which seeds, how long, without what.</summary>
internal static class Program
{
    private const string Usage = """
        tests/simulate [--seeds N] [--seed S] [--minutes M] [--seconds T] [--without CONTROL]... [--rot-open] [--trace] [--log] [--list-controls]

        Runs edge, link and centre in one process, on one thread, in virtual time; everything that happens follows from a seed.
          --seeds N          how many seeds, default 100; with --seed 1
          --seed S           the first seed; without it a random one, which is printed
          --minutes M        virtual time with readings and faults, default 2; recovery comes on top
          --seconds T        no more seeds are begun after so many seconds of real time
          --without CONTROL  takes a safeguard away (--list-controls); promises will be broken
          --first            ends with the first seed that breaks a promise
          --twice            runs each seed twice and compares the traces
          --rot-open         bytes of open blocks go bad as well (docs/reliability.md says what that may break)
          --list             prints a line for each seed
          --trace            prints everything that happens
          --log              with the product's own log
        Exit code 0: every seed is clean; 1: a promise was broken; 2: wrong use.
        """;

    private static async Task<int> Main(string[] args)
    {
        if (Options.Parse(args) is not { } options)
        {
            await Console.Error.WriteLineAsync(Usage);
            return args is ["--help"] or ["-h"] ? 0 : 2;
        }

        if (options.ListsControls)
        {
            foreach (var (name, text) in Controls.Names)
            {
                Console.WriteLine($"{name,-18}{text}");
            }

            return 0;
        }

        ThreadPool.GetMaxThreads(out var workers, out _);
        if (workers != 1)
        {
            await Console.Error.WriteLineAsync($"simulate: the pool has {workers} workers, and one is needed: start it by tests/simulate.");
            return 2;
        }

        // From here on everything runs on that worker.
        return await Task.Run(() => RunAsync(options));
    }

    private static async Task<int> RunAsync(Options options)
    {
        var clock = Stopwatch.StartNew();
        var (run, failed, readings, faults, messages, givenUp) = (0, 0, 0L, 0L, 0L, 0L);
        var longest = TimeSpan.Zero;
        for (var seed = options.Seed; run < options.Seeds && clock.Elapsed < options.Longest; seed = unchecked(seed + 1), run++)
        {
            var result = await RunAsync(options, seed);
            readings += result.Readings;
            faults += result.Faults;
            messages += result.Messages;
            givenUp += result.GivenUp;
            longest = result.Recovery > longest ? result.Recovery : longest;
            var violation = result.Violation;
            if (violation is null && options.Twice && (await RunAsync(options, seed)).TraceHash != result.TraceHash)
            {
                violation = "the second run of the seed went another way";
            }

            if (violation is not null)
            {
                failed++;
                Report(result, violation, options);
                if (options.EndsWithFirst)
                {
                    run++;
                    break;
                }
            }

            if (options.Seeds == 1 || options.Lists)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: trace {result.TraceHash:x16}, {result.Steps} steps, recovery {result.Recovery.TotalSeconds:0} s"));
            }
        }

        var seconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{run} seeds from {options.Seed}{options.Controls}: {run - failed} clean, {failed} broken; {readings} readings, {faults} faults, {messages} messages, "
            + $"{givenUp} given up in the books; longest recovery {longest.TotalSeconds:0} s; {seconds:0.0} s, {run / seconds:0.0} seeds/s"));
        return failed == 0 ? 0 : 1;
    }

    private static async Task<SeedResult> RunAsync(Options options, int seed)
    {
        using var loggers = new TraceLoggers(options.Logs ? Console.WriteLine : null);
        return await new World(Plan.Of(seed, options.Duration) with { HasOpenRot = options.RotsOpen }, options.Controls, options.Traces ? Console.WriteLine : null, options.Logs ? loggers : null).RunAsync();
    }

    private static void Report(SeedResult result, string violation, Options options)
    {
        var minutes = options.Duration.TotalMinutes.ToString(CultureInfo.InvariantCulture);
        Console.WriteLine($"seed {result.Plan.Seed}: BROKEN: {violation}");
        Console.WriteLine($"  {result.Plan}");
        foreach (var line in result.LastLines.TakeLast(options.EndsWithFirst || options.Seeds == 1 ? 60 : 15))
        {
            Console.WriteLine($"  {line}");
        }

        Console.WriteLine($"  again: tests/simulate --seed {result.Plan.Seed} --minutes {minutes}{options.Controls}{(options.RotsOpen ? " --rot-open" : "")}");
    }

    private sealed record Options
    {
        public int Seeds { get; private init; } = 100;

        public int Seed { get; private init; }

        public TimeSpan Duration { get; private init; } = TimeSpan.FromMinutes(2);

        public TimeSpan Longest { get; private init; } = TimeSpan.MaxValue;

        public Controls Controls { get; private init; } = Controls.None;

        public bool EndsWithFirst { get; private init; }

        public bool RotsOpen { get; private init; }

        public bool Twice { get; private init; }

        public bool Lists { get; private init; }

        public bool Traces { get; private init; }

        public bool Logs { get; private init; }

        public bool ListsControls { get; private init; }

        public static Options? Parse(string[] args)
        {
            var options = new Options();
            var off = new HashSet<Control>();
            int? seeds = null;
            int? seed = null;
            for (var i = 0; i < args.Length; i++)
            {
                switch (args[i])
                {
                    case "--seeds" when Number(args, ++i) is { } n and >= 1:
                        seeds = (int)n;
                        break;
                    case "--seed" when Number(args, ++i) is { } s:
                        seed = (int)s;
                        break;
                    case "--minutes" when Number(args, ++i) is { } m and > 0 and <= 100_000:
                        options = options with { Duration = TimeSpan.FromMinutes(m) };
                        break;
                    case "--seconds" when Number(args, ++i) is { } t and > 0:
                        options = options with { Longest = TimeSpan.FromSeconds(t) };
                        break;
                    case "--without" when i + 1 < args.Length && Controls.Find(args[++i]) is { } control:
                        off.Add(control);
                        break;
                    case "--first":
                        options = options with { EndsWithFirst = true };
                        break;
                    case "--rot-open":
                        options = options with { RotsOpen = true };
                        break;
                    case "--twice":
                        options = options with { Twice = true };
                        break;
                    case "--list":
                        options = options with { Lists = true };
                        break;
                    case "--trace":
                        options = options with { Traces = true };
                        break;
                    case "--log":
                        options = options with { Logs = true };
                        break;
                    case "--list-controls":
                        options = options with { ListsControls = true };
                        break;
                    default:
                        if (args is not (["--help"] or ["-h"]))
                        {
                            Console.Error.WriteLine($"simulate: '{args[Math.Min(i, args.Length - 1)]}' is not understood here; --list-controls names what --without takes");
                        }

                        return null;
                }
            }

            return options with
            {
                Seeds = seeds ?? (seed is null ? 100 : 1),
                Seed = seed ?? RandomNumberGenerator.GetInt32(int.MaxValue),
                Controls = new Controls(off),
            };
        }

        private static double? Number(string[] args, int index) =>
            index < args.Length && double.TryParse(args[index], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}

/// <summary>Lets the product's log through to a place, or nowhere.</summary>
internal sealed class TraceLoggers(Action<string>? output) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, output);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class Logger(string name, Action<string>? output) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => output is not null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            output?.Invoke($"              [{name}] {logLevel}: {formatter(state, exception)} {exception}");
    }
}
