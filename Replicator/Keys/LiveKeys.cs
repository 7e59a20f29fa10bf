using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Keys;

/// <summary>
/// The store of keys as it is now: read again when the file has changed. A file that can't be used changes nothing, and is said. Thread-safe.
/// </summary>
public sealed class LiveKeys
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly string _path;
    private FileStamp? _stamp;
    private volatile KeyStore _store;
    private volatile string? _trouble;

    /// <summary>What is in a store file.</summary>
    /// <param name="path">The file, which need not be there.</param>
    /// <param name="store">What was read of it.</param>
    /// <param name="stamp">What the file was like before it was read; null when it was not there.</param>
    internal LiveKeys(string path, KeyStore store, FileStamp? stamp)
    {
        (_path, _store, _stamp) = (path, store, stamp);
    }

    /// <summary>The file.</summary>
    public string Path => _path;

    /// <summary>Keys and access lists. Another object only when something has changed.</summary>
    public KeyStore Store => _store;

    /// <summary>Why the file as it is now is not used, or null.</summary>
    public string? Trouble => _trouble;

    /// <summary>What a key may write now.</summary>
    public AccessRights RightsOf(string keyId) => _store.RightsOf(keyId);

    /// <summary>Looks at the file, and reads it when it is another one than before.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            try
            {
                var stamp = FileStamp.Of(_path);
                if (stamp == _stamp)
                {
                    return;
                }

                // Noted before it is read: what changes meanwhile is another change.
                _stamp = stamp;
                Read(stamp);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _trouble = $"{_path} can't be read: {e.Message}; the keys of before stay in use";
            }
        }
    }

    /// <summary>Looks at the file every second until it is cancelled.</summary>
    public async Task RunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Interval, time, cancellationToken);
            Refresh();
        }
    }

    private void Read(FileStamp? stamp)
    {
        if (stamp is null)
        {
            _trouble = $"{_path} is not there any more; the keys of before stay in use: put it back, or stop the service to end their use";
            return;
        }

        var store = KeyStore.Load(_path, out var problems);
        if (store is null)
        {
            _trouble = $"the store of keys is wrong, the keys of before stay in use: {string.Join("; ", problems)}";
            return;
        }

        _store = store;
        _trouble = null;
    }
}
