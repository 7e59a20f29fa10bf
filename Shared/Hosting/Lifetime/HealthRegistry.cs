using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>How well something works; a larger value is worse.</summary>
public enum HealthState
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, but somebody should look.</summary>
    Degraded,

    /// <summary>It does not work.</summary>
    Failed,
}

/// <summary>The state of one part of a service. Immutable.</summary>
/// <param name="Name">The part, such as <c>spool</c>.</param>
/// <param name="State">How well it works.</param>
/// <param name="Message">One sentence: what is, what the service does about it, what to do.</param>
/// <param name="Since">When the state last changed; a new message alone does not count.</param>
public sealed record HealthCheck(string Name, HealthState State, string Message, DateTimeOffset Since);

/// <summary>The named checks of one service, which its parts set and <c>health</c> shows. Thread-safe.</summary>
public sealed class HealthRegistry(TimeProvider time, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, HealthCheck> _checks = new(StringComparer.Ordinal);

    /// <summary>The worst state of all checks; Ok when there are none.</summary>
    public HealthState Overall
    {
        get
        {
            lock (_gate)
            {
                return _checks.Count == 0 ? HealthState.Ok : _checks.Values.Max(c => c.State);
            }
        }
    }

    /// <summary>Sets a check; each change of its state is logged once.</summary>
    public void Set(string name, HealthState state, string message)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(message);
        HealthState before;
        lock (_gate)
        {
            var old = _checks.GetValueOrDefault(name);
            before = old?.State ?? HealthState.Ok;
            _checks[name] = new HealthCheck(name, state, message, old?.State == state ? old.Since : time.GetUtcNow());
        }

        if (before != state)
        {
            Log(name, state, message);
        }
    }

    /// <summary>Takes a check away, because its part is gone.</summary>
    public void Remove(string name)
    {
        lock (_gate)
        {
            _checks.Remove(name);
        }
    }

    /// <summary>All checks by name.</summary>
    public IReadOnlyList<HealthCheck> Snapshot()
    {
        lock (_gate)
        {
            return [.. _checks.Values];
        }
    }

    private void Log(string name, HealthState state, string message)
    {
        switch (state)
        {
            case HealthState.Ok:
                HostingLog.HealthRestored(logger, name, message);
                break;
            case HealthState.Degraded:
                HostingLog.HealthDegraded(logger, name, message);
                break;
            default:
                HostingLog.HealthFailed(logger, name, message);
                break;
        }
    }
}
