namespace ZfRepl.Core.Tasks;

/// <summary>Runs long-living loops side by side so that none of them can die unnoticed.</summary>
public static class Supervisor
{
    /// <summary>
    /// Runs the loops until the token is cancelled. When one of them fails or ends early, the others are cancelled and awaited, and the
    /// failure is thrown.
    /// </summary>
    /// <param name="cancellationToken">Ends all of them in order; no exception is thrown for it.</param>
    /// <param name="loops">The loops; each ends when its token is cancelled.</param>
    public static async Task RunAsync(CancellationToken cancellationToken, params Func<CancellationToken, Task>[] loops)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = loops.Select(loop => RunOneAsync(loop, end.Token)).ToArray();
        await Task.WhenAny(running);
        await end.CancelAsync();
        await Task.WhenAll(running);
    }

    private static async Task RunOneAsync(Func<CancellationToken, Task> loop, CancellationToken cancellationToken)
    {
        try
        {
            await loop(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The orderly end.
            return;
        }

        if (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException("A loop that should run for ever has ended.");
        }
    }
}
