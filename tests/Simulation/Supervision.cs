namespace ZfRepl.Simulation;

/// <summary>Runs a process and sees how it ends: it may die, be stopped, or say why it can't go on; anything else is a defect.</summary>
internal static class Supervision
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public static void Run(SimLoop loop, SimProcess process, Func<Task<string?>> run)
    {
        loop.Trace($"{process.Name} starts");
        ThreadPool.UnsafeQueueUserWorkItem(state => _ = WatchAsync(loop, process, run), null);
    }

    /// <summary>Asks a process to end in order.</summary>
    public static void Stop(SimLoop loop, SimProcess process)
    {
        loop.Trace($"{process.Name} is stopped");
        ThreadPool.UnsafeQueueUserWorkItem(state => _ = process.Stop.CancelAsync(), null);
        loop.After(Patience, () =>
        {
            if (process.IsAlive)
            {
                loop.Violate($"{process.Name} was stopped and has not ended within {Patience.TotalMinutes:0} minutes");
            }
        });
    }

    private static async Task WatchAsync(SimLoop loop, SimProcess process, Func<Task<string?>> run)
    {
        try
        {
            var failure = await run();
            if (process.IsAlive)
            {
                loop.Trace($"{process.Name} ends{(failure is null ? "" : ", it can't go on")}");
                loop.Remark(failure ?? "in order");
                if (failure is not null && !process.Machine.IsDiskToBlame)
                {
                    loop.Violate($"{process.Name} can't go on, and its disk is well: {failure}");
                }
            }
        }
        catch (OperationCanceledException) when (process.Stop.IsCancellationRequested)
        {
            loop.Trace($"{process.Name} ends");
        }
#pragma warning disable CA1031 // Any other is a defect, unless the process is dead.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (process.IsAlive)
            {
                loop.Violate($"{process.Name} failed: {e}");
            }
        }

        process.Die();
    }
}
