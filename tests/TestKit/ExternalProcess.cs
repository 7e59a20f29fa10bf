using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;

namespace ZfRepl.TestKit;

/// <summary>A real program started by a test as its direct child, with its output kept and its end guaranteed.</summary>
public sealed partial class ExternalProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigStop = 19;
    private const int SigCont = 18;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _standardOutput = new();
    private readonly StringBuilder _standardError = new();
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    private ExternalProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Everything printed so far on both streams.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public static ExternalProcess Start(
        string program, IEnumerable<string> arguments, string? workingFolder = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = workingFolder ?? "",
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        var self = new ExternalProcess(process);
        process.OutputDataReceived += (_, e) => self.Keep(e.Data, self._standardOutput);
        process.ErrorDataReceived += (_, e) => self.Keep(e.Data, self._standardError);
        if (!process.Start())
        {
            throw new InvalidOperationException($"{program} did not start.");
        }

        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return self;
    }

    /// <summary>Waits for a line that holds <paramref name="text"/> and returns it; fails with the whole output when the process ends first.</summary>
    public async Task<string> WaitForLineAsync(string text, TimeSpan? limit = null)
    {
        using var timeout = new CancellationTokenSource(limit ?? TimeSpan.FromSeconds(60));
        try
        {
            while (true)
            {
                var next = _lines.Reader.ReadAsync(timeout.Token).AsTask();
                var exit = _process.WaitForExitAsync(timeout.Token);
                if (await Task.WhenAny(next, exit) == exit)
                {
                    // The exit is reported after the last line was received: what is not in the channel by now will never come.
                    await exit;
                    _lines.Writer.TryComplete();
                }

                var line = await next;
                if (line.Contains(text, StringComparison.Ordinal))
                {
                    return line;
                }
            }
        }
        catch (ChannelClosedException e)
        {
            throw new InvalidOperationException($"The process ended with {_process.ExitCode} before it printed '{text}':\n{Output}", e);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"No line with '{text}' in time. Output:\n{Output}", e);
        }
    }

    /// <summary>Waits for the end and returns the exit code.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan? limit = null)
    {
        using var timeout = new CancellationTokenSource(limit ?? TimeSpan.FromSeconds(60));
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"The process did not end in time. Output:\n{Output}", e);
        }
    }

    /// <summary>Waits for the end and returns what a user has seen of it.</summary>
    public async Task<ProgramRun> WaitForRunAsync(TimeSpan? limit = null)
    {
        var exitCode = await WaitForExitAsync(limit);
        lock (_output)
        {
            return new ProgramRun(exitCode, _standardOutput.ToString(), _standardError.ToString());
        }
    }

    /// <summary>SIGKILL, and waits until the process is gone.</summary>
    public async Task KillAsync()
    {
        Send(SigKill);
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and waits for the orderly end.</summary>
    public async Task<int> TerminateAsync(TimeSpan? limit = null)
    {
        Send(SigTerm);
        return await WaitForExitAsync(limit);
    }

    public void Freeze() => Send(SigStop);

    public void Thaw() => Send(SigCont);

    public async Task WriteLineAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Send(SigCont);
            await KillAsync();
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);

    private void Send(int signal)
    {
        if (!_process.HasExited)
        {
            _ = SendSignal(_process.Id, signal);
        }
    }

    private void Keep(string? line, StringBuilder stream)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.AppendLine(line);
            stream.AppendLine(line);
        }

        _lines.Writer.TryWrite(line);
    }
}
