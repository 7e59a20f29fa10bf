using System.Globalization;
using ZfRepl.Core.Storage;

namespace ZfRepl.TestKit;

/// <summary>
/// Lets each storage operation of a workflow fail, one run each: operation N once ("once"), or N and all that follow until the disk is well again
/// ("for a while"), with each of EIO, ENOSPC, EDQUOT and EROFS. Where a workflow has many operations the error numbers take turns over N.
/// The workflow repeats what failed, as its user does, until it is done, and then checks what must hold.
/// </summary>
public static class FailAtN
{
    /// <summary>Workflows of at most so many operations meet every error number at every operation.</summary>
    public const int SmallOperations = 40;

    // Then the disk is well again.
    private const int FailuresForAWhile = 12;
    private const int MaxReported = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly int[] Errnos = [Errno.InputOutput, Errno.NoSpace, Errno.QuotaExceeded, Errno.ReadOnly];

    /// <summary>Runs a workflow with every fault.</summary>
    /// <param name="name">The workflow's name.</param>
    /// <param name="workflow">
    /// Makes what it needs, calls <see cref="DiskFaults.Arm"/>, works, calls <see cref="DiskFaults.Lift"/>, and throws when something is not as it must be.
    /// </param>
    /// <param name="isSilent">Operations whose failure nobody has to hear of; null for none.</param>
    /// <returns>How many operations the workflow has without a fault.</returns>
    /// <exception cref="FailAtNException">
    /// Some run did not end well; names N, error number, operation and path. Or no operation was counted: the workflow works on another disk.
    /// </exception>
    public static async Task<int> RunAsync(string name, Func<DiskFaults, Task> workflow, Func<DiskFaults, StorageOperation, string, bool>? isSilent = null)
    {
        var clean = new DiskFaults(int.MaxValue, 0, 0);
        await InTimeAsync(workflow, clean);
        var operations = clean.Operations;
        if (operations == 0)
        {
            throw new FailAtNException($"{name}: the workflow never comes to the disk with the faults");
        }

        var wrong = new List<string>();
        for (var n = 0; n < operations && wrong.Count < MaxReported; n++)
        {
            foreach (var (errno, times) in Kinds(n, operations))
            {
                var faults = new DiskFaults(n, errno, times);
                if (await WrongAsync(workflow, faults, isSilent) is { } what)
                {
                    var hit = faults.Hits is [var (operation, path), ..] ? $"{operation} {path}" : "not reached";
                    var mode = times == 1 ? "once" : "for a while";
                    wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: operation {n} of {operations} ({hit}), errno {errno}, {mode}: {what}"));
                }
            }
        }

        return wrong.Count == 0
            ? operations
            : throw new FailAtNException($"{wrong.Count} runs went wrong before the others were left out:\n{string.Join('\n', wrong)}");
    }

    private static IEnumerable<(int Errno, int Times)> Kinds(int n, int operations) => operations <= SmallOperations
        ? Errnos.SelectMany(e => new[] { (e, 1), (e, FailuresForAWhile) })
        : [(Errnos[n % Errnos.Length], 1), (Errnos[(n + 1) % Errnos.Length], FailuresForAWhile)];

    private static async Task InTimeAsync(Func<DiskFaults, Task> workflow, DiskFaults faults)
    {
        try
        {
            await workflow(faults).WaitAsync(Patience);
        }
        finally
        {
            faults.GiveUp();
        }
    }

    private static async Task<string?> WrongAsync(Func<DiskFaults, Task> workflow, DiskFaults faults, Func<DiskFaults, StorageOperation, string, bool>? isSilent)
    {
        try
        {
            await InTimeAsync(workflow, faults);
        }
        catch (Exception e)
        {
            // Whatever it is, it says what did not end well.
            return e.ToString();
        }

        // What runs beside the workflow may take its turn earlier or later, so that the last operations are not reached each time.
        var loud = faults.Hits.Where(h => isSilent?.Invoke(faults, h.Operation, h.Path) != true).ToList();
        return loud.Count == 0 || loud.Exists(h => faults.WasSaid(h.Path)) ? null : $"nobody was told; said was:\n{faults.Said}";
    }
}

