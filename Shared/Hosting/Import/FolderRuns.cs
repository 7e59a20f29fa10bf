using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Progress;

namespace ZfRepl.Hosting.Import;

/// <summary>One import of a folder, running or over, as it is at one moment. Immutable.</summary>
/// <param name="Request">What was asked for.</param>
/// <param name="State"><c>running</c>, <c>done</c>, <c>stopped</c> (something was in the way), <c>failed</c> or <c>aborted</c> (the caller went).</param>
/// <param name="StartedNs">When it began, nanoseconds since 1970.</param>
/// <param name="EndedNs">When it ended, 0 while it runs.</param>
/// <param name="Progress">How far it is; null before the folder is listed.</param>
/// <param name="Rate">How fast it goes on, or went.</param>
public sealed record FolderRun(
    FolderImportRequest Request, string State, long StartedNs, long EndedNs, FolderImportProgress? Progress, WorkRate Rate);

/// <summary>Imports folders, one run over a folder at a time, and knows how far the runs are. Thread-safe.</summary>
/// <param name="import">What imports a folder.</param>
/// <param name="time">The clock.</param>
public sealed class FolderRuns(FolderImport import, TimeProvider time)
{
    private const int MaxEnded = 16;

    private readonly Lock _gate = new();
    private readonly List<Running> _running = [];
    private readonly Queue<FolderRun> _ended = new();

    /// <summary>The latest runs that are over, oldest first, and behind them those that run.</summary>
    public IReadOnlyList<FolderRun> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _ended, .. _running.Select(r => r.Snapshot("running", 0))];
            }
        }
    }

    /// <summary>Imports a folder.</summary>
    /// <param name="request">What.</param>
    /// <param name="cancellationToken">Ends it between two files.</param>
    /// <returns>What became of it; null when the folder is being imported at this moment.</returns>
    public async Task<StorageResult<FolderImportReport>?> RunAsync(FolderImportRequest request, CancellationToken cancellationToken)
    {
        var run = new Running(request, time);
        lock (_gate)
        {
            if (_running.Exists(r => r.Folder == run.Folder))
            {
                return null;
            }

            _running.Add(run);
        }

        var state = "aborted";
        try
        {
            var done = await import.RunAsync(request, run, cancellationToken);
            state = !done.IsOk ? "failed" : done.Value.StoppedBy is null ? "done" : "stopped";
            return done;
        }
        finally
        {
            lock (_gate)
            {
                _running.Remove(run);
                _ended.Enqueue(run.Snapshot(state, UnixTime.FromDateTimeOffset(time.GetUtcNow())));
                if (_ended.Count > MaxEnded)
                {
                    _ended.Dequeue();
                }
            }
        }
    }

    /// <summary>A run while it runs. Told by its import, looked at by others.</summary>
    private sealed class Running(FolderImportRequest request, TimeProvider time) : IProgress<FolderImportProgress>
    {
        private readonly long _startedNs = UnixTime.FromDateTimeOffset(time.GetUtcNow());
        private readonly WorkPace _pace = new(time, new WorkDone(0, 0, 0));
        private volatile FolderImportProgress? _progress;

        public string Folder { get; } = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Path));

        public void Report(FolderImportProgress value)
        {
            _progress = value;
            _pace.Note(new WorkDone(value.Counts.Events, value.DoneBytes, value.TotalBytes == 0 ? 1 : (double)value.DoneBytes / value.TotalBytes));
        }

        public FolderRun Snapshot(string state, long endedNs) => new(request, state, _startedNs, endedNs, _progress, _pace.Now());
    }
}
