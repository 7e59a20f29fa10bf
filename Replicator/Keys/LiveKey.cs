using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Keys;

/// <summary>One key of the store as it is now. Thread-safe.</summary>
/// <param name="keys">The store.</param>
/// <param name="id">The key's id.</param>
/// <param name="outside">The key where the store says nothing about it: it stands in a file of its own. Null where it stands in the store.</param>
public sealed class LiveKey(LiveKeys keys, string id, ApiKey? outside)
{
    private readonly Lock _gate = new();
    private KeyStore? _seen;
    private string? _secret;
    private ApiKey? _current;
    private string? _trouble;

    /// <summary>The key's id.</summary>
    public string Id => id;

    /// <summary>The key; null while it may not be used. Another object only when its secret has changed.</summary>
    public ApiKey? Current
    {
        get
        {
            lock (_gate)
            {
                Look();
                return _current;
            }
        }
    }

    /// <summary>Why the key may not be used, or null.</summary>
    public string? Trouble
    {
        get
        {
            lock (_gate)
            {
                Look();
                return _trouble;
            }
        }
    }

    /// <summary>Has the store looked at now, and not only within a second.</summary>
    public void Refresh() => keys.Refresh();

    private void Look()
    {
        var store = keys.Store;
        if (ReferenceEquals(store, _seen))
        {
            return;
        }

        _seen = store;
        var stored = store.Keys.GetValueOrDefault(id);
        (_current, _trouble) = stored switch
        {
            { Retired: { } retired } => ((ApiKey?)null, (string?)$"key '{id}' was retired on {retired}; use another key, on both sides"),
            { Secret: { } secret } => (Use(secret), null),
            _ when outside is not null => (outside, null),
            _ => (null, $"key '{id}' is not in {keys.Path} any more; use another key, on both sides"),
        };
    }

    private ApiKey Use(string secret)
    {
        if (_secret == secret && _current is not null)
        {
            return _current;
        }

        _secret = secret;
        return ApiKey.TryCreate(id, secret, out var key, out var error) ? key : throw new InvalidOperationException($"A store with a wrong key was taken: {error}.");
    }
}