/// <summary>A run of <see cref="FailAtN"/> that did not end well.</summary>
public sealed class FailAtNException(string message) : Exception(message);

/// <summary>The faults of one run of <see cref="FailAtN"/>. Thread-safe.</summary>
public sealed class DiskFaults(int failAt, int errno, int times)
{
    private const int MaxRepeats = 100;

    private readonly Lock _gate = new();
    private readonly List<(StorageOperation Operation, string Path)> _hits = [];
    private readonly List<string> _said = [];
    private bool _isArmed;
    private volatile bool _isGivenUp;

    /// <summary>True when nobody waits for the run any more: whatever still waits in it fails.</summary>
    public bool IsGivenUp => _isGivenUp;

    /// <summary>The operation that fails, from 0: also a number that tells the runs apart.</summary>
    public int FailAt => failAt;

    /// <summary>True where the next operation works again.</summary>
    public bool IsOnce => times == 1;

    /// <summary>The error number.</summary>
    public int Errno => errno;

    /// <summary>Operations since <see cref="Arm"/>.</summary>
    public int Operations { get; private set; }

    /// <summary>The operations that failed.</summary>
    public IReadOnlyList<(StorageOperation Operation, string Path)> Hits
    {
        get
        {
            lock (_gate)
            {
                return [.. _hits];
            }
        }
    }

    /// <summary>All that was said.</summary>
    public string Said
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _said);
            }
        }
    }

    /// <summary>From now on operations count.</summary>
    public void Arm()
    {
        lock (_gate)
        {
            _isArmed = true;
        }
    }

    /// <summary>From now on nothing fails.</summary>
    public void Lift()
    {
        lock (_gate)
        {
            _isArmed = false;
        }
    }

    /// <summary>The run is over, or has taken too long.</summary>
    public void GiveUp() => _isGivenUp = true;

    /// <summary>Whether an operation fails: what storages of tests ask before each.</summary>
    public int? Check(StorageOperation operation, string path)
    {
        lock (_gate)
        {
            if (!_isArmed || Operations++ < failAt || _hits.Count >= times)
            {
                return null;
            }

            _hits.Add((operation, path));
            return errno;
        }
    }

    /// <summary>A disk in memory on which the faults happen.</summary>
    public SimulatedStorage NewStorage()
    {
        var storage = new SimulatedStorage();
        Break(storage);
        return storage;
    }

    /// <summary>The faults happen on this disk; a new process begins without.</summary>
    public void Break(SimulatedStorage storage) => storage.Fault = (_, operation, path) =>
    {
        var fails = Check(operation, path);
        if (fails is not null && operation == StorageOperation.Sync)
        {
            storage.FailSync(path);
        }

        return fails;
    };

    /// <summary>Notes what a user can see: a log, a trouble in a status.</summary>
    public void Say(string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            lock (_gate)
            {
                _said.Add(text);
            }
        }
    }

    /// <summary>True when the error number and the path were said.</summary>
    public bool WasSaid(string path) => Said.Contains($"errno {errno};", StringComparison.Ordinal) && Said.Contains(path, StringComparison.Ordinal);

    /// <summary>Does something again until it succeeds, as its user does; what it returns when it fails was said to the user.</summary>
    /// <exception cref="FailAtNException">It never succeeds.</exception>
    public async Task<T> RepeatAsync<T>(Func<Task<StorageResult<T>>> step)
    {
        StorageError? last = null;
        for (var i = 0; i < MaxRepeats; i++)
        {
            var done = await step();
            if (done.IsOk)
            {
                return done.Value;
            }

            last = done.Error;
            Say(last.ToString());
        }

        throw new FailAtNException($"it never succeeds: {last}");
    }

    /// <summary>As the other one.</summary>
    public Task<bool> RepeatAsync(Func<Task<StorageResult>> step) => RepeatAsync(async () =>
    {
        var done = await step();
        return done.IsOk ? true : (StorageResult<bool>)done.Error;
    });

    /// <summary>As the other one.</summary>
    public Task<T> RepeatAsync<T>(Func<StorageResult<T>> step) => RepeatAsync(() => Task.FromResult(step()));

    /// <summary>As the other one.</summary>
    public Task<bool> RepeatAsync(Func<StorageResult> step) => RepeatAsync(() => Task.FromResult(step()));
}
