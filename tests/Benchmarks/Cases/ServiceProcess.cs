using System.Diagnostics;
using System.Globalization;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The resident memory of a process, bytes.</summary>
/// <param name="Private">Pages that it has for itself.</param>
/// <param name="Shared">Pages that other processes have mapped, too: those of the program's and the runtime's files.</param>
internal readonly record struct Resident(long Private, long Shared)
{
    public long Total => Private + Shared;
}

/// <summary>A <c>zfrepl run</c> of its own, ended at the latest when it is disposed of.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _disposed = new();
    private readonly Process _process;
    private readonly Task<string> _log;

    private ServiceProcess(Process process)
    {
        _process = process;
        _log = process.StandardError.ReadToEndAsync();
    }

    public double CpuSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    public static ServiceProcess Run(params string[] serviceFiles)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "zfrepl"))
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.ArgumentList.Add("run");
        foreach (var file in serviceFiles)
        {
            start.ArgumentList.Add(file);
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException("zfrepl could not be started.");
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        return new ServiceProcess(process);
    }

    /// <summary>What is resident at this moment.</summary>
    public async Task<Resident> ResidentAsync()
    {
        if (_process.HasExited)
        {
            await EndedTooEarlyAsync();
        }

        var fields = (await File.ReadAllLinesAsync($"/proc/{_process.Id}/smaps_rollup"))
            .Skip(1)
            .Select(line => line.Split(':', 2))
            .ToDictionary(p => p[0], p => 1024 * long.Parse(p[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture));
        return new Resident(fields["Private_Clean"] + fields["Private_Dirty"], fields["Shared_Clean"] + fields["Shared_Dirty"]);
    }

    /// <summary>Fails when the program ends.</summary>
    public async Task EndedTooEarlyAsync()
    {
        await _process.WaitForExitAsync(_disposed.Token);
        throw new InvalidOperationException($"zfrepl has ended: {await _log}");
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        _disposed.Dispose();
        using var ending = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
