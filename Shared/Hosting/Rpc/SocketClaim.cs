using System.Net.Sockets;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Hosting.Rpc;

/// <summary>The right to listen as a service id, held by one process at a time.</summary>
/// <remarks>
/// The right is an exclusive lock (flock) on <c>ID.lock</c>, taken before the socket is touched and kept until it is gone, so of two starters
/// one wins and the other learns it at once; the kernel gives the lock back when a process dies, however it dies. Whoever holds the lock
/// finds only sockets of dead processes; a connection attempt makes sure of it where a file system ignores locks. The lock
/// file stays: deleting it would let two processes lock two files of the same name.
/// </remarks>
internal sealed class SocketClaim : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private SocketClaim(string path, FileStream lockFile)
    {
        Path = path;
        _lock = lockFile;
    }

    /// <summary>The socket's path; no file is there right after the claim.</summary>
    public string Path { get; }

    /// <summary>Takes the claim; null with the reason when it cannot be had.</summary>
    public static SocketClaim? Take(string folder, string serviceId, out ServiceFailure? failure)
    {
        if (!ServiceSockets.TryPathOf(folder, serviceId, out var path, out var reason))
        {
            failure = new ServiceFailure(ExitCode.Config, reason, "correct the configuration");
            return null;
        }

        try
        {
            failure = CheckFolder(folder);
            return failure is null ? TakeLock(serviceId, path, out failure) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = new ServiceFailure(
                e is UnauthorizedAccessException ? ExitCode.Denied : ExitCode.Failed, $"the socket {path} cannot be made: {e.Message}",
                "check that bus.path lies in a folder which the service's account can write");
            return null;
        }
    }

    /// <summary>Makes the bound socket, closed to all other accounts before anybody can connect.</summary>
    public Socket Bind()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(Path));

            // Nobody can connect between these lines: the socket does not listen yet.
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(Path, OwnerOnly);
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Removes the socket; null, or why it stays. One that stays is taken over by the next start.</summary>
    public string? RemoveSocket()
    {
        try
        {
            File.Delete(Path);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>Gives the claim back; to be called after the socket was removed.</summary>
    public void Dispose() => _lock.Dispose();

    private static ServiceFailure? CheckFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return null;
        }

        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        return (File.GetUnixFileMode(folder) & UnixFileMode.OtherWrite) != UnixFileMode.None
            ? new ServiceFailure(
                ExitCode.Config, $"any account can write into the folder of the sockets, {folder}",
                $"set bus.path to a folder of the service's own, or chmod o-w {folder}")
            : null;
    }

    private static SocketClaim? TakeLock(string serviceId, string path, out ServiceFailure? failure)
    {
        var lockFile = OpenLocked(System.IO.Path.ChangeExtension(path, ".lock"));
        failure = lockFile is null || IsAlive(path) ? AlreadyRuns(serviceId, path) : NotASocket(path);
        if (lockFile is null || failure is not null)
        {
            lockFile?.Dispose();
            return null;
        }

        File.Delete(path);
        return new SocketClaim(path, lockFile);
    }

    private static FileStream? OpenLocked(string path)
    {
        const int WouldBlock = 11;
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = OwnerOnly;
            }

            return new FileStream(path, options);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    private static bool IsAlive(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
        catch (SocketException e)
        {
            throw new IOException($"{path} exists and cannot be probed: {e.Message}", e);
        }
    }

    private static ServiceFailure? NotASocket(string path) => File.Exists(path) && new FileInfo(path).Length > 0
        ? new ServiceFailure(ExitCode.Config, $"{path} is a file with content and not a socket", "move it away or choose another bus.path")
        : null;

    private static ServiceFailure AlreadyRuns(string serviceId, string path) => new(
        ExitCode.TryLater, $"a service with the id {serviceId} already runs here",
        $"stop it with `zfrepl call {serviceId} stop --bus {System.IO.Path.GetDirectoryName(path)}`, or choose another id");
}
