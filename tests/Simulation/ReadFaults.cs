using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Storage;

namespace ZfRepl.Simulation;

/// <summary>The errors that a disk gives at present to who opens, reads or lists: at every file or at some, at every call or at some, once or for a while.</summary>
internal sealed class ReadFaults(int seed)
{
    private const uint HashStart = 2_166_136_261;
    private const uint HashFactor = 16_777_619;

    private readonly Random _random = new(seed ^ 0x0EAD);
    private int? _errno;
    private double _share;
    private double _files;
    private int _left;
    private uint _salt;

    /// <summary>Whether some call may fail.</summary>
    public bool IsActive => _errno is not null;

    /// <summary>Begins.</summary>
    /// <param name="errno">The error number. Only EIO stands in the way of reading what is open.</param>
    /// <param name="share">The share of calls that fail, from 0 to 1.</param>
    /// <param name="files">The share of files that are affected, from 0 to 1.</param>
    /// <param name="calls">How many calls fail at most.</param>
    public void Begin(int errno, double share, double files, int calls) =>
        (_errno, _share, _files, _left, _salt) = (errno, share, files, calls, (uint)_random.Next());

    public void End() => _errno = null;

    /// <summary>Whether a new file can't be made: a program that may open no more files can make none.</summary>
    public int? NextCreating(string path) => _errno is Errno.TooManyFiles ? Next(path, isOpening: true) : null;

    /// <summary>Whether a call fails, and how.</summary>
    /// <param name="path">The file, or the folder.</param>
    /// <param name="isOpening">False for what reads in a file that is open.</param>
    public int? Next(string path, bool isOpening)
    {
        // A mailbox's books that the disk does not give begin anew, and then nobody knows any more what was asked of them: other tests have that.
        if (_errno is not { } errno || (!isOpening && errno != Errno.InputOutput)
            || (errno == Errno.InputOutput && Path.GetFileName(path) == MailboxStateFile.FileName)
            || PlaceOf(path) >= _files || _random.NextDouble() >= _share)
        {
            return null;
        }

        if (--_left == 0)
        {
            End();
        }

        return errno;
    }

    /// <summary>A number from 0 to 1 that a file keeps for as long as the fault lasts.</summary>
    private double PlaceOf(string path)
    {
        var hash = HashStart ^ _salt;
        foreach (var c in path)
        {
            hash = unchecked((hash ^ c) * HashFactor);
        }

        return (hash >> 8) / (double)(1 << 24);
    }
}
