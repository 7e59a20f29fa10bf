namespace ZfRepl.OpcUa.Client;

/// <content>Items that the server has refused: one that was still loading its nodes takes them later.</content>
internal sealed partial class SubscriberConnection
{
    private static readonly TimeSpan RefusedPauseMin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RefusedPauseMax = TimeSpan.FromMinutes(5);

    private TimeSpan _refusedPause = RefusedPauseMin;
    private long _refusedAskedAt = time.GetTimestamp();

    /// <summary>
    /// Asks once more when the pause is over. It doubles while the server takes none of them, since most refusals are for good, and begins
    /// anew when it takes some: then it is loading.
    /// </summary>
    private async Task<ConnectionEnd?> AskForRefusedAgainAsync(CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_refusedAskedAt) < _refusedPause || memory.Current is not { IsAttached: true } current
            || memory.Retiring is not null || memory.Window.IsBusy)
        {
            return null;
        }

        var refused = RefusedOf(current.Saved);
        if (refused == 0)
        {
            OnAsked(isProgress: true);
            return null;
        }

        if (current.Saved.HasUnresolved && await HasOtherNamespacesAsync(cancellationToken))
        {
            OnAsked(isProgress: true);
            return await SelectAsync(cancellationToken);
        }

        return await AskForRefusedAsync(current, cancellationToken);
    }

    private async Task<ConnectionEnd?> AskForRefusedAsync(TrackedSubscription current, CancellationToken cancellationToken)
    {
        var before = RefusedOf(current.Saved);
        if (before == 0)
        {
            return null;
        }

        var error = await _maker.AddItemsAsync(current.Saved, cancellationToken);
        var after = RefusedOf(current.Saved);
        OnAsked(isProgress: after < before);
        if (after < before)
        {
            ClientLog.RefusedTaken(logger, before - after, after);
            Changed();
            if (await SaveAsync(cancellationToken) is { } end)
            {
                return end;
            }
        }

        if (error is not null && session.Completion.IsCompleted)
        {
            return ConnectionEnd.Retry(error);
        }

        if (error is not null && memory.Told.IsNew($"refused items: {error}"))
        {
            ClientLog.RefusedNotAskedFor(logger, error.ToString());
        }

        return null;
    }

    /// <summary>A server that is being loaded gets its namespaces with its nodes; without its namespace an item cannot even be asked for.</summary>
    private async Task<bool> HasOtherNamespacesAsync(CancellationToken cancellationToken)
    {
        var known = session.Namespaces.Uris;
        return await session.ReadNamespacesAsync(cancellationToken) is null
            && !known.SequenceEqual(session.Namespaces.Uris, StringComparer.Ordinal);
    }

    private void OnAsked(bool isProgress)
    {
        _refusedAskedAt = time.GetTimestamp();
        _refusedPause = isProgress ? RefusedPauseMin : TimeSpan.FromTicks(Math.Min(_refusedPause.Ticks * 2, RefusedPauseMax.Ticks));
    }

    private static int RefusedOf(SavedSubscription subscription) => subscription.Accepted.Count(a => !a);
}
