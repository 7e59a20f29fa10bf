namespace ZfRepl.Core.Storage;

/// <summary>The error numbers of Linux that decisions are made on.</summary>
public static class Errno
{
    /// <summary>EPERM.</summary>
    public const int NotPermitted = 1;

    /// <summary>ENOENT.</summary>
    public const int NotFound = 2;

    /// <summary>EINTR.</summary>
    public const int Interrupted = 4;

    /// <summary>EIO.</summary>
    public const int InputOutput = 5;

    /// <summary>EAGAIN, also EWOULDBLOCK.</summary>
    public const int WouldBlock = 11;

    /// <summary>EACCES.</summary>
    public const int AccessDenied = 13;

    /// <summary>EEXIST.</summary>
    public const int Exists = 17;

    /// <summary>EXDEV.</summary>
    public const int CrossDevice = 18;

    /// <summary>EISDIR.</summary>
    public const int IsFolder = 21;

    /// <summary>EMFILE.</summary>
    public const int TooManyFiles = 24;

    /// <summary>ENOSPC.</summary>
    public const int NoSpace = 28;

    /// <summary>EROFS.</summary>
    public const int ReadOnly = 30;

    /// <summary>ELOOP.</summary>
    public const int TooManyLinks = 40;

    /// <summary>EDQUOT.</summary>
    public const int QuotaExceeded = 122;
}
