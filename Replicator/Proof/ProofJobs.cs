using System.Threading.Channels;
using ZfRepl.Core.Proof;

namespace ZfRepl.Replicator.Proof;

/// <summary>
/// The proofs that are being made, one after the other, and the last ones that are done: whoever asked comes back for them. Thread-safe.
/// </summary>
internal sealed class ProofJobs : IDisposable
{
    private const int MaxWaiting = 8;
    private const int MaxKept = 16;

    private readonly Lock _gate = new();
    private readonly Channel<ProofJob> _queue = Channel.CreateBounded<ProofJob>(MaxWaiting);
    private readonly List<ProofJob> _jobs = [];

    /// <summary>Takes a job.</summary>
    /// <returns>False when too many wait.</returns>
    public bool TryAdd(ProofJob job)
    {
        if (!_queue.Writer.TryWrite(job))
        {
            return false;
        }

        lock (_gate)
        {
            _jobs.Add(job);
            if (_jobs.Count > MaxKept && _jobs.Find(j => j.IsDone) is { } oldest)
            {
                _jobs.Remove(oldest);
                oldest.Dispose();
            }
        }

        return true;
    }

    /// <summary>The job with an id, or null.</summary>
    public ProofJob? Find(string id)
    {
        lock (_gate)
        {
            return _jobs.Find(j => j.Id == id);
        }
    }

    /// <summary>Works until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var job in _queue.Reader.ReadAllAsync(cancellationToken))
        {
            await job.RunAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _jobs.ForEach(j => j.Dispose());
}

/// <summary>A proof that is being made. Thread-safe.</summary>
internal sealed class ProofJob(string id, Func<Action<ProofProgress>, CancellationToken, Task<(SignedDocument? Proof, ProofTrouble? Trouble)>> make) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _cancel = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;

    /// <summary>Raised with every change.</summary>
    public long Version { get; private set; }

    public ProofProgress Progress { get; private set; } = new("waits for its turn", 0, 0);

    public SignedDocument? Proof { get; private set; }

    public ProofTrouble? Trouble { get; private set; }

    public bool IsDone => Proof is not null || Trouble is not null;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _cancel.Token);
        try
        {
            var (proof, trouble) = await make(progress => Change(() => Progress = progress), either.Token);
            Change(() => (Proof, Trouble) = (proof, proof is null ? trouble ?? new ProofTrouble(true, "it broke off") : null));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Change(() => Trouble = new ProofTrouble(true, "it was cancelled"));
        }
    }

    public void Cancel() => _cancel.Cancel();

    /// <summary>Ends when something has changed since a version.</summary>
    public Task ChangedSince(long version)
    {
        lock (_gate)
        {
            return Version != version ? Task.CompletedTask : _changed.Task;
        }
    }

    public void Dispose() => _cancel.Dispose();

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            Version++;
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
