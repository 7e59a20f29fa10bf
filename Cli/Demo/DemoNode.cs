using System.Diagnostics;
using System.Threading.Channels;

namespace ZfRepl.Cli.Demo;

/// <summary>One process of the demo: this same program with other arguments. Its output goes into a file beside its data.</summary>
internal sealed class DemoNode : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly string _name;
    private readonly string _folder;
    private readonly string[] _arguments;
    private readonly TimeProvider _time;
    private readonly Lock _logGate = new();
    private Process? _process;
    private StreamWriter? _log;
    private Channel<string> _lines = Channel.CreateUnbounded<string>();

    /// <summary>A process that <see cref="StartAsync"/> starts.</summary>
    public DemoNode(string name, string folder, string[] arguments, TimeProvider time)
    {
        _name = name;
        _folder = folder;
        _arguments = arguments;
        _time = time;
    }

    /// <summary>What the process is, for people.</summary>
    public string Name => _name;

    /// <summary>The process's id; 0 when it does not run.</summary>
    public int ProcessId => _process?.Id ?? 0;

    /// <summary>The file with everything that it printed.</summary>
    public string LogPath => Path.Combine(_folder, $"{_name}.log");

    /// <summary>Starts the process and waits for the line that says it is ready.</summary>
    /// <param name="readyText">What that line begins with.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The line.</returns>
    public async Task<string> StartAsync(string readyText, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = _folder,
        };
        // Where the program runs as `dotnet zfrepl.dll`, its children do too.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "zfrepl.dll"));
        }

        foreach (var argument in _arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _log ??= new StreamWriter(LogPath, append: true);
        _lines = Channel.CreateUnbounded<string>();
        var lines = _lines.Writer;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Keep(e.Data, lines);
        _process.ErrorDataReceived += (_, e) => Keep(e.Data, lines);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        return await WaitForLineAsync(readyText, cancellationToken);
    }

    /// <summary>Waits for a line that begins with a text.</summary>
    public async Task<string> WaitForLineAsync(string text, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StartLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var exited = _process!.WaitForExitAsync(either.Token);
        try
        {
            while (true)
            {
                var next = _lines.Reader.ReadAsync(either.Token).AsTask();
                if (await Task.WhenAny(next, exited) == exited && !next.IsCompleted)
                {
                    await exited;
                    throw new DemoException($"{_name} ended with exit code {_process.ExitCode}; its output is in {LogPath}");
                }

                var line = await next;
                if (line.StartsWith(text, StringComparison.Ordinal))
                {
                    return line;
                }
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DemoException($"{_name} did not say '{text}' within {StartLimit.TotalSeconds:0} s; its output is in {LogPath}", e);
        }
    }

    /// <summary>Writes a line to the process's input.</summary>
    public async Task SayAsync(string line)
    {
        await _process!.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>SIGKILL: no goodbye, nothing flushed.</summary>
    public async Task KillAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>Waits until the process has ended by itself.</summary>
    public async Task WaitForExitAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StartLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _process!.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DemoException($"{_name} did not end within {StartLimit.TotalSeconds:0} s; its output is in {LogPath}", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
    }

    private void Keep(string? line, ChannelWriter<string> lines)
    {
        if (line is null)
        {
            return;
        }

        lock (_logGate)
        {
            _log!.WriteLine(line);
            _log.Flush();
        }

        lines.TryWrite(line);
    }
}

/// <summary>The demo can't go on; the message says why, for people.</summary>
internal sealed class DemoException(string message, Exception? inner = null) : Exception(message, inner);
