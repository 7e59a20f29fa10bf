using ZfRepl.Core.Storage;

namespace ZfRepl.Simulation;

/// <summary>The errors that a disk gives at present.</summary>
internal sealed class DiskFaults(int seed)
{
    private readonly Random _random = new(seed ^ 0x5EED);

    /// <summary>The error number, or null when it is well.</summary>
    public int? Errno { get; private set; }

    /// <summary>The share of calls that fail.</summary>
    public double Share { get; private set; }

    /// <summary>A disk that is full, or its quota used up.</summary>
    public bool IsFull => Errno is Core.Storage.Errno.NoSpace or Core.Storage.Errno.QuotaExceeded;

    public void Begin(int errno, double share) => (Errno, Share) = (errno, share);

    public void End() => Errno = null;

    /// <summary>Whether a call that changes something fails, and how. Locking works always; deleting works on a full disk.</summary>
    public int? Next(StorageOperation operation)
    {
        if (Errno is not { } errno
            || operation is StorageOperation.Read or StorageOperation.List or StorageOperation.Lock
            || (IsFull && operation is StorageOperation.Delete or StorageOperation.SyncFolder or StorageOperation.Rename))
        {
            return null;
        }

        return _random.NextDouble() < Share ? errno : null;
    }

    /// <summary>How much of a failed write got there.</summary>
    public int PartOf(int bytes) => _random.Next(bytes + 1);
}
