namespace ZfRepl.Core.Storage;

/// <summary>What was being done when a storage call failed.</summary>
public enum StorageOperation
{
    /// <summary>Opening or creating a file.</summary>
    Open,

    /// <summary>Reading.</summary>
    Read,

    /// <summary>Writing.</summary>
    Write,

    /// <summary>Making a file's data durable.</summary>
    Sync,

    /// <summary>Making a folder's names durable.</summary>
    SyncFolder,

    /// <summary>Renaming.</summary>
    Rename,

    /// <summary>Deleting.</summary>
    Delete,

    /// <summary>Listing a folder.</summary>
    List,

    /// <summary>Creating a folder.</summary>
    CreateFolder,

    /// <summary>Taking a lock.</summary>
    Lock,

    /// <summary>Changing a file's length.</summary>
    Resize,
}

/// <summary>A failed storage call, as a value: the caller has to decide what it means.</summary>
/// <param name="Operation">What was tried.</param>
/// <param name="Path">On what.</param>
/// <param name="Errno">The system's error number, 0 if it gave none.</param>
/// <param name="Detail">The system's words.</param>
public sealed record StorageError(StorageOperation Operation, string Path, int Errno, string Detail)
{
    /// <summary>True when the disk, the quota or the table of files is full: it may pass by itself.</summary>
    public bool IsNoSpace => Errno is Storage.Errno.NoSpace or Storage.Errno.QuotaExceeded;

    /// <summary>True when the file or folder is not there.</summary>
    public bool IsNotFound => Errno is Storage.Errno.NotFound;

    /// <summary>True when it is there already.</summary>
    public bool IsExists => Errno is Storage.Errno.Exists;

    /// <summary>What a person can do about it.</summary>
    public string Remedy => Errno switch
    {
        Storage.Errno.NoSpace => "free space on this file system",
        Storage.Errno.QuotaExceeded => "raise the disk quota or free space",
        Storage.Errno.ReadOnly => "remount the file system writable; check the kernel log for disk errors",
        Storage.Errno.AccessDenied or Storage.Errno.NotPermitted => "give the service's user read, write and list permission",
        Storage.Errno.InputOutput => "check the disk and the kernel log",
        Storage.Errno.TooManyFiles => "raise the limit of open files",
        Storage.Errno.WouldBlock => "stop the other process that uses it",
        Storage.Errno.NotFound => "check the path",
        _ => "see the system's error",
    };

    /// <inheritdoc/>
    public override string ToString() => $"{Operation} {Path}: {Detail} (errno {Errno}; {Remedy})";
}

/// <summary>The result of a storage call without a value.</summary>
public readonly struct StorageResult
{
    private StorageResult(StorageError? error) => Error = error;

    /// <summary>Success.</summary>
    public static StorageResult Ok => default;

    /// <summary>The error, or null.</summary>
    public StorageError? Error { get; }

    /// <summary>True without an error.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Error is null;

    /// <summary>A failure.</summary>
    public static implicit operator StorageResult(StorageError error) => new(error);
}

/// <summary>The result of a storage call with a value.</summary>
/// <typeparam name="T">The value's type.</typeparam>
public readonly struct StorageResult<T>
{
    private readonly T? _value;

    private StorageResult(T? value, StorageError? error)
    {
        _value = value;
        Error = error;
    }

    /// <summary>The error, or null.</summary>
    public StorageError? Error { get; }

    /// <summary>True without an error.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Error is null;

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">The call failed: look at <see cref="Error"/> first.</exception>
    public T Value => Error is null ? _value! : throw new InvalidOperationException(Error.ToString());

    /// <summary>Success.</summary>
    public static implicit operator StorageResult<T>(T value) => new(value, null);

    /// <summary>A failure.</summary>
    public static implicit operator StorageResult<T>(StorageError error) => new(default, error);
}
