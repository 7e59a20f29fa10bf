using System.Text;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>A <c>zfrepl run FILE…</c> of the program that was built with this test; it may be killed and started again.</summary>
internal sealed class ZfReplProcess(string name, string folder, params string[] files) : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);

    private readonly StringBuilder _earlier = new();
    private ExternalProcess? _process;

    public string Name => name;

    /// <summary>Everything that all starts of it have printed.</summary>
    public string Output => _earlier.ToString() + _process?.Output;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>A program and its arguments by which the next start is made, and which becomes the service itself: <c>nsenter --net=FILE</c>.</summary>
    public IReadOnlyList<string> Under { get; set; } = [];

    /// <summary>The process of the last start.</summary>
    public ExternalProcess Process => _process ?? throw new InvalidOperationException($"{name} was not started.");

    /// <summary>Starts it, and returns when the process exists: it may well be killed while it starts.</summary>
    public void Launch()
    {
        if (_process is not null)
        {
            _earlier.Append(_process.Output);
        }

        string[] command = [.. Under, ZfReplProgram.Path, "run", .. files];
        _process = ExternalProcess.Start(command[0], command[1..], folder);
    }

    /// <summary>Starts it and waits until it says that it works.</summary>
    public async Task StartAsync()
    {
        Launch();
        await ReadyAsync();
    }

    public Task<string> ReadyAsync() => Process.WaitForLineAsync("ready ", ReadyLimit);

    /// <summary>Waits for a line of the running process.</summary>
    public Task<string> LineAsync(string text, TimeSpan? limit = null) => Process.WaitForLineAsync(text, limit);

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => Process.KillAsync();

    /// <summary>SIGTERM; the exit code.</summary>
    public Task<int> TerminateAsync() => Process.TerminateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }
}
